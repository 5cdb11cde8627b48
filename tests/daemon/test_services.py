# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands beside polling and upload: the UART board, RS-485, the delta pipe, discovery, flash
during an outage.
"""

import asyncio

import pytest

from flukso import config, discovery
from flukso.backlog import Store
from flukso.boards import Delta
from flukso.services import delta_line
from flukso.state import Saver, restore
from tests.daemon.fake_port import ANALOG, CONFIG, DEVICE, IDS, MAIN, PULSE, FakeLine, FakePort
from tests.daemon.house import House, run

UART = (
    MAIN.replace("unix:/bus", "uart:/dev/ttyS0")
    + ANALOG.format(1, IDS[0])
    + PULSE.format(3, IDS[2], 1)
)


def pls(index, counter, board_ms=None):
    return "pls {}:{:010d}{}\r\n".format(
        IDS[index], counter, "" if board_ms is None else ":{:010d}".format(board_ms)
    ).encode()


def pwr(index, watt):
    return "pwr {}:{:010d}\r\n".format(IDS[index], watt).encode()


def test_the_uart_board_is_heard_buffered_and_uploaded():
    async def scenario():
        house = House(UART)
        line = house.port.line = FakeLine()
        house.start()
        for second in range(2, 402):
            await house.until(second + 0.5)
            line.say(pwr(0, 3600))
            line.say(pls(0, 1000 + second))
            if second % 10 == 0:
                line.say(pls(2, 50 + second // 10, second * 1000) + b"noise\n" + pwr(5, 1))
        window = dict(house.daemon.readings.meters[IDS[2]].window(house.clock.now, house.clock.now))
        assert 360 in window.values()
        assert house.daemon.readings.meters[IDS[0]].rate == 3600
        await house.until(403)
        await house.end()
        assert house.server.held(IDS[0])[-1][1] == 1401 and house.server.held(IDS[2])[-1][1] == 90
        assert house.daemon.board.faults == 40 and house.daemon.board.strangers == 40
        assert line.closed

    run(scenario())


def test_a_uart_board_that_is_silent_or_gone_is_said_and_taken_back():
    async def scenario():
        house = House(UART)
        house.start()
        await house.until(5)
        assert house.port.said("no such line")
        house.port.line = FakeLine()
        await house.until(10)
        house.port.line.say(pls(0, 5) + pwr(0, 100))
        await house.until(15)
        assert not house.daemon.board_error
        await house.until(60)
        assert "no good line" in house.daemon.board_error
        house.port.line.say(b"")
        await house.until(65)
        assert house.port.line.opened == 2
        house.port.line.say(pls(0, 6))
        await house.until(70)
        assert not house.daemon.board_error and house.daemon.readings.meters[IDS[0]].counter == 6
        house.kill()

    run(scenario())


def with_option(line):
    return CONFIG.replace(
        "option enable_lan_branch 0", "option enable_lan_branch 0\n\toption " + line
    )


def test_bytes_go_to_and_from_the_boards_uart():
    async def scenario():
        house = House(with_option("uart_socket /run/uart"))
        house.start()
        await house.until(10)
        client = FakeLine()
        task = asyncio.create_task(house.port.served["/run/uart"](client, client))
        client.say(b"question" * 20)
        house.board.uart_in = b"answer"
        await house.until(13)
        assert house.board.uart_out == b"question" * 20
        assert client.written == b"answer"
        assert house.daemon.board.faults == 0
        client.say(b"")
        await task
        await house.end()

    run(scenario())


class Deaf(FakeLine):
    """A client whose buffers are full: what is written to it is never taken."""

    async def drain(self):
        await asyncio.Event().wait()


def test_a_client_that_does_not_read_is_cut_and_holds_up_no_poll():
    async def scenario():
        house = House(with_option("uart_socket /run/uart"))
        house.start()
        await house.until(10)
        deaf, client = Deaf(), FakeLine()
        serve = house.port.served["/run/uart"]
        tasks = [asyncio.create_task(serve(one, one)) for one in (deaf, client)]
        for n in range(40):
            house.board.uart_in = b"%200d" % n
            await house.until(11 + n)
        assert client.written == b"".join(b"%200d" % n for n in range(40))
        assert deaf.written == b"%200d" % 0 and deaf.closed and not client.closed
        assert house.daemon.board.polls >= 49
        client.say(b"")
        await asyncio.gather(*tasks)
        await house.end()

    run(scenario())


def test_a_buffer_that_memory_is_too_short_to_save_is_said_once():
    port, store, said = FakePort(None, None, None), Store(), []
    saver = Saver(port, lambda level, text: said.append(text), config.parse(CONFIG), 0.0)

    def short(path, data):
        raise MemoryError("memory allocation failed")

    port.write_durable = short
    for _ in range(2):
        saver.save(store)
    assert len(said) == 1 and "memory" in saver.error


def test_the_delta_pipe_gets_the_historic_lines():
    async def scenario():
        house = House(with_option("delta_pipe /run/delta"))
        house.board.watts = [1500, 0, 0]
        house.start()
        await house.until(20)
        line = house.port.pipe[-1].split()
        assert len(line) == 4 and line[1] == b"0" and line[3] == b"1500"
        await house.end()

    run(scenario())


def test_a_delta_line():
    deltas = (
        Delta(0, 12, 0, 1500),
        Delta(3, 7, None, 99),
        Delta(4, None, None, 5),
        Delta(5, 5, None, None),
    )
    assert delta_line(1700000000, deltas) == b"1700000000 0 12 1500 3 7 99\n"


async def taken(path, handler):
    raise OSError(98, "address in use")


def test_what_the_machine_does_not_offer_is_said_once_and_stops_nothing():
    async def scenario():
        house = House(with_option("uart_socket /run/uart"))
        house.port.serve_unix = taken
        house.start()
        await house.until(200)
        assert len(house.port.said("UART socket cannot be offered")) == 1
        assert house.daemon.board.polls > 190
        await house.end()

    run(scenario())


def test_the_service_is_announced_as_clients_expect():
    service = discovery.service(config.parse(CONFIG))
    assert service.name == "Flukso RESTful API on flukso-" + DEVICE[:6] and service.port == 8080
    assert service.txt == [
        ("id1", IDS[0]),
        ("id4", IDS[3]),
        ("path", "/sensor"),
        ("version", "1.0"),
    ]


def saver_of(folder, port):
    option = "flash_dir '{}'\n\toption flash_interval 7200".format(folder)
    settings = config.parse(with_option(option))
    return Saver(port, None, settings, 0.0), settings


@pytest.mark.parametrize("folder, writes", [("", 0), ("/flash", 4)])
def test_flash_is_written_only_in_an_outage_and_seldom(folder, writes):
    port, store = FakePort(None, None, None), Store()
    saver, _ = saver_of(folder, port)
    for now in range(8000):
        saver.tick(store, now, now - 200)
    assert "/flash/buffer.bin" not in port.stamps and port.stamps["/state/buffer.bin"] == 26
    for now in range(8000, 40000):
        saver.tick(store, now, 7800)
    assert port.stamps.get("/flash/buffer.bin", 0) == writes


def test_after_a_power_cut_the_backlog_comes_from_flash_and_once_sent_it_is_gone_there():
    port, store = FakePort(None, None, None), Store()
    saver, settings = saver_of("/flash", port)
    store.add(IDS[0], 1700000000, 5)
    for now in range(20000):
        saver.tick(store, now, None)
    port.files.pop("/state/buffer.bin")
    assert restore(port, settings, None).newest() == 1700000000
    store.buffer(IDS[0]).ack([(1700000000, 5)])
    for now in range(20000, 20400):
        saver.tick(store, now, 20001)
    port.files.pop("/state/buffer.bin")
    assert len(restore(port, settings, None)) == 0

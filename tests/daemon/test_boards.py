# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of a board (flukso/boards.py): what its URL says of it, and the one error."""

import asyncio
import subprocess
import sys

import pytest

from flukso import boards, config
from flukso.boards import AWAY, DAMAGED, HELD, REFUSED, BoardError
from flukso.ports import cpython_process
from flukso.spiboard import SpiBoard
from tests.daemon.fake_port import CONFIG, IDS, FakeLine, FakePort
from tests.daemon.house import House, run
from tests.daemon.test_services import UART

URLS = {"spidev:": "/dev/spidev0.0", "tcp:": "h:1", "unix:": "/b", "tty:": "/t", "uart:": "/t"}


@pytest.mark.parametrize("scheme, kind", boards.KINDS)
def test_a_url_opens_a_board_that_is_what_the_url_says(scheme, kind):
    house = House(UART if kind.listens else CONFIG)
    url = scheme + URLS[scheme]
    assert boards.known(url) and not boards.known(scheme) and boards.kind_of(url) == kind
    opening = boards.opening(config.load(house.port, "/etc/flukso"), url)
    board = boards.open_board(opening, house.port, house.clock, None)
    assert board.listens == kind.listens and opening.url == url
    assert (board.polls, board.inputs, board.damage, bytes(board.uart_in)) == (0, (), None, b"")


def test_an_opening_differs_when_the_board_must_be_opened_anew():
    port = FakePort(None, None, None, CONFIG)
    settings = config.load(port, "/etc/flukso", "spidev:/dev/spidev0.0")
    assert boards.opening(settings) == boards.opening(settings, settings.bus)
    other = settings._replace(spi_mode=3)
    assert boards.opening(other).url == "spidev:/dev/spidev0.0?mode=3"
    heard = settings._replace(bus="uart:/dev/ttyS0")
    assert boards.opening(heard).indexes == {IDS[0]: 0, IDS[3]: 3}
    assert boards.opening(heard._replace(sensors=settings.sensors[:1])) != boards.opening(heard)


def test_nothing_is_a_boards_url_without_its_scheme():
    assert not boards.known("") and not boards.known("/dev/spidev0.0") and not boards.known("p9:/x")


class Refusing:
    """A bus behind which the board answers with these bytes."""

    def __init__(self, wire):
        self.wire = wire

    async def transfer(self, data, gap_us):
        if self.wire is None:
            raise BoardError("the device is away")
        return (self.wire + bytes(len(data)))[: len(data)] if data.strip(b"\0") == b"" else data


@pytest.mark.parametrize(
    "wire, kind",
    [(None, AWAY), (b"\xff" * 9, DAMAGED), (b"lzz", DAMAGED)],
    ids=("gone", "off", "cut"),
)
def test_what_goes_wrong_on_the_bus_is_a_board_error_with_its_kind(wire, kind):
    board = SpiBoard(Refusing(wire), House().clock)
    with pytest.raises(BoardError) as raised:
        asyncio.run(board.counters([0]))
    assert raised.value.kind == kind and str(raised.value)


def test_a_board_that_says_no_has_refused():
    house = House()
    board = SpiBoard(house.board, house.clock)
    with pytest.raises(BoardError) as raised:
        asyncio.run(board.ask("gc", 9))
    assert raised.value.kind == REFUSED


def test_the_counters_of_a_board_that_only_talks_stay():
    async def scenario():
        house = House(UART.replace("option bus", "option reset_counters 1\n\toption bus"))
        house.port.line = FakeLine()
        house.start()
        await house.until(5)
        with pytest.raises(BoardError) as raised:
            await house.daemon.board.reset_counters()
        assert raised.value.kind == REFUSED
        house.kill()

    run(scenario())


def test_a_board_without_a_uart_of_its_own_may_be_configured_with_a_socket_for_it():
    async def scenario():
        house = House(
            UART.replace("option state_dir", "option uart_socket /run/uart\n\toption state_dir")
        )
        line = house.port.line = FakeLine()
        house.start()
        client = FakeLine()
        await house.until(2)
        task = asyncio.create_task(house.port.served["/run/uart"](client, client))
        client.say(b"question")
        for second in range(3, 10):
            line.say("pwr {}:{:010d}\r\n".format(IDS[0], 100).encode())
            await house.until(second)
        assert house.daemon.readings.meters[IDS[0]].rate == 100 and not house.daemon.stop.is_set()
        client.say(b"")
        await task
        await house.end()

    run(scenario())


def test_a_lock_that_another_program_has_is_told_by_its_kind(tmp_path):
    path = str(tmp_path / "lock")
    code = "import sys\nfrom flukso.ports import cpython_process\n{}\n"
    hold = (
        "held = cpython_process.lock(sys.argv[1], 1)\nprint('held', flush=True)\nsys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code.format(hold), path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(BoardError) as raised:
            cpython_process.lock(path, 1)
        assert raised.value.kind == HELD and str(child.pid) in str(raised.value)
    finally:
        child.communicate()
    with pytest.raises(BoardError) as raised:
        cpython_process.lock(str(tmp_path / "no" / "lock"), 1)
    assert raised.value.kind == AWAY

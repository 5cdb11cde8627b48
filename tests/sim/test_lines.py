# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets of fluksosim: garbage, half frames, slow readers, many clients, drivers."""

import os
import random
import socket
import threading
import time

import pytest

from tools.harness.bus import (
    DONE,
    MALFORMED,
    Bus,
    Control,
    answer_frame,
    connect,
    crc8,
    request_frame,
)
from tools.harness.wait import wait_until

WAIT_S = 120  # real, for what comes sooner or later on a busy machine
NOT_OF = bytes.maketrans(bytes(range(256)), bytes(reversed(range(256))))


def receive(link, count, timeout_s=10):
    """Exactly count bytes, or fewer when the time is up."""
    link.settimeout(timeout_s)
    data = b""
    try:
        while len(data) < count:
            part = link.recv(count - len(data))
            if not part:
                break
            data += part
    except OSError:  # time is up, or the line is gone
        pass
    return data


@pytest.fixture
def echo(chip):
    sim = chip("SPI_NOT")
    sim.run(0.01)
    return sim


def test_transfers_over_the_bus(echo):
    bus = echo.bus()
    assert bus.transfer(b"\x01\x02\x03", 250) == (DONE, b"\x00\xfe\xfd")
    status, data = bus.transfer(bytes(1024), 0)
    assert (status, len(data)) == (DONE, 1024)
    bus.close()


def test_a_board_without_power_says_so(echo):
    echo.ask("cut")
    bus = echo.bus()
    assert bus.transfer(b"ab", 250) == (1, b"\xff\xff")
    bus.close()


@pytest.mark.parametrize("count", [0, 1025, 65535])
def test_a_bad_count_is_refused_and_the_next_frame_served(echo, count):
    link = connect(echo.bus_url)
    header = b"\xf5X" + count.to_bytes(2, "big") + b"\x00\xfa"
    link.sendall(header + bytes([crc8(header)]) + request_frame(b"z", 250))
    assert receive(link, 7) == answer_frame(b"", MALFORMED)
    assert receive(link, 8)[4] == DONE
    link.close()


def test_garbage_before_a_frame_is_passed_over(echo):
    random.seed(1)
    link = connect(echo.bus_url)
    for _ in range(50):
        link.sendall(random.randbytes(random.randrange(200)) + request_frame(b"abc", 250))
        assert len(receive(link, 10)) == 10
    link.close()


def test_a_line_that_died_in_a_frame_is_in_step_with_the_next(echo):
    frame = request_frame(b"hello", 250)
    for cut in range(1, len(frame)):
        link = connect(echo.bus_url)
        link.sendall(frame[:cut])
        link.sendall(frame)
        got = receive(link, 12)
        assert got[:2] == b"\xf5x", cut
        link.close()


def test_an_unfinished_frame_is_dropped_after_a_second(echo):
    link = connect(echo.bus_url)
    big = request_frame(bytes(1000), 250)
    link.sendall(big[:500])
    time.sleep(1.3)
    link.sendall(request_frame(b"abc", 250))
    assert len(receive(link, 10)) == 10
    link.close()


def test_a_damaged_frame_gets_no_answer(echo):
    link = connect(echo.bus_url)
    frame = bytearray(request_frame(b"abc", 250))
    frame[-1] ^= 1
    link.sendall(frame)
    assert receive(link, 1, 0.3) == b""
    link.sendall(request_frame(b"abc", 250))
    assert len(receive(link, 10)) == 10
    link.close()


def test_clients_do_not_mix(echo):
    errors = []

    def work(number):
        bus = Bus(echo.bus_url)
        for i in range(30):
            data = bytes([number, i, 255 - i, 7])
            status, got = bus.transfer(data, 250)
            if status != DONE or got[1:] != data[:-1].translate(NOT_OF):
                errors.append((number, i, got.hex()))
        bus.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_client_that_goes_in_the_middle_harms_nobody(echo):
    for _ in range(20):
        link = connect(echo.bus_url)
        link.sendall(request_frame(bytes(100), 250))
        link.close()
    bus = echo.bus()
    assert bus.transfer(b"\x01\x02", 250)[0] == DONE
    bus.close()


def test_too_many_connections_are_closed_and_the_old_ones_live(echo):
    links = [connect(echo.bus_url) for _ in range(40)]
    time.sleep(0.3)
    closed = sum(
        receive(link, 1, 0.02) == b"" and link.gettimeout() is not None and _is_closed(link)
        for link in links
    )
    assert closed >= 40 - 31
    assert echo.ask("time")
    for link in links:
        link.close()
    time.sleep(0.1)
    bus = echo.bus()
    assert bus.transfer(b"ab", 250)[0] == DONE
    bus.close()


def _is_closed(link):
    link.setblocking(False)
    try:
        return link.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_a_slow_reader_stops_only_itself(echo):
    link = connect(echo.control_url)
    link.setblocking(False)
    sent = 0
    try:
        while sent < 2_000_000:
            sent += link.send(b"eeprom\n" * 100)
    except BlockingIOError:
        pass
    assert sent < 2_000_000
    assert echo.ask("time")
    assert echo.program.rss_kb() < 60_000
    link.close()


BAD_LINES = [
    "nonsense",
    "until",
    "until x",
    "until -1",
    "until 1 2",
    "advance 1e3",
    "clamp 3 100",
    "clamp 0 -5",
    "clamp 0 nan",
    "pulse 2 1",
    "pulse 0 0",
    "pulse 0 1 100 100",
    "pulse 0 1 100 200",
    "level 0 2",
    "edges 0",
    "edges 0 x",
    "supply 99999999",
    "cut-at 0 before",
    "cut-at 1 half:1",
    "cut-at 1 never",
    "symbol none 2",
    "symbol result 999",
    "symbol result 0",
    "eeprom 00",
    "spi",
    "spi 0",
    "spi zz",
    "spi 00 70000",
    "uart-send",
    "speed fast",
    "speed -1",
    "wall yesterday",
    "ntp perhaps",
    "isr now",
    "tim\u00e9",
    "time\x01",
    "spi " + "00" * 1025,
    "x" * 5000,
    "edges 0 " + "1 " * 1100,
]


@pytest.mark.parametrize("line", BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_bad_line_is_an_error_and_changes_nothing(echo, line):
    before = echo.ask("stats"), echo.ask("time"), echo.ask("energy")
    link = connect(echo.control_url)
    link.sendall(line.encode() + b"\ntime\n")
    lines = link.makefile("rb")
    assert lines.readline().startswith(b"err ")
    assert lines.readline().startswith(b"ok ")
    assert (echo.ask("stats"), echo.ask("time"), echo.ask("energy")) == before
    link.close()


def test_random_bytes_on_the_control_line(echo):
    random.seed(2)
    words = [
        b"time",
        b"until",
        b"pulse",
        b"0",
        b"1",
        b"99",
        b"\n",
        b"\r\n",
        b" ",
        b"spi",
        b"zz",
        b"\xff",
        b"level",
        b"eeprom",
        b"\0",
    ]
    link = connect(echo.control_url)
    link.settimeout(5)
    sink = threading.Thread(target=lambda: receive(link, 10_000_000, 3), daemon=True)
    sink.start()
    for _ in range(300):
        link.sendall(b" ".join(random.choice(words) for _ in range(random.randrange(40))) + b"\n")
    assert echo.ask("time")
    assert echo.program.running()
    link.close()


def test_commands_come_in_pieces_and_in_a_row(echo):
    link = connect(echo.control_url)
    for piece in (b"ti", b"me\ntime\nadvance 0.0", b"01\ntime\n"):
        link.sendall(piece)
        time.sleep(0.02)
    lines = link.makefile("rb")
    times = [int(lines.readline().split()[1]) for _ in range(4)]
    assert times[2] == times[1] + 1000 == times[3]
    link.close()


# drivers


def test_time_waits_for_each_driver(echo):
    other = Control(echo.control_url)
    other.ask("join")
    echo.ask("join")
    echo.ask("speed max")
    start = echo.control.time_us()
    done = []
    thread = threading.Thread(target=lambda: done.append(echo.control.until_us(start + 5_000_000)))
    thread.start()
    time.sleep(0.2)
    assert not done
    assert other.until_us(start + 1_000_000) == start + 1_000_000
    time.sleep(0.2)
    assert not done
    assert other.until_us(start + 9_000_000 // 2) == start + 4_500_000
    other.close()  # is forgotten
    thread.join(10)
    assert done == [start + 5_000_000]


def test_a_driver_may_use_the_bus(echo):
    bus = echo.bus()
    echo.ask("join")
    echo.ask("speed max")
    start = echo.control.time_us()
    assert bus.transfer(b"\x01\x02", 1000)[0] == DONE
    assert echo.control.time_us() - start == 2 * 1016
    time.sleep(0.1)
    assert echo.control.time_us() - start == 2 * 1016
    bus.close()


def test_a_transfer_waits_for_an_idle_driver_beside_the_busy_one(echo):
    bus, second = echo.bus(), Control(echo.control_url)
    for control in (echo.control, second):
        control.ask("join")
    echo.ask("speed max")
    done = []
    thread = threading.Thread(target=lambda: done.append(bus.transfer(b"\x01\x02", 1000)[0]))
    thread.start()
    time.sleep(0.2)
    assert not done  # the second driver has not said how far time may go
    second.ask("leave")
    thread.join(10)
    assert done == [DONE]
    bus.close()
    second.close()


# pacing


def test_the_speed_is_kept(chip):
    sim = chip("CLOCK")
    for speed in (1, 5):
        sim.ask("speed {}".format(speed))
        began_s, began_us, deadline = (
            time.monotonic(),
            sim.control.time_us(),
            time.monotonic() + WAIT_S,
        )
        while (now_us := sim.control.time_us()) < began_us + speed * 500_000:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # a busy machine makes it late, never early
        assert now_us - began_us < speed * 1.05 * 1e6 * (time.monotonic() - began_s)
    assert sim.ask("speed 0") == "5"
    stands = sim.control.time_us()
    time.sleep(0.1)
    assert sim.control.time_us() == stands
    assert sim.ask("speed max") == "0"
    assert sim.ask("speed") == "max"


def test_speed_one_rests_between_its_steps(chip):
    sim = chip("SPI_NOT")
    sim.ask("speed 1")
    before, deadline = sim.program.rests(), time.monotonic() + WAIT_S
    while sim.program.rests() < before + 100:  # on a busy machine it has less to wait for
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_wall_clock_can_be_set_and_catches_up(chip):
    start = time.time() - 20
    sim = chip("CLOCK", "--wall", "{:.3f}".format(start), "--speed", "max", "--catch-up")
    wait_until(lambda: sim.ask("speed") != "max")
    assert sim.ask("speed") == "1"
    # a busy machine makes it late again
    wait_until(lambda: time.time() - 0.6 < sim.control.wall_s())
    assert sim.control.wall_s() < time.time() + 0.6
    sim.ask("wall 1000000000.25")
    assert 1_000_000_000.25 <= sim.control.wall_s() < 1_000_000_000.25 + WAIT_S


def test_drivers_are_told_whether_the_wall_clock_is_synchronised(chip):
    sim = chip("CLOCK", "--wall", "1700000000")
    assert len(sim.ask("time").split()) == 2
    sim.ask("wall 1700000100")
    assert len(sim.ask("time").split()) == 2
    for word, told in (("1", "1"), ("0", "0"), ("1", "1")):
        sim.ask("ntp " + word)
        assert sim.ask("time").split()[2] == told
    sim.ask("wall 1700000000")
    assert sim.ask("advance 0.01").split()[2] == "0"
    sim.ask("ntp unknown")
    assert len(sim.ask("time").split()) == 2


def test_a_pty_carries_the_uart(chip, tmp_path):
    link = tmp_path / "uart"
    sim = chip("UART", "--uart", "pty:{}".format(link))
    line = os.open(link, os.O_RDWR | os.O_NOCTTY)
    sim.run(0.3)
    time.sleep(0.1)
    assert os.read(line, 100) == b"abcd"
    os.write(line, b"\x01\x02")
    deadline = time.monotonic() + 5
    while sim.words("result", 3)[2] < 2:
        assert time.monotonic() < deadline
        sim.run(0.01)
    assert sim.words("result", 1) == [3]
    os.close(line)
    sim.ask("quit")
    assert sim.program.wait() == 0
    assert not link.is_symlink()


def test_a_tty_carries_the_bus(chip, tmp_path):
    board_end, our_end = os.openpty()
    sim = chip("SPI_NOT", "--listen", "tty:" + os.ttyname(our_end))
    sim.run(0.01)
    os.write(board_end, request_frame(b"\x01\x02", 250))
    data = b""
    while len(data) < 9:
        data += os.read(board_end, 100)
    assert data[4] == DONE
    os.close(our_end)
    os.close(board_end)


def test_tcp_carries_both(chip):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sim = chip("SPI_NOT", "--listen", "tcp:127.0.0.1:{}".format(port))
    sim.run(0.01)
    bus = Bus("tcp:127.0.0.1:{}".format(port))
    assert bus.transfer(b"\x01\x02", 250) == (DONE, b"\x00\xfe")
    bus.close()

# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython's port on the real machine: durable files, locks, sockets, pipes, and the simulator's
clock and bus.
"""

import asyncio
import os
import subprocess
import sys

import pytest

from flukso.boards import BoardError
from flukso.ports import cpython, cpython_bus, cpython_local, simulator
from flukso.spiboard import SpiBoard
from tools.fakes.oldboard import OldBoard


def test_a_durable_write_leaves_the_old_bytes_when_any_step_fails(tmp_path, monkeypatch):
    path = str(tmp_path / "state")
    cpython.write_durable(path, b"old")
    for name in ("open", "write", "fsync", "rename"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail)
            with pytest.raises(OSError):
                cpython.write_durable(path, b"new")
        assert cpython.read_file(path, 10) == b"old"
    cpython.write_durable(path, b"new")
    assert cpython.read_file(path, 10) == b"new" and os.stat(path).st_mode & 0o777 == 0o600


def test_a_rewritten_file_keeps_its_mode_and_its_link(tmp_path):
    real, link = tmp_path / "flukso", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o664)
    link.symlink_to(real)
    cpython.rewrite_durable(str(link), b"new")
    assert (
        link.is_symlink() and real.read_bytes() == b"new" and real.stat().st_mode & 0o7777 == 0o664
    )
    with pytest.raises(OSError):
        cpython.rewrite_durable(str(tmp_path / "none"), b"new")


def fail(*args, **kwargs):
    raise OSError(28, "no space left")


def test_a_file_over_its_limit_is_an_error(tmp_path):
    (tmp_path / "big").write_bytes(bytes(11))
    with pytest.raises(OSError):
        cpython.read_file(str(tmp_path / "big"), 10)


def test_the_stamp_changes_with_every_writing(tmp_path):
    path = str(tmp_path / "config")
    before = cpython.file_stamp(path)
    for _ in range(50):
        cpython.write_durable(path, b"same")
        assert cpython.file_stamp(path) != before
        before = cpython.file_stamp(path)


HOLDER = (
    "import fcntl,sys; f=open(sys.argv[1],'r+b'); fcntl.lockf(f,fcntl.LOCK_EX); "
    "print('held',flush=True); sys.stdin.read()"
)

TAKER = "import fcntl,sys; fcntl.lockf(open(sys.argv[1],'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"


def test_who_holds_the_device_is_named(tmp_path):
    path = tmp_path / "spidev0.0"
    path.write_bytes(b"")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        other.stdout.readline()
        with open(path, "r+b") as device:
            with pytest.raises(BoardError) as raised:
                cpython_bus.take_lock(device.fileno(), str(path), tries=1)
            assert str(other.pid) in str(raised.value) and "python" in str(raised.value)
            other.communicate(b"")
            cpython_bus.take_lock(device.fileno(), str(path), tries=2)
            refused = subprocess.run([sys.executable, "-c", TAKER, path], stderr=subprocess.DEVNULL)
            assert refused.returncode != 0, "now it is ours"
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize(
    "url",
    ["spidev:/dev/spi0", "spidev:", "tcp:1", "tcp:host:x", "tcp:host:70000", "unix:", "pigeon:1"],
)
def test_urls_that_mean_nothing_are_refused(url):
    with pytest.raises((ValueError, BoardError)):
        cpython.open_bus(url, cpython.system_clock())


def test_a_board_is_spoken_to_through_the_simulators_sockets(tmp_path):
    async def scenario(board):
        clock = cpython.sim_clock(board.control_url)
        await clock.start()
        bus = cpython.open_bus(board.bus_url, clock)
        begin = clock.monotonic(), clock.wall()
        it = SpiBoard(bus, clock)
        identity = await it.identify()
        assert identity.historic and it.faults == 0
        assert len(await it.counters(range(6))) == 6
        await clock.sleep(10)
        assert 10 < clock.monotonic() - begin[0] < 12
        assert clock.wall() - begin[1] == pytest.approx(clock.monotonic() - begin[0], abs=1e-5)
        bus.close()
        clock.close()

    with OldBoard(tmp_path) as board:
        asyncio.run(asyncio.wait_for(scenario(board), 30))


def test_sleepers_wake_in_order_and_time_waits_for_those_who_work(tmp_path):
    async def scenario(board):
        clock = cpython.sim_clock(board.control_url)
        await clock.start()
        woken = []

        async def sleeper(seconds):
            await clock.sleep(seconds)
            woken.append((seconds, clock.monotonic()))

        start = clock.monotonic()
        await asyncio.gather(*[sleeper(seconds) for seconds in (3, 1, 2, 1)])
        assert [seconds for seconds, _ in woken] == [1, 1, 2, 3]
        assert all(abs(at - start - seconds) < 0.01 for seconds, at in woken)
        task = asyncio.create_task(clock.sleep(1000))
        await asyncio.sleep(0)
        task.cancel()
        await clock.sleep(1)
        assert clock.monotonic() - start < 6
        clock.close()

    with OldBoard(tmp_path) as board:
        asyncio.run(asyncio.wait_for(scenario(board), 30))


def test_a_simulator_that_goes_away_is_an_error_not_a_wait(tmp_path):
    async def scenario():
        board = OldBoard(tmp_path)
        clock = cpython.sim_clock(board.control_url)
        await clock.start()
        board.close()
        with pytest.raises(BoardError):
            for _ in range(3):
                await clock.sleep(1)
        with pytest.raises(BoardError):
            await cpython.open_bus(board.bus_url, clock).transfer(b"x", 300)

    asyncio.run(asyncio.wait_for(scenario(), 30))


@pytest.mark.parametrize("noise", [b"", b"\xf5", b"\xf5x\0\2", b"\xf5\xf5x\0\1\0\0" * 3])
def test_an_answer_is_found_behind_noise(noise):
    head = b"\xf5x\0\2\0"
    frame = head + bytes([simulator.crc8(head)]) + b"ab" + bytes([simulator.crc8(b"ab")])

    async def scenario():
        reader = asyncio.StreamReader()
        reader.feed_data(noise + frame)
        return await simulator.read_answer(reader, 2)

    assert asyncio.run(scenario()) == b"ab"


def test_a_pipe_waits_for_nobody(tmp_path):
    path = str(tmp_path / "delta" / "out")
    pipe = cpython_local.Pipe(path)
    assert not pipe.write(b"lost\n")
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    assert pipe.write(b"1 0 5 7\n") and os.read(reader, 100) == b"1 0 5 7\n"
    while pipe.write(b"x" * 4000):
        pass
    os.close(reader)
    assert not pipe.write(b"gone\n")
    pipe.close()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError):
        cpython_local.Pipe(str(tmp_path / "file"))


def test_a_dead_socket_is_replaced_and_a_file_is_not(tmp_path):
    async def scenario():
        path = str(tmp_path / "uart")
        (await cpython.serve_unix(path, None))._server.close()
        server = await cpython.serve_unix(path, None)
        server.close()
        assert not os.path.exists(path)
        (tmp_path / "file").write_bytes(b"kept")
        with pytest.raises(OSError):
            await cpython.serve_unix(str(tmp_path / "file"), None)
        assert (tmp_path / "file").read_bytes() == b"kept"

    asyncio.run(scenario())

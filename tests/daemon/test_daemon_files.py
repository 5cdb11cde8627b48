# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the daemon outlives its process: the saved buffer, and the mark that the counters were
reset.
"""

import pytest

from flukso.https import HttpsError
from tests.daemon.fake_port import CONFIG, IDS
from tests.daemon.house import START, House, run


def test_the_buffer_outlives_a_restart_and_a_damaged_file_is_put_aside():
    async def scenario():
        house = House()
        house.board.watts = [2000, 0, 0]
        house.server.trouble = HttpsError("unreachable", "down")
        house.start()
        await house.until(1000)
        await house.end()
        kept = len(house.daemon.store)
        assert kept > 20
        again = House(files=house.port.files, wall=START + 2000)
        again.start()
        assert len(again.daemon.store) == kept
        await again.until(20)
        await again.end()
        assert len(again.server.held(IDS[0])) >= 16
        torn = bytearray(house.port.files["/state/buffer.bin"])
        torn[40] ^= 1
        third = House(files={"/state/buffer.bin": bytes(torn)})
        third.start()
        assert len(third.daemon.store) == 0 and third.port.said("damaged")
        assert third.port.files["/state/buffer.bin.damaged"] == bytes(torn)
        await third.end()

    run(scenario())


def test_it_saves_every_few_minutes_without_a_stop():
    async def scenario():
        house = House()
        house.server.trouble = 500
        house.start()
        await house.until(700)
        assert house.port.stamps["/state/buffer.bin"] == 2
        house.port.write_error = "no space"
        await house.until(1000)
        assert house.port.said("no space")
        house.kill()

    run(scenario())


def test_a_defect_ends_the_daemon_and_keeps_what_was_read():
    async def scenario():
        house = House()
        house.server.trouble = 500
        house.start()
        await house.until(200)

        async def defect(wall, mono):
            raise RuntimeError("a defect")

        house.daemon._tick = defect
        with pytest.raises(RuntimeError):
            await house.task
        again = House(files=house.port.files)
        again.start()
        assert len(again.daemon.store) == len(house.daemon.store) > 5
        again.kill()

    run(scenario())


def test_a_saved_buffer_that_cannot_be_read_is_said():
    async def scenario():
        house = House()

        def refused(path, limit):
            if path.startswith("/state"):
                raise OSError(13, "permission denied")
            return type(house.port).read_file(house.port, path, limit)

        house.port.read_file = refused
        house.start()
        assert house.port.said("cannot be read")
        house.kill()

    run(scenario())


RESET = CONFIG.replace(
    "config settings daemon",
    "config settings main\n\toption reset_counters 1\nconfig settings daemon",
)


def test_reset_counters_acts_once_for_each_time_the_file_was_written():
    async def scenario():
        house = House(RESET)
        house.board.counter = [5, 6, 7, 8, 9, 10]
        house.start()
        await house.until(10)
        assert house.board.counter == [0] * 6
        house.board.counter[3] = 77
        await house.end()
        house.start()
        await house.until(house.clock.now + 10)
        assert house.board.counter[3] == 77
        await house.end()
        house.port.write_durable("/etc/flukso", RESET.encode())
        house.start()
        await house.until(house.clock.now + 10)
        assert house.board.counter[3] == 0
        await house.end()

    run(scenario())


def test_counters_are_not_reset_when_that_could_not_be_noted():
    async def scenario():
        house = House(RESET)
        house.port.write_error = "read-only"
        house.board.counter = [5] * 6
        house.start()
        await house.until(10)
        assert house.board.counter == [5] * 6 and house.port.said("not reset")
        house.kill()

    run(scenario())

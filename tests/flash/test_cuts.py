# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts at every point of an update: the tool killed, avrdude killed, the board without power in the middle of each write."""

import contextlib
import os
import signal
import subprocess
import time

import pytest

from flukso.flash import cli
from tests.e2e.chain import FIRMWARE
from tests.fakes.bus import Control, Refused
from tests.fakes.isp_chip import PowerCut
from tests.flash.conftest import COUNTERS
from tests.flash.station import historic_chip

WRITES = 66  # of this update: a fuse, the erase, 64 pages
STEPS = 18  # lines that the tool says with --json
END_S = 120
TORN_S = 1  # simulated seconds that half a firmware runs
KINDS = ("power", "avrdude", "tool")
SHORT = [("power", 1), ("power", 2), ("power", 3), ("power", 35), ("power", 66), ("avrdude", 2), ("avrdude", 30), ("tool", 1), ("tool", 40)]
ALL = [(kind, nth) for kind in KINDS for nth in range(1, WRITES + 1) if (kind, nth) not in SHORT]
SHORT_STEPS = (1, 6, 9)


def board_of(station):
    return station(historic_chip("declared-1", COUNTERS), "declared-1")


def start(board, *words):
    command, env = board.command(*words)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, cwd=board.folder)


def cut_in_write(board, kind, nth):
    """Begin an update and cut it in its nth write; returns how the tool ended."""
    left = [nth]

    def hook(_, __):
        left[0] -= 1
        if left[0] == 0 and kind == "power":
            raise PowerCut
        if left[0] == 0:
            os.kill(tool.pid if kind == "tool" else int((board.folder / "run/avrdude.pid").read_text()), signal.SIGKILL)
            time.sleep(0.05)

    board.chip.hook = hook
    tool = start(board, "update", FIRMWARE)
    text = tool.communicate(timeout=END_S)[0]
    board.chip.hook = lambda _, __: None
    assert left[0] <= 0, text
    assert tool.returncode in (-signal.SIGKILL, cli.CUT_OFF, cli.EXITS["verify"]), text


def what_is_there_runs(board):
    """The board's supply is back: whatever its flash holds runs for a while."""
    with contextlib.suppress(OSError, Refused), Control(board.control_url) as control:
        control.ask("advance {}".format(TORN_S))


def recovers(board, *words):
    """recover ends with a whole firmware and the counters; nothing is left behind."""
    kept = board.backup.exists()
    done = board.flash("recover", *words)
    assert done.returncode == (0 if kept else cli.REFUSED), done.stdout + done.stderr
    assert board.counters() == COUNTERS and not board.backup.exists()
    old = not kept or "--old" in words
    assert board.version()[0] == (1 if old else 2)


def check_write(station, kind, nth, *words):
    board = board_of(station)
    cut_in_write(board, kind, nth)
    what_is_there_runs(board)
    recovers(board, *words)


@pytest.mark.parametrize("kind, nth", SHORT)
def test_a_cut_in_a_write_is_recovered_from(station, kind, nth):
    check_write(station, kind, nth)


@pytest.mark.slow
@pytest.mark.parametrize("kind, nth", ALL)
def test_a_cut_in_any_write_is_recovered_from(station, kind, nth):
    check_write(station, kind, nth)


@pytest.mark.parametrize("kind, nth", [("power", 20), ("tool", 1)])
def test_the_old_firmware_comes_back(station, kind, nth):
    check_write(station, kind, nth, "--old")


def check_step(station, nth):
    board = board_of(station)
    tool = start(board, "update", FIRMWARE, "--json")
    for _ in range(nth):
        tool.stdout.readline()
    tool.kill()
    tool.communicate(timeout=END_S)
    what_is_there_runs(board)
    if board.backup.exists() or board.version()[0] == 1:
        recovers(board)
    assert board.counters() == COUNTERS


@pytest.mark.parametrize("nth", SHORT_STEPS)
def test_a_tool_killed_after_a_step_is_recovered_from(station, nth):
    check_step(station, nth)


@pytest.mark.slow
@pytest.mark.parametrize("nth", [nth for nth in range(1, STEPS + 1) if nth not in SHORT_STEPS])
def test_a_tool_killed_after_any_step_is_recovered_from(station, nth):
    check_step(station, nth)


def test_a_recovery_that_is_cut_off_is_recovered_from(station):
    board = board_of(station)
    cut_in_write(board, "power", 20)
    for nth in (1, 10):
        board.chip.hook = lambda _, __, left=[nth]: _cut(left)  # noqa: B006 (the list is the counter)
        assert board.flash("recover").returncode in (cli.CUT_OFF, cli.EXITS["verify"])
        board.chip.hook = lambda _, __: None
        what_is_there_runs(board)
    recovers(board)


def _cut(left):
    left[0] -= 1
    if left[0] == 0:
        raise PowerCut


def test_an_eeprom_that_half_a_firmware_has_spoiled_is_brought_back(station):
    board = board_of(station)
    cut_in_write(board, "power", 30)
    board.stop_board()
    board.chip.eeprom[0x10:0x60] = b"\xff" * 0x50
    board.start_board()
    recovers(board)


def test_going_back_to_the_historic_firmware_after_ours_has_counted(station):
    """Killed after the last write: ours ran for days, took the EEPROM over, and counted."""
    board = board_of(station)
    cut_in_write(board, "tool", WRITES)
    kept = board.backup.read_bytes()
    recovers(board)
    later = (1000, *COUNTERS[1:])
    board.set_counters(later)
    board.backup.write_bytes(kept)
    done = board.flash("recover", "--old")
    assert done.returncode == 0, done.stdout + done.stderr
    assert board.version() == (1, 0) and board.counters() == later

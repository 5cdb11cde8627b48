# SPDX-License-Identifier: GPL-3.0-or-later
"""What the router's service asks at its start: an update when the packaged firmware is newer, and
never the same failure for ever.
"""

import pytest

from flukso.flash import auto, cli
from tools.fakes.isp_chip import Chip, PowerCut
from tools.flash.station import COUNTERS, historic_chip, our_chip
from tools.harness.simulator import FIRMWARE

# avrdude finds out when it reads a page back, or at the next command
CUT = (
    cli.CUT_OFF,
    cli.EXITS["verify"],
)
CONFIG = """config flash 'flash'
	option auto '{}'
	option image '{}'
	option backup '{}'
	option programmer 'stk500v1'
	option port '{}'
config settings 'daemon'
	option bus '{}'
"""


def start_of_service(board, image=FIRMWARE, auto_=1, bus=None, runtime="cpython"):
    """Run `auto` as the init script does, with all it knows in the configuration."""
    config = board.folder / "config"
    config.write_text(CONFIG.format(auto_, image, board.backup, board.port, bus or board.bus_url))
    options = [
        "--config",
        config,
        "--clock",
        "sim:" + board.control_url,
        "--bus",
        bus or board.bus_url,
        "--run",
        board.folder / "run",
    ]
    return board.flash("auto", runtime=runtime, options=options)


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_a_historic_board_is_updated_once(station, runtime):
    board = station(historic_chip("declared-1", COUNTERS), "declared-1")
    done = start_of_service(board, runtime=runtime)
    assert done.returncode == 0 and "firmware 1.0 is older than 2.1" in done.stderr, done.stderr
    assert board.version()[0] == 2 and board.counters() == COUNTERS and board.form() == 22
    sessions = board.sessions
    assert start_of_service(board, runtime=runtime).returncode == 0
    assert board.sessions == sessions  # nobody touched RESET


def test_an_older_firmware_of_ours_is_updated(station, newer):
    board = station()
    assert start_of_service(board, newer).returncode == 0 and board.version() == (99, 1)
    assert start_of_service(board, FIRMWARE).returncode == 0 and board.version() == (99, 1)
    assert board.counters() == COUNTERS


@pytest.mark.parametrize(
    "change, said",
    [
        ({"auto_": 0}, "auto is 0"),
        ({"image": "/nonexistent"}, "there is none"),
        ({"bus": "uart:/dev/ttyS0"}, "no programming wires"),
    ],
)
def test_nothing_is_done_and_it_says_why(station, change, said):
    board = station(historic_chip("declared-1", COUNTERS), "declared-1")
    done = start_of_service(board, **change)
    assert done.returncode == 0 and said in done.stderr and board.sessions == 0, done.stderr


def test_a_blank_chip_is_a_new_board(station):
    board = station(Chip(hfuse=0xDE))
    assert start_of_service(board).returncode == 0
    assert board.version()[0] == 2 and board.counters() == (0,) * 6


def test_a_board_that_does_not_answer_is_left_alone(station):
    chip = our_chip()
    chip.flash[0x200:] = b"\xff" * (len(chip.flash) - 0x200)
    board = station(chip)
    done = start_of_service(board)
    assert done.returncode == cli.REFUSED and "look at it" in done.stderr
    assert board.chip.erases == 0


def test_an_update_that_was_cut_off_is_finished(station):
    board = station(historic_chip("declared-1", COUNTERS), "declared-1")
    board.chip.hook = _cut_at(30)
    assert start_of_service(board).returncode in CUT
    board.chip.hook = lambda _, __: None
    assert start_of_service(board).returncode == 0
    assert board.version()[0] == 2 and board.counters() == COUNTERS and not board.backup.exists()


def test_it_gives_up_after_some_failures(station):
    board = station(historic_chip("declared-1", COUNTERS), "declared-1")
    for _ in range(auto.TRIES_MAX):
        board.chip.hook = _cut_at(3)
        assert start_of_service(board).returncode in CUT
    sessions = board.sessions
    done = start_of_service(board)
    assert (
        done.returncode == cli.REFUSED and "attempts" in done.stderr and board.sessions == sessions
    )
    board.chip.hook = lambda _, __: None
    # by hand it still goes
    assert board.flash("recover").returncode == 0 and board.counters() == COUNTERS


def _cut_at(nth):
    left = [nth]

    def hook(_, __):
        left[0] -= 1
        if left[0] == 0:
            raise PowerCut

    return hook

# SPDX-License-Identifier: GPL-3.0-or-later
"""flukso-flash on a board, through the real avrdude: counters and settings survive updates, on both
interpreters.
"""

import json

import pytest

from flukso.flash import backup, cli
from tools.fakes.isp_chip import EESAVE, SIGNATURES
from tools.flash.station import CONSTANTS, COUNTERS, LAYOUTS, MAP, historic_chip, our_chip
from tools.harness.simulator import FIRMWARE


def result_of(done) -> dict:
    """The last event of a run with --json."""
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_counters_and_settings_survive_an_update(station, newer, runtime):
    board = station()
    settings = board.settings()
    result = result_of(board.flash("update", newer, "--json", runtime=runtime))
    assert result["event"] == "result" and result["counters_kept"] and result["settings_kept"]
    assert tuple(result["before"]) == tuple(result["after"]) == board.counters() == COUNTERS
    assert board.version() == (99, 1) and board.settings() == settings
    assert not board.backup.exists()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("hfuse", [0xD6, 0xDE])
def test_a_historic_board_is_taken_over_to_the_wh(station, layout, hfuse):
    board = station(historic_chip(layout, COUNTERS, hfuse), layout)
    assert board.version() == (1, 0)
    result = result_of(board.flash("update", FIRMWARE, "--json"))
    assert tuple(result["after"]) == board.counters() == COUNTERS and board.version()[0] >= 2
    assert board.settings() == (MAP, list(CONSTANTS), [1, 1, 0, 1, 1, 0])
    assert not board.chip.fuses["hfuse"] & EESAVE and board.chip.erases == 1
    assert board.chip.fuse_writes == (hfuse == 0xDE)


def test_what_is_there_already_is_not_written_again(station):
    board = station()
    board.chip.page_writes = 0
    result_of(board.flash("update", FIRMWARE, "--json"))
    assert board.chip.erases == board.chip.page_writes == board.chip.fuse_writes == 0


def test_an_older_firmware_goes_there_only_by_force(station, newer):
    board = station()
    result_of(board.flash("update", newer, "--json"))
    refused = board.flash("update", FIRMWARE)
    assert (
        refused.returncode == cli.REFUSED
        and "--force" in refused.stderr
        and board.version() == (99, 1)
    )
    result_of(board.flash("update", FIRMWARE, "--force", "--json"))
    assert board.version()[0] == 2 and board.counters() == COUNTERS


def test_a_new_board_without_any_bus(station):
    """As on a PC: nobody can be asked, so flash and EEPROM are compared."""
    board = station(our_chip())
    board.set_counters(COUNTERS)
    board.chip.flash[:] = b"\xff" * len(board.chip.flash)
    options = board.options()
    options[options.index("--bus") + 1] = "none"
    done = board.flash("update", FIRMWARE, options=options)
    assert done.returncode == 0 and "EEPROM verified" in done.stdout, done.stderr
    assert board.counters() == COUNTERS


def test_backup_and_restore_bring_a_historic_board_back_and_the_counters_go_on(station, tmp_path):
    board = station(historic_chip("reversed-1", COUNTERS), "reversed-1")
    file = tmp_path / "historic.backup"
    assert board.flash("backup", file).returncode == 0
    assert (
        backup.load(file.read_bytes()).counters == COUNTERS
        and board.chip.erases == board.chip.fuse_writes == 0
    )
    result_of(board.flash("update", FIRMWARE, "--json"))
    later = (2, *COUNTERS[1:])
    board.set_counters(later)
    result = result_of(board.flash("restore", file, "--json"))
    assert tuple(result["after"]) == board.counters() == later and board.version() == (1, 0)
    assert board.flash("verify", file).returncode == 0
    result_of(board.flash("restore", file, "--old-counters", "--json"))
    assert board.counters() == COUNTERS


def test_verify_names_the_first_difference(station):
    board = station()
    assert board.flash("verify", FIRMWARE).returncode == 0
    board.stop_board()
    board.chip.flash[0x123] ^= 1
    board.start_board()
    done = board.flash("verify", FIRMWARE)
    assert (
        done.returncode == cli.EXITS["verify"]
        and "1 bytes differ, the first at 0x0123" in done.stderr
    )


@pytest.mark.parametrize("part", sorted(set(SIGNATURES) - {"atmega168p"}))
def test_info_says_which_chip_it_is(station, part):
    chip = our_chip()
    chip.signature = SIGNATURES[part]
    done = station(chip).flash("info", "--json")
    if part == "atmega48":
        assert done.returncode == cli.EXITS["signature"] and "ATmega48" in done.stdout
    else:
        result = result_of(done)
        assert result["part"] == "m168" and result["answers"] and result["firmware"] == [2, 1]

# SPDX-License-Identifier: GPL-3.0-or-later
"""avrdude's own linuxgpio on a router's pins, level shifter and spi-gpio driver included."""

import os
import signal
import time

import pytest

from flukso.flash import cli
from tests.flash.router import Router
from tools.flash.station import COUNTERS, historic_chip
from tools.flash.walk import start
from tools.harness.simulator import FIRMWARE

END_S = 60


@pytest.fixture
def router(tmp_path):
    with Router(tmp_path, historic_chip("declared-0", COUNTERS), "declared-0") as running:
        yield running


def test_an_update_over_the_pins_of_a_router(router):
    done = router.flash("update", FIRMWARE)
    assert done.returncode == 0, done.stderr
    assert router.version()[0] >= 2 and router.counters() == COUNTERS
    assert router.owners == ["gpio", "driver"] and router.given_back()


@pytest.mark.parametrize("pins", ["0,~3,1,2", "~0,3,1,2", "~0,~3,2,1"])
def test_pins_that_are_not_those_of_the_board_find_no_chip(router, pins):
    done = router.flash("update", FIRMWARE, "--pins", pins)
    assert done.returncode == cli.EXITS["silent"], done.stderr
    assert router.given_back() and router.counters() == COUNTERS and router.chip.page_writes == 0


def test_the_micropython_tool_works_on_the_pins_too(router):
    done = router.flash("info", runtime="micropython")
    assert done.returncode == 0 and "EEPROM: historic, hardware 2.0" in done.stdout, done.stderr
    assert router.given_back() and router.counters() == COUNTERS


@pytest.fixture
def ms14(tmp_path):
    with Router(
        tmp_path, historic_chip("declared-0", COUNTERS), "declared-0", "dragino,ms14"
    ) as running:
        yield running


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_an_ms14_programs_over_its_own_pins_with_the_level_shifter_open_meanwhile(ms14, runtime):
    done = ms14.flash("update", FIRMWARE, runtime=runtime)
    assert done.returncode == 0, done.stderr
    assert ms14.version()[0] >= 2 and ms14.counters() == COUNTERS
    assert ms14.touched == {18, 19, 20, 21, 22} and ms14.given_back()


@pytest.mark.parametrize("words", [("--pins", "~0,~3,1,2"), ("--pins", "~20,~18,21,5")])
def test_an_ms14_never_drives_what_its_flash_chip_hangs_on(ms14, words):
    done = ms14.flash("update", FIRMWARE, *words)
    assert done.returncode == cli.USAGE_WRONG and "is not driven on dragino,ms14" in done.stderr, (
        done.stderr
    )
    assert ms14.touched == set() and ms14.owners == [] and ms14.chip.page_writes == 0


@pytest.mark.parametrize(
    "command, status", [("update", cli.USAGE_WRONG), ("info", cli.USAGE_WRONG), ("auto", 0)]
)
def test_on_an_unknown_router_nothing_is_touched_and_it_says_what_to_set(router, command, status):
    router.name = "glinet,gl-ar150"
    done = router.flash(command, *([FIRMWARE] if command == "update" else []))
    assert done.returncode == status, done.stderr
    assert (
        "the pins of this router (glinet,gl-ar150) are not known: set reset, sck, mosi, miso"
        in done.stderr
    )
    assert router.touched == set() and router.owners == []


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
@pytest.mark.parametrize("victim", ["tool", "avrdude"])
def test_a_killed_process_leaves_no_pin_behind(router, victim, runtime):
    def kill(kind, address):
        if address == 0x400:
            number = (
                tool.pid
                if victim == "tool"
                else int((router.folder / "run/avrdude.pid").read_text())
            )
            os.kill(number, signal.SIGKILL)
            time.sleep(0.1)

    router.chip.hook = kill
    tool = start(router, runtime, "update", FIRMWARE)
    text = tool.communicate(timeout=END_S)[0]  # ends with the guardian, which has the output too
    assert tool.returncode == (-signal.SIGKILL if victim == "tool" else cli.CUT_OFF), text
    assert router.given_back() and router.backup.exists(), text
    router.chip.hook = lambda kind, address: None
    done = router.flash("recover", runtime=runtime)
    assert done.returncode == 0, done.stdout + done.stderr
    assert router.version()[0] >= 2 and router.counters() == COUNTERS and router.given_back()

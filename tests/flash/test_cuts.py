# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts at every point of an update: the tool killed, avrdude killed, the board without power in the
middle of each write.
"""

import pytest

from tools.flash.station import COUNTERS
from tools.flash.walk import (
    TORN_AT,
    WRITES,
    End,
    Point,
    all_points,
    cut_in_write,
    recovered,
    walk,
    walk_to,
)

BACK = True  # recover --old
SHORT = [
    *[
        Point(cut, nth, not BACK, "cpython")
        for cut, nth in [("power", 1), ("power", 2), ("power", 3), ("power", 35), ("power", 66)]
    ],
    *[
        Point(cut, nth, not BACK, "cpython")
        for cut, nth in [("avrdude", 2), ("avrdude", 30), ("tool", 1), ("tool", 40), ("ours", 9)]
    ],
    *[Point("step-tool", nth, not BACK, "cpython") for nth in (1, 6, 9)],
    *[Point("step-" + victim, 5, not BACK, "cpython") for victim in ("power", "avrdude")],
    Point("power", 20, BACK, "micropython"),
    Point("tool", 1, BACK, "cpython"),
]
ALL = all_points()
LINES_LEAST = 9  # of an update, as SHORT believes


@pytest.mark.parametrize(
    "point",
    SHORT,
    ids=lambda point: "{}-{}{}".format(point.cut, point.nth, "-back" if point.back else ""),
)
def test_a_cut_is_recovered_from(tmp_path, impatient, point):
    end = walk_to(point, tmp_path, impatient)
    assert end.kept and (
        end == End("old" if point.back else "new", True, True) or point.cut.startswith("step-")
    )


@pytest.mark.slow
@pytest.mark.parametrize("cut", ALL)
def test_every_cut_is_recovered_from(tmp_path, cut):
    ends, failed = walk(ALL[cut], tmp_path)
    assert not failed, "\n".join(failed)
    if cut == "steps":  # how many lines the tool says is its own affair
        assert LINES_LEAST * 3 <= len(ends) < len(ALL[cut]), (
            "STEPS is too small to see the last line cut"
        )
    else:
        assert len(ends) == len(ALL[cut]) and all(end.begun for end in ends)


def test_a_recovery_that_is_cut_off_is_recovered_from(historic):
    cut_in_write(historic, "power", TORN_AT)
    for nth in (1, 10):
        cut_in_write(historic, "power", nth, ("recover",))
    assert recovered(historic) == End("new", True, True)


def test_an_eeprom_that_half_a_firmware_has_spoiled_is_brought_back(historic):
    cut_in_write(historic, "power", 30)
    historic.stop_board()
    historic.chip.eeprom[0x10:0x60] = b"\xff" * 0x50
    historic.start_board()
    assert recovered(historic) == End("new", True, True)


def test_going_back_to_the_historic_firmware_after_ours_has_counted(historic):
    """Killed after the last write: ours ran for days, took the EEPROM over, and counted."""
    cut_in_write(historic, "tool", WRITES)
    kept = historic.backup.read_bytes()
    assert recovered(historic) == End("new", True, True)
    later = (1000, *COUNTERS[1:])
    historic.set_counters(later)
    historic.backup.write_bytes(kept)
    done = historic.flash("recover", "--old")
    assert done.returncode == 0, done.stdout + done.stderr
    assert historic.firmware() == ((1, 0), later)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The household traces are believable and the same for the same seed."""

import pytest

from tools.trace import DAY_S, FULL_W, converted, csv_text, energy_wh, household, is_native


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_day_is_a_household(seed):
    rows = household(seed, DAY_S)
    assert energy_wh(rows, 800) >= 40
    assert 3_000 <= energy_wh(rows, DAY_S) <= 20_000
    assert all(0 < watt <= FULL_W for _, watt in rows)
    night = [watt for since_s, watt in rows if 8 * 3600 <= since_s < 10 * 3600]  # 2 to 4 at night
    assert max(night) < 800


def test_the_same_seed_gives_the_same_trace():
    assert csv_text(3, 3600) == csv_text(3, 3600) != csv_text(4, 3600)


def test_rows_rise_and_hold_as_many_columns_as_asked():
    lines = csv_text(1, 7200, clamps=3).splitlines()
    stamps = [int(line.split(",")[0]) for line in lines[1:]]
    assert lines[0] == "ts,watt,watt,watt" and stamps == sorted(set(stamps))
    assert all(line.count(",") == 3 for line in lines)


def test_history_of_any_form_drives_the_demo(tmp_path):
    native, saved, to = (tmp_path / name for name in ("native.csv", "saved.csv", "to.csv"))
    native.write_text(csv_text(1, 60))
    saved.write_text("2014-01-07 16:02:00,720\n2014-01-07 16:03:00,nan\n2014-01-07 16:04:00,360\n")
    assert is_native(native) and not is_native(saved)
    assert converted(saved, to) == to and is_native(to)
    rows = [line.split(",") for line in to.read_text().splitlines()[1:]]
    assert [watt for _ts, watt in rows] == ["720.0", "0.0", "360.0", "0"]
    saved.write_text("nonsense")
    with pytest.raises(SystemExit, match="line 1: it has 1 fields"):
        converted(saved, to)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the reading API: buckets, units, nights, local time."""

import json
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest

from flukso_server.dashboard.scales import offsets
from flukso_server.series import query
from flukso_server.series.appending import append
from flukso_server.series.localtime import day_boundaries, local_date, night, night_of
from flukso_server.series.query import Wish
from flukso_server.series.units import unit_of
from tests.server.series.benches import BENCHES, DAY, NOON

A = "a1" * 16
MIDNIGHT = NOON // DAY * DAY
BRUSSELS = ZoneInfo("Europe/Brussels")
YEAR = 1_767_225_600, 1_798_761_600  # 2026


@pytest.fixture(scope="module", params=sorted(BENCHES))
def store(request, tmp_path_factory):
    """Forty days at 600 W, a tuple a minute, up to NOON, in each store."""
    bench = BENCHES[request.param](tmp_path_factory.mktemp("query"))
    tuples = [(NOON - 40 * DAY + 60 * i, 1000 + 10 * i) for i in range(40 * 1440 + 1)]
    for at in range(0, len(tuples), 4000):
        append(bench.store, A, tuples[at : at + 4000], NOON)
    bench.settle()
    yield bench.store
    bench.close()


def rows(store, now=NOON, **asked):
    return query.answer(store, A, query.parse(now, Wish(unit="watt", **asked)), now, BRUSSELS)


INTERVALS = [  # interval, rows, step, the last bucket's end
    ("15min", 16, 60, NOON),
    ("hour", 61, 60, NOON),
    ("day", 97, 900, NOON),
    ("week", 8, DAY, MIDNIGHT),
    ("month", 29, DAY, MIDNIGHT),
    # from the middle of a week to that of another
    (
        "year",
        54,
        7 * DAY,
        NOON // (7 * DAY) * 7 * DAY,
    ),
    ("night", 29, DAY, MIDNIGHT),
]


@pytest.mark.parametrize("interval, count, step, last", INTERVALS)
def test_intervals_have_the_rows_of_the_historic_api(store, interval, count, step, last):
    found = rows(store, interval=interval)
    assert len(found) == count
    assert [b - a for (a, _v), (b, _w) in zip(found, found[1:], strict=False)] == [step] * (
        count - 1
    )
    assert found[-1] == [last + step, 600 if interval == "night" else "nan"]
    assert found[-2] == [last, 600]


def test_weeks_begin_on_thursday_and_days_at_midnight_utc(store):
    # 1970-01-01 was a Thursday
    assert all((ts // DAY) % 7 == 0 for ts, _v in rows(store, interval="year"))
    assert all(ts % DAY == 0 for ts, _v in rows(store, interval="month"))


def test_a_bucket_that_is_not_over_is_nan(store):
    found = rows(store, start=NOON - 3600, resolution="15min", now=NOON - 60)
    assert found[-2][1] == 600
    assert found[-1] == [NOON, "nan"]


def test_less_than_half_known_is_nan(store):
    start = NOON - 40 * DAY  # the first tuple, in the middle of its day
    assert rows(store, start=start - DAY, end=start + DAY, resolution="day")[:3] == [
        [start - DAY // 2, "nan"],
        [start + DAY // 2, 600],  # half of it
        [start + DAY // 2 + DAY, "nan"],
    ]


def test_json_is_what_the_rows_are(store):
    asked = query.parse(NOON, Wish(interval="day", resolution="minute", unit="watt"))
    text = query.answer_json(store, A, asked, NOON, BRUSSELS)
    assert b" " not in text
    assert json.loads(text) == query.answer(store, A, asked, NOON, BRUSSELS)
    assert len(json.loads(text)) == 1441


def test_an_unknown_sensor_gives_nan_rows(store):
    asked = query.parse(NOON, Wish(interval="hour", unit="watt"))
    assert {value for _ts, value in query.answer(store, "0" * 32, asked, NOON, BRUSSELS)} == {"nan"}


def test_too_many_rows_are_answered_coarser(store):
    def by_minute(start):
        return query.parse(NOON, Wish(start=start, end=NOON, resolution="minute", unit="watt"))

    assert by_minute(NOON - 365 * DAY).step_s == 900
    assert by_minute(0).step_s == DAY
    for start, step_s in ((NOON - 31 * DAY + 60, 60), (NOON - 31 * DAY + 59, 900)):
        assert by_minute(start).step_s == step_s
    exactly = by_minute(NOON - 31 * DAY + 60)
    assert len(query.answer(store, A, exactly, NOON, BRUSSELS)) == query.MAX_ROWS


BAD = [
    {"interval": "decade"},
    {"interval": "day", "unit": "horsepower"},
    {"interval": "day", "unit": None},
    {"interval": "day", "resolution": "second"},
    {},
    {"start": "yesterday"},
    {"start": "-1"},
    {"start": str(1 << 40)},
    {"start": "1000", "end": "1000"},
    {"start": "1000", "end": "999"},
]


@pytest.mark.parametrize("asked", BAD)
def test_bad_parameters_are_refused_with_a_sentence(asked):
    with pytest.raises(query.QueryError, match=r"\w"):
        query.parse(NOON, Wish(**{"unit": "watt", **asked}))


@pytest.mark.parametrize(
    "asked", [{"start": str(NOON + DAY)}, {"start": str(NOON + DAY), "end": str(NOON + 2 * DAY)}]
)
def test_the_future_is_one_nan_row(store, asked):
    assert [value for _ts, value in rows(store, **asked)] == ["nan"]


@pytest.mark.parametrize(
    "unit, want",
    [
        ("watt", 3600),
        ("kwhperyear", 31_536),
        ("kwh", 31_536),
        ("eurperyear", 5676),
        ("eur", 5676),
        ("audperyear", 5991),
        ("lpmin", 60),
        ("lpday", 86_400),
        ("m3pyear", 31_536),
    ],
)
def test_units_and_their_aliases(unit, want):
    assert unit_of(unit).factor == want


# the second begins in the middle of a quarter
PRICES = [
    (NOON - 7200, 0.30),
    (NOON - 3600 - 450, 0.60),
]
PAID = [  # asked, rows of 600 W: 946 € a year at the usual price
    ({"start": NOON - 9000, "end": NOON - 5400, "resolution": "15min"}, [946, 946, 1577, 1577]),
    ({"start": NOON - 5400, "end": NOON - 3600, "resolution": "15min"}, [1577, 2365]),
    ({"interval": "15min"}, [3154] * 15),
    ({"interval": "night"}, [946] * 28),
]


@pytest.mark.parametrize("unit", ["eur", "audperyear"])
@pytest.mark.parametrize("asked, want", PAID)
def test_each_row_is_at_the_price_of_its_time(store, asked, want, unit):
    wanted = query.parse(NOON, Wish(unit=unit, **asked), PRICES)
    found = [value for _ts, value in query.answer(store, A, wanted, NOON, BRUSSELS)[: len(want)]]
    usual = {946: 999, 2365: 2365} if unit == "audperyear" else {}
    assert found == [usual.get(each, each) for each in want]
    assert query.factor_at(wanted, NOON) == pytest.approx(0.6 * 31_536)


def test_a_price_is_nothing_to_watts(store):
    assert query.parse(NOON, Wish(unit="watt", interval="day"), PRICES).changes == ()


NIGHTS = [  # id, zone, UTC day, start and end in hours after it begins
    ("winter", "Europe/Brussels", "2026-01-15", 1, 4),
    ("summer", "Europe/Brussels", "2026-07-15", 0, 3),
    ("clocks go forward: two hours", "Europe/Brussels", "2026-03-29", 1, 3),
    ("clocks go back: four hours", "Europe/Brussels", "2026-10-25", 0, 4),
    ("far east: the night before", "Australia/Brisbane", "2026-01-15", 16, 19),
    ("far west", "America/Los_Angeles", "2026-01-15", 10, 13),
    ("two hours forward: 01:00 becomes 03:00", "Antarctica/Troll", "2026-03-29", 1, 3),
    ("two hours back, to before the night", "Antarctica/Troll", "2026-10-25", 2, 5),
    ("half an hour back, at 02:00", "Australia/Lord_Howe", "2026-04-04", 15.5, 18.5),
]


@pytest.mark.parametrize(
    "zone, day, start, end", [pytest.param(*rest, id=i) for i, *rest in NIGHTS]
)
def test_a_night_is_from_two_to_five_local_time(zone, day, start, end):
    begins = int(np.datetime64(day, "s").astype(int))
    found = night(begins, ZoneInfo(zone))
    assert (found[0] - begins, found[1] - begins) == (start * 3600, end * 3600)
    assert found[2] == found[1] + 3600


def test_every_second_of_a_night_is_one_by_the_wall_clock():
    """In all zones, on the days of 2026 on which their clocks change."""
    changes = {
        (zone, at)
        for zone in map(ZoneInfo, sorted(available_timezones()))
        for at, _offset in offsets(YEAR[0], YEAR[1], zone)[1:]
    }
    assert len(changes) > 200
    for zone, at in changes:
        for day in {local_date(at - 1, zone), local_date(at, zone)}:
            start, end, _known = night_of(day, zone)
            hours = [datetime.fromtimestamp(ts, zone).hour for ts in range(start, end, 600)]
            assert hours and set(hours) <= {2, 3, 4}, (zone, day)
            assert not 2 <= datetime.fromtimestamp(end, zone).hour < 5, (zone, day)
            assert datetime.fromtimestamp(start - 1, zone).hour not in (2, 3, 4) or start == at, (
                zone,
                day,
            )


def test_tonight_is_known_after_six(store):
    for now, want in (
        (MIDNIGHT + 5 * 3600 - 1, "nan"),
        (MIDNIGHT + 5 * 3600, 600),
    ):  # 06:00 is 05:00 UTC
        found = rows(store, now=now, interval="night")
        assert len(found) == 29
        assert found[-2:] == [[MIDNIGHT, 600], [MIDNIGHT + DAY, want]]


def test_local_days_meet_without_a_gap():
    at = day_boundaries(date(2026, 1, 1), date(2026, 12, 31), BRUSSELS)
    hours = [(b - a) // 3600 for a, b in zip(at, at[1:], strict=False)]
    assert (len(hours), sum(hours)) == (365, 365 * 24)
    assert (hours.count(23), hours.count(25)) == (1, 1)

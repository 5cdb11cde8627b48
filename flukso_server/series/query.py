# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the reading API: rows of (end of bucket, value), docs/design/protocols.md §4."""

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from flukso_server.series.curve import Floats, instants
from flukso_server.series.localtime import DAY_S, night
from flukso_server.series.points import steps
from flukso_server.series.reading import profile
from flukso_server.series.rule import Ints
from flukso_server.series.store import Store
from flukso_server.series.units import UnitError, changes, check, unit_of

MAX_ROWS = 44_640  # a month by minute
XFF = 0.5  # a bucket with a smaller known share is "nan", as in the historic RRDs
LATEST = (1 << 32) - 1  # times are u32

# seconds, fine to coarse; counted from the epoch, so days begin at 00:00 UTC, weeks on Thursday
STEPS = {
    "minute": 60,
    "15min": 900,
    "hour": 3600,
    "day": DAY_S,
    "week": 7 * DAY_S,
    "month": 28 * DAY_S,
    "year": 365 * DAY_S,
}
INTERVALS = {  # seconds, and the resolution that goes with it
    "15min": (900, "minute"),
    "hour": (3600, "minute"),
    "day": (DAY_S, "15min"),
    "week": (7 * DAY_S, "day"),
    "month": (28 * DAY_S, "day"),
    "year": (365 * DAY_S, "week"),
    "night": (28 * DAY_S, "day"),
}
# the resolution for start and end without one, up to this length; beyond, weeks
SPANS = ((3600, "minute"), (DAY_S, "15min"), (28 * DAY_S, "day"))

Row = list[int | str]


class QueryError(ValueError):
    """The client's parameters make no sense; the text says why and may be shown."""


class Query(NamedTuple):
    """The values from `start` to `end`, a bucket each step_s: the rate × `factor` + `offset`.

    changes: (from unix s, factor), ascending, after which another factor holds. digits: decimals
    of the values; the field's API has none.
    """

    start: int
    end: int
    step_s: int
    factor: float = 1.0
    night: bool = False
    changes: tuple[tuple[int, float], ...] = ()
    digits: int = 0
    offset: float = 0.0


class Wish(NamedTuple):
    """What a client asks for, as it came."""

    interval: str | None = None
    start: str | int | None = None
    end: str | int | None = None
    resolution: str | None = None
    unit: str | None = None


def parse(
    now: int, wish: Wish, prices: Sequence[tuple[int, float]] = (), resource: str = ""
) -> Query:
    """Return the query that a client's wish means. Raises QueryError.

    prices: the owner's own (from unix s, per kWh). resource: what the sensor counts, "" if unknown.
    """
    try:
        unit = unit_of(wish.unit or "")
        check(unit, resource)
    except UnitError as error:
        raise QueryError(str(error))
    return _window(now, wish)._replace(
        factor=unit.factor, offset=unit.offset, changes=changes(unit, prices)
    )


def _window(now: int, wish: Wish) -> Query:
    """Return the query without its unit."""
    interval, start, end, resolution, _unit = wish
    if resolution is not None and resolution not in STEPS:
        raise QueryError(f"unknown resolution; there are {', '.join(STEPS)}")
    if interval is not None:
        if interval not in INTERVALS:
            raise QueryError(f"unknown interval; there are {', '.join(INTERVALS)}")
        length, usual = INTERVALS[interval]
        if interval == "night":
            return Query(now - length, now, DAY_S, night=True)
        return _fit(now - length, now, resolution or usual)
    if start is None:
        raise QueryError("interval or start is missing")
    first, last = _instant("start", start), now if end is None else min(_instant("end", end), now)
    if end is not None and _instant("end", end) <= first:
        raise QueryError("start is not before end")
    usual = next((name for span, name in SPANS if last - first <= span), "week")
    return _fit(min(first, last), last, resolution or usual)


def _instant(name: str, value: str | int) -> int:
    try:
        ts = int(value)
    except ValueError:
        raise QueryError(f"{name} is no unix time")
    if not 0 <= ts <= LATEST:
        raise QueryError(f"{name} is no unix time")
    return ts


def _fit(start: int, end: int, resolution: str) -> Query:
    """Return the query at this resolution, or at the next with at most MAX_ROWS rows."""
    names = list(STEPS)
    for name in names[names.index(resolution) :]:
        if end // STEPS[name] - start // STEPS[name] + 1 <= MAX_ROWS:
            return Query(start, end, STEPS[name])
    raise QueryError("start and end are too far apart")


def no_finer(query: Query, grain_s: int) -> Query:
    """Return the query with steps of at least grain_s: so far apart its points are kept."""
    return query._replace(
        step_s=next(step for step in STEPS.values() if step >= max(query.step_s, grain_s))
    )


class Series(NamedTuple):
    """The buckets' ends (unix s) and values, nan where unknown."""

    ends: Sequence[int]
    values: Floats


def series(store: Store, sensor: str, query: Query, now: int, zone: ZoneInfo) -> Series:
    """Return the values that the query asks for, rounded to query.digits.

    A bucket that is not over, or of which less than XFF is known, is nan.
    """
    first = query.start // query.step_s * query.step_s
    last = query.end // query.step_s * query.step_s
    ends = range(first + query.step_s, last + 1, query.step_s)
    if query.night:
        # one day more: tonight is over before its UTC day is
        ends = range(first + query.step_s, last + query.step_s + 1, query.step_s)
        nights = [night(end - DAY_S, zone) for end in ends]
        due = [each if each is not None and each[2] <= now else None for each in nights]
        return Series(ends, _nights(store, sensor, due, query))
    if not ends:
        return Series(ends, np.empty(0))
    boundaries = range(first, last + 1, query.step_s)
    energy, known = profile(store, sensor, boundaries)
    values = _mean(energy, known, query.step_s, _factors(query, instants(boundaries)), query)
    over = max(0, (min(now, last) - first) // query.step_s)  # buckets that are over
    values[over:] = np.nan
    return Series(ends, values)


def factor_at(query: Query, ts: int) -> float:
    """Return the unit's factor at a time."""
    return next((scale for start, scale in reversed(query.changes) if start <= ts), query.factor)


def _factors(query: Query, boundaries: Ints) -> "float | Floats":
    """Return the factor's mean between each two boundaries."""
    if not query.changes:
        return query.factor
    begins = np.array([0, *[start for start, _scale in query.changes]])
    scales = np.array([query.factor, *[scale for _start, scale in query.changes]])
    sums = np.concatenate(([0.0], np.cumsum(steps(begins) * scales[:-1])))  # up to each change
    where = np.searchsorted(begins, boundaries, "right") - 1
    upto = sums[where] + (boundaries - begins[where]) * scales[where]
    means: Floats = steps(upto) / steps(boundaries)
    return means


def _mean(
    energy: Floats, known: Floats, seconds: "int | Floats", scale: "float | Floats", query: Query
) -> Floats:
    """Return the mean of each bucket in the unit, nan where too little of it is known."""
    enough = known >= XFF
    rate = scale * energy / np.where(enough, known * seconds, 1.0) + query.offset
    rounded = np.round(rate, query.digits) if query.digits else np.floor(rate + 0.5)
    return np.where(enough, rounded, np.nan)


def _nights(
    store: Store, sensor: str, nights: Sequence[tuple[int, int, int] | None], query: Query
) -> Floats:
    """Return the mean of each night (start, end, known from), nan for None."""
    values = np.full(len(nights), np.nan)
    where = [i for i, each in enumerate(nights) if each is not None]
    if not where:
        return values
    boundaries = [ts for each in nights if each is not None for ts in each[:2]]
    energy, known = profile(store, sensor, boundaries)
    at = instants(boundaries)
    scale = _factors(query, at)
    factors = scale[::2] if isinstance(scale, np.ndarray) else scale
    values[where] = _mean(energy[::2], known[::2], steps(at)[::2], factors, query)
    return values


def answer(store: Store, sensor: str, query: Query, now: int, zone: ZoneInfo) -> list[Row]:
    """Return rows [end of bucket, integer or "nan"], ascending.

    The last one is "nan": that of the bucket that is not over.
    """
    return [[ts, value] for ts, value in _rows(series(store, sensor, query, now, zone), query)]


def answer_json(store: Store, sensor: str, query: Query, now: int, zone: ZoneInfo) -> bytes:
    """Return answer() as compact JSON; a day by minute must take well under a millisecond."""
    return msgspec.json.encode(_rows(series(store, sensor, query, now, zone), query))


def _rows(answered: Series, query: Query) -> list[tuple[int, int | str]]:
    unknown = np.isnan(answered.values)
    values: list[int | str] = np.where(unknown, 0.0, answered.values).astype(np.int64).tolist()
    for i in np.flatnonzero(unknown).tolist():
        values[i] = "nan"
    rows = list(zip(answered.ends, values, strict=True))
    if query.night:
        return rows
    rows.append((query.end // query.step_s * query.step_s + query.step_s, "nan"))
    return rows

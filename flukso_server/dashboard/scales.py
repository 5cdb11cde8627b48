# SPDX-License-Identifier: GPL-3.0-or-later
"""The time scales of the chart: how long each is and into what it is cut. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flukso_server.series.localtime import DAY_S, day_boundaries, local_date, midnight

WEEK_S = 7 * DAY_S
BUCKETS_MAX = 3000  # twice a day by minute; a finer cut of a longer window comes coarser
LOCAL_DAYS_MAX = (
    100  # buckets of local days: reading these costs the tuples, weeks only the days' heads
)
LIVE_STEP_S = 10  # as often as a watched device uploads (docs/design/protocols.md §8.6)
# a live value is the mean of so long: counters count whole Wh, and one in ten seconds is 360 W
LIVE_MEAN_S = 60
# read tuple by tuple for one chart: five members' sixty days with six sensors each, under half a
# second of CPU
SENSOR_DAYS_MAX = 2000
SPAN_MAX_S = 3653 * DAY_S  # ten years


class Scale(NamedTuple):
    """A tab: its window's length, and the cuts on a wide and on a narrow screen."""

    span_s: int
    step: str
    narrow_step: str


SCALES = {
    "live": Scale(900, "live", "live"),
    "hour": Scale(3600, "minute", "minute"),
    "day": Scale(DAY_S, "minute", "15min"),
    "month": Scale(60 * DAY_S, "day", "day"),
    "year": Scale(53 * WEEK_S, "week", "week"),
    "night": Scale(60 * DAY_S, "night", "night"),
}
STEPS_S = {
    "live": LIVE_STEP_S,
    "minute": 60,
    "15min": 900,
    "hour": 3600,
    "day": DAY_S,
    "night": DAY_S,
    "week": WEEK_S,
}
COARSER = {
    "live": "minute",
    "minute": "15min",
    "15min": "hour",
    "hour": "day",
    "day": "week",
    "night": "week",
}


class WindowError(ValueError):
    """The window makes no sense; the text says why."""


class Window(NamedTuple):
    """What to draw: buckets between boundaries (unix s, ascending), all of them over, cut by
    `step`.
    """

    step: str
    boundaries: list[int] | range

    @property
    def start(self) -> int:
        return self.boundaries[0]

    @property
    def end(self) -> int:
        return self.boundaries[-1]


def latest(scale: str, now: int) -> tuple[int, int]:
    """The window of a tab that ends now."""
    return now - SCALES[scale].span_s, now


def window(
    start: int, end: int, step: str, now: int, zone: ZoneInfo, sensors: int = 1, grain_s: int = 1
) -> Window:
    """The buckets that touch start … end and are over, at this step or the next coarser one that is
    not too fine for so many sensors, or for what is kept of that time: points each grain_s.

    Raises WindowError.
    """
    if step not in STEPS_S:
        raise WindowError(f"unknown step; there are {', '.join(STEPS_S)}")
    if not 0 <= start < end or end - start > SPAN_MAX_S:
        raise WindowError("start is not before end, or they are over ten years apart")
    end = min(end, now)
    while STEPS_S[step] < grain_s and step != "week":
        step = COARSER[step]
    if end - start < 2 * STEPS_S[step]:
        start = end - 2 * STEPS_S[step]
    while _too_many(start, end, step, sensors):
        step = COARSER[step]
    if step in ("day", "night"):
        return Window(step, _days(start, end, now, zone))
    size = STEPS_S[step]
    if step == "live":
        first, last = start // size * size, end // size * size
    else:
        first, last = start // size * size, min(-(-end // size) * size, now // size * size)
    return Window(step, range(first, max(last, first + size) + 1, size))


def _too_many(start: int, end: int, step: str, sensors: int) -> bool:
    most = LOCAL_DAYS_MAX if step in ("day", "night") else BUCKETS_MAX
    return step != "week" and (
        (end - start) / STEPS_S[step] > most or (end - start) / DAY_S * sensors > SENSOR_DAYS_MAX
    )


def _days(start: int, end: int, now: int, zone: ZoneInfo) -> list[int]:
    """Local days; today, which is not over, ends when it will."""
    return day_boundaries(local_date(start, zone), local_date(max(start, end - 1), zone), zone)


def offsets(start: int, end: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """(from unix s, seconds east of Greenwich) of each stretch of the zone's time from start to
    end, the first from start on.
    """
    found = [(start, _offset(start, zone))]
    while found[-1][0] < end and (at := _next_change(found[-1][0], end, zone)) is not None:
        found.append((at, _offset(at, zone)))
    return found


def _next_change(start: int, end: int, zone: ZoneInfo) -> int | None:
    """The first second after start with another offset; changes are weeks apart."""
    was = _offset(start, zone)
    low = next(
        (
            week
            for week in range(start, end, WEEK_S)
            if _offset(min(week + WEEK_S, end), zone) != was
        ),
        None,
    )
    if low is None:
        return None
    high = min(low + WEEK_S, end)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == was else (low, middle)
    return high


def _offset(ts: int, zone: ZoneInfo) -> int:
    return int((datetime.fromtimestamp(ts, zone).utcoffset() or timedelta()).total_seconds())


def today(now: int, zone: ZoneInfo) -> tuple[int, int, int]:
    """(yesterday's beginning, the same time yesterday, today's beginning)."""
    day = local_date(now, zone)
    start = midnight(day, zone)
    before = midnight(day - timedelta(1), zone)
    return before, min(before + now - start, start), start

# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart's time scales: how long each is, and into which buckets it is cut. Pure."""

from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from flukso_server.series.localtime import DAY_S, day_boundaries, local_date, midnight

WEEK_S = 7 * DAY_S
BUCKETS_MAX = 3000  # two days by minute; a window with more comes at a coarser step
LOCAL_DAYS_MAX = 100  # buckets of local days; for these all tuples are read, for weeks they are not
LIVE_STEP_S = 10  # as often as a watched device uploads (docs/design/protocols.md §8.6)
# a live value is a mean over this time: counters count whole Wh, and one in ten seconds is 360 W
LIVE_MEAN_S = 60
# read tuple by tuple for one chart: five members' sixty days with six sensors each take less than
# half a second of CPU
SENSOR_DAYS_MAX = 2000
SPAN_MAX_S = 3653 * DAY_S  # ten years


class Scale(NamedTuple):
    """A tab: the length of its window, and its step on a wide and on a narrow screen."""

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
    """The window makes no sense; the text says why and may be shown."""


class Wish(NamedTuple):
    """A window that was asked for, and what limits how fine it can be."""

    start: int
    end: int
    step: str
    sensors: int = 1  # that are read for it
    grain_s: int = 1  # how far apart the points of its time are kept


class Window(NamedTuple):
    """What to draw: buckets of one step between boundaries (ascending unix s)."""

    step: str
    boundaries: list[int] | range

    @property
    def start(self) -> int:
        return self.boundaries[0]

    @property
    def end(self) -> int:
        return self.boundaries[-1]


def latest(scale: str, now: int) -> tuple[int, int]:
    """Return the window of a tab that ends now."""
    return now - SCALES[scale].span_s, now


def window(wish: Wish, now: int, zone: tzinfo) -> Window:
    """Return the buckets that touch the wished time and are over. Raises WindowError.

    Their step is the wished one, or the first coarser one that is not too fine for so many sensors
    or for the points that are kept.
    """
    start, end, step, sensors, grain_s = wish
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


def _days(start: int, end: int, now: int, zone: tzinfo) -> list[int]:
    """Return the boundaries of the local days; today, which is not over, ends at midnight."""
    return day_boundaries(local_date(start, zone), local_date(max(start, end - 1), zone), zone)


def offsets(start: int, end: int, zone: tzinfo) -> list[tuple[int, int]]:
    """Return (from unix s, seconds east of Greenwich) of each of the zone's offsets in a time.

    The first one begins at `start`.
    """
    stretches = [(start, _offset(start, zone))]
    while stretches[-1][0] < end:
        change = _next_change(stretches[-1][0], end, zone)
        if change is None:
            break
        stretches.append((change, _offset(change, zone)))
    return stretches


def _next_change(start: int, end: int, zone: tzinfo) -> int | None:
    """Return the first second after start with another offset; changes are weeks apart."""
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


def _offset(ts: int, zone: tzinfo) -> int:
    return int((datetime.fromtimestamp(ts, zone).utcoffset() or timedelta()).total_seconds())


def today(now: int, zone: tzinfo) -> tuple[int, int, int]:
    """Return (yesterday's beginning, the same time yesterday, today's beginning)."""
    day = local_date(now, zone)
    start = midnight(day, zone)
    before = midnight(day - timedelta(1), zone)
    return before, min(before + now - start, start), start

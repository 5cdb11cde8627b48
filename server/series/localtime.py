# SPDX-License-Identifier: GPL-3.0-or-later
"""Days and nights of a time zone as unix seconds: a day has 23, 24 or 25 hours."""

from datetime import date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

NIGHT_FROM, NIGHT_TO, NIGHT_KNOWN = clock(2), clock(5), clock(6)  # local; docs/protocols.md §4
DAY_S = 86_400


def midnight(day: date, zone: ZoneInfo) -> int:
    """When the day begins; where midnight is skipped, when the clocks have jumped."""
    return instant(day, clock(0), zone)


def instant(day: date, at: clock, zone: ZoneInfo) -> int:
    """A local time as unix seconds: the first one when there are two, the jump when there is none."""
    return int(datetime.combine(day, at, zone).timestamp())


def local_date(ts: int, zone: ZoneInfo) -> date:
    """The local date at a time."""
    return datetime.fromtimestamp(ts, zone).date()


def day_boundaries(first: date, last: date, zone: ZoneInfo) -> list[int]:
    """The beginnings of the days first … last, and the end of the last one."""
    return [midnight(first + timedelta(i), zone) for i in range((last - first).days + 2)]


def night(ends_in: int, zone: ZoneInfo) -> tuple[int, int, int] | None:
    """(start, end, known from) of the night that ends in the UTC day which begins at `ends_in`, or None.

    A zone where 05:00 is about midnight UTC has, on the day that its clocks change, a UTC day with no night.
    """
    day = local_date(ends_in, zone)
    for candidate in (day, day + timedelta(1)):
        end = instant(candidate, NIGHT_TO, zone)
        if ends_in <= end < ends_in + DAY_S:
            return instant(candidate, NIGHT_FROM, zone), end, instant(candidate, NIGHT_KNOWN, zone)
    return None

# SPDX-License-Identifier: GPL-3.0-or-later
"""Days and nights of a time zone as unix seconds: a day has 23, 24 or 25 hours."""

from datetime import date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

# local; docs/design/protocols.md §4
NIGHT_FROM, NIGHT_TO, NIGHT_KNOWN = clock(2), clock(5), clock(6)
DAY_S = 86_400


def midnight(day: date, zone: ZoneInfo) -> int:
    """When the day begins; where midnight is skipped, when the clocks have jumped."""
    return instant(day, clock(0), zone)


def instant(day: date, at: clock, zone: ZoneInfo) -> int:
    """A local time as unix seconds: the first one when there are two, the jump when there is none."""
    local = datetime.combine(day, at, zone)
    first, second = int(local.timestamp()), int(local.replace(fold=1).timestamp())
    # PEP 495: a time that is skipped is the one that lies as far behind the jump, with fold=1 one
    # before it
    return first if first <= second else _jump(second, first, zone)


def _jump(low: int, high: int, zone: ZoneInfo) -> int:
    """The first second after `low`, `high` at the latest, with the offset that `high` has."""
    offset = datetime.fromtimestamp(high, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle)
            if datetime.fromtimestamp(middle, zone).utcoffset() == offset
            else (middle, high)
        )
    return high


def local_date(ts: int, zone: ZoneInfo) -> date:
    """The local date at a time."""
    return datetime.fromtimestamp(ts, zone).date()


def day_boundaries(first: date, last: date, zone: ZoneInfo) -> list[int]:
    """The beginnings of the days first … last, and the end of the last one."""
    return [midnight(first + timedelta(i), zone) for i in range((last - first).days + 2)]


def night_of(day: date, zone: ZoneInfo) -> tuple[int, int, int]:
    """(start, end, known from) of the night of a local date: from 02:00 on, or from the jump that
    skips it, to 05:00.

    Where the clock goes back behind 02:00 the night begins when it is 02:00 again: what lies
    between is no part of it.
    """
    start = instant(day, NIGHT_FROM, zone)
    again = int(datetime.combine(day, NIGHT_FROM, zone).replace(fold=1).timestamp())
    if again > start and datetime.fromtimestamp(again - 1, zone).time() < NIGHT_FROM:
        start = again
    return start, instant(day, NIGHT_TO, zone), instant(day, NIGHT_KNOWN, zone)


def night(ends_in: int, zone: ZoneInfo) -> tuple[int, int, int] | None:
    """night_of() that ends in the UTC day which begins at `ends_in`, or None.

    A zone where 05:00 is about midnight UTC has, on the day that its clocks change, a UTC day with
    no night.
    """
    day = local_date(ends_in, zone)
    for candidate in (day, day + timedelta(1)):
        found = night_of(candidate, zone)
        if ends_in <= found[1] < ends_in + DAY_S:
            return found
    return None

# SPDX-License-Identifier: GPL-3.0-or-later
"""Days and nights of a time zone as unix seconds; a day has 23, 24 or 25 hours."""

from datetime import date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

# local; docs/design/protocols.md §4
NIGHT_FROM, NIGHT_TO, NIGHT_KNOWN = clock(2), clock(5), clock(6)
DAY_S = 86_400


def midnight(day: date, zone: ZoneInfo) -> int:
    """Return when the day begins: at the jump, where the clocks skip midnight."""
    return instant(day, clock(0), zone)


def instant(day: date, at: clock, zone: ZoneInfo) -> int:
    """Return a local time as unix seconds.

    Of a time that comes twice this is the first; for a time that the clocks skip, the jump.
    """
    local = datetime.combine(day, at, zone)
    first, second = int(local.timestamp()), int(local.replace(fold=1).timestamp())
    # PEP 495: of a skipped time, fold=0 gives a moment behind the jump and fold=1 one before it
    return first if first <= second else _jump(second, first, zone)


def _jump(low: int, high: int, zone: ZoneInfo) -> int:
    """Return the first second after `low` with the offset that the zone has at `high`."""
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
    """Return the local date at a time."""
    return datetime.fromtimestamp(ts, zone).date()


def day_boundaries(first: date, last: date, zone: ZoneInfo) -> list[int]:
    """Return the beginnings of the days first … last, and the end of the last one."""
    return [midnight(first + timedelta(i), zone) for i in range((last - first).days + 2)]


def night_of(day: date, zone: ZoneInfo) -> tuple[int, int, int]:
    """Return (start, end, known from) of a date's night, from 02:00 to 05:00 by the local clock.

    It begins at the jump if the clocks skip 02:00. If they go back to before 02:00, it begins when
    it is 02:00 again, so that no other hour is part of it.
    """
    start = instant(day, NIGHT_FROM, zone)
    again = int(datetime.combine(day, NIGHT_FROM, zone).replace(fold=1).timestamp())
    if again > start and datetime.fromtimestamp(again - 1, zone).time() < NIGHT_FROM:
        start = again
    return start, instant(day, NIGHT_TO, zone), instant(day, NIGHT_KNOWN, zone)


def night(ends_in: int, zone: ZoneInfo) -> tuple[int, int, int] | None:
    """Return the night that ends in the UTC day which begins at `ends_in`, as night_of() does.

    None if no night ends in it: where 05:00 is about midnight UTC, this happens on a day on which
    the clocks change.
    """
    day = local_date(ends_in, zone)
    for candidate in (day, day + timedelta(1)):
        start, end, known_from = night_of(candidate, zone)
        if ends_in <= end < ends_in + DAY_S:
            return start, end, known_from
    return None

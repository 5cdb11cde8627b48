# SPDX-License-Identifier: GPL-3.0-or-later
"""Days and nights of a time zone as unix seconds; a day has 23, 24 or 25 hours."""

from datetime import date, datetime, timedelta, timezone, tzinfo
from datetime import time as clock
from functools import lru_cache
from zoneinfo import ZoneInfo

# local; docs/design/protocols.md §4
NIGHT_FROM, NIGHT_TO, NIGHT_KNOWN = clock(2), clock(5), clock(6)
DAY_S = 86_400
HOUR_S = 3600
HOUSEHOLDS = 4096  # zones of moved households that are kept


class MovedZone(tzinfo):
    """The time of a household that moved: of one zone until a moment, of another from then on."""

    def __init__(self, before: tzinfo, until: int, after: tzinfo) -> None:
        self._before, self._until, self._after = before, until, after

    def fromutc(self, moment: datetime) -> datetime:
        utc = moment.replace(tzinfo=timezone.utc)
        moved = utc.timestamp() >= self._until
        local = utc.astimezone(self._after if moved else self._before)
        first = moved and self._first(local.replace(tzinfo=None))
        return local.replace(tzinfo=self, fold=1 if first else local.fold)

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return None if moment is None else self._at(moment).utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        return None if moment is None else self._at(moment).dst()

    def tzname(self, moment: datetime | None) -> str | None:
        return None if moment is None else self._at(moment).tzname()

    def _first(self, local: datetime) -> bool:
        """Tell whether it was this local time before the move."""
        return local.replace(tzinfo=self._before).timestamp() < self._until

    def _at(self, moment: datetime) -> datetime:
        """Return a local time in the zone that it is of (PEP 495 for one that comes twice, or not).

        fold tells the two apart, and in a skipped time it takes the zone of the other side.
        """
        local = moment.replace(tzinfo=None)
        before, after = local.replace(tzinfo=self._before), local.replace(tzinfo=self._after)
        old, new = before.timestamp() < self._until, after.timestamp() >= self._until
        if old == new:
            return after if moment.fold else before
        return before if old else after


@lru_cache(HOUSEHOLDS)
def household_zone(name: str, former: str = "") -> tzinfo:
    """Return the time of a household in a zone that had other zones before.

    former: `unix s zone`, with commas between; they ascend, and each holds until its moment.
    """
    if not former:
        return ZoneInfo(name)
    moves = [each.split(" ") for each in former.split(",")]
    zones = [*[zone for _until, zone in moves], name]
    whole: tzinfo = ZoneInfo(zones[0])
    for (until, _zone), after in zip(moves, zones[1:], strict=True):
        whole = MovedZone(whole, int(until), ZoneInfo(after))
    return whole


def off_the_hour(start: int, end: int, zone: tzinfo) -> list[int]:
    """Return the moments of start … end at which a local day or night begins or a night ends, of
    those that are not on a UTC hour; ascending.
    """
    day, last = local_date(start, zone) - timedelta(1), local_date(end, zone) + timedelta(1)
    moments: set[int] = set()
    while day <= last:
        moments.update((midnight(day, zone), *night_of(day, zone)[:2]))
        day += timedelta(1)
    return sorted(ts for ts in moments if ts % HOUR_S and start <= ts <= end)


def midnight(day: date, zone: tzinfo) -> int:
    """Return when the day begins: at the jump, where the clocks skip midnight."""
    return instant(day, clock(0), zone)


def instant(day: date, at: clock, zone: tzinfo) -> int:
    """Return a local time as unix seconds.

    Of a time that comes twice this is the first; for a time that the clocks skip, the jump.
    """
    local = datetime.combine(day, at, zone)
    first, second = int(local.timestamp()), int(local.replace(fold=1).timestamp())
    # PEP 495: of a skipped time, fold=0 gives a moment behind the jump and fold=1 one before it
    return first if first <= second else _jump(second, first, zone)


def _jump(low: int, high: int, zone: tzinfo) -> int:
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


def local_date(ts: int, zone: tzinfo) -> date:
    """Return the local date at a time."""
    return datetime.fromtimestamp(ts, zone).date()


def day_boundaries(first: date, last: date, zone: tzinfo) -> list[int]:
    """Return the beginnings of the days first … last, and the end of the last one."""
    return [midnight(first + timedelta(i), zone) for i in range((last - first).days + 2)]


def night_of(day: date, zone: tzinfo) -> tuple[int, int, int]:
    """Return (start, end, known from) of a date's night, from 02:00 to 05:00 by the local clock.

    It begins at the jump if the clocks skip 02:00. If they go back to before 02:00, it begins when
    it is 02:00 again, so that no other hour is part of it; where the whole night comes twice, it is
    the second one. A night that is skipped has no length.
    """
    start = instant(day, NIGHT_FROM, zone)
    again = int(datetime.combine(day, NIGHT_FROM, zone).replace(fold=1).timestamp())
    if again > start and datetime.fromtimestamp(again - 1, zone).time() < NIGHT_FROM:
        start = again
    end, known = (_not_before(start, day, its, zone) for its in (NIGHT_TO, NIGHT_KNOWN))
    return start, end, known


def _not_before(start: int, day: date, at: clock, zone: tzinfo) -> int:
    """Return instant(), or the second time that it is so if the first one is before `start`."""
    first = instant(day, at, zone)
    if first >= start:
        return first
    return int(datetime.combine(day, at, zone).replace(fold=1).timestamp())


def night(ends_in: int, zone: tzinfo) -> tuple[int, int, int] | None:
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

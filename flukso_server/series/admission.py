# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tuples of an upload enter a series, the same for every store.

The first counter of each time stays; times, counters and the number of tuples have limits. A store
tells what it holds by a Record, and stores what admit() returns.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from flukso_server.series.localtime import DAY_S
from flukso_server.series.store import Outcome, Tuple, TupleError
from flukso_server.series.unrolled import TUPLES_MAX, packer

MAX_AHEAD_S = 120  # a tuple further in the future than this is refused: the device's clock is wrong
# thirty years, leap days included: members bring history of 2009 along, and meters are as old
MAX_AGE_S = 10_958 * DAY_S
MAX_COUNTER = (1 << 32) - 1  # a u32 from the clamp to the chart
# of a sensor and UTC day while minutes are kept: one each ten seconds is 8,640; bounds the disk and
# what is read
MAX_TUPLES_DAY = 10_000
# in one upload: bounds how long it holds up the others; longer ones come in slices
MAX_TUPLES = 4096
NEVER = -1  # the last time of a series without tuples

# Of an upload of so many tuples: the function that accepts it when all of them are new and in
# order, and its outcome then. Nearly all uploads are such ones.
USUAL = {count: (packer(count), Outcome(count, 0, 0, 0)) for count in range(1, TUPLES_MAX + 1)}


class Record(Protocol):
    """What a store holds of one sensor when an upload comes."""

    room: int  # tuples that may come after the newest before a day is counted; admit() sets it

    @property
    def last_ts(self) -> int:
        """Return the time of the newest tuple, or NEVER."""

    def counters_at(self, times: list[int]) -> dict[int, int]:
        """Return the stored counters at those of the times that have one."""

    def tuples_in(self, day: int) -> int:
        """Return how many tuples of a UTC day (number since 1970) are kept as they were sent."""


class Admitted(NamedTuple):
    """The new tuples, their times ascending, and what became of all."""

    tuples: list[Tuple]
    outcome: Outcome


def admit(record: Record, tuples: Sequence[Tuple], now: int) -> Admitted:
    """Decide about one upload. Raises TupleError."""
    wanted, outcome = _within_limits(tuples, now)
    earlier = [ts for ts in wanted if ts <= record.last_ts]
    stored = record.counters_at(earlier) if earlier else {}
    times = _with_room(record, sorted(wanted.keys() - stored.keys()))
    duplicate = sum(wanted[ts] == counter for ts, counter in stored.items())
    late = sum(ts < record.last_ts for ts in times)
    return Admitted(
        [(ts, wanted[ts]) for ts in times],
        outcome._replace(
            new=len(times),
            duplicate=outcome.duplicate + duplicate,
            conflict=outcome.conflict + len(stored) - duplicate,
            refused=outcome.refused + len(wanted) - len(stored) - len(times),
            late=late,
            late_from=times[0] if late else 0,
        ),
    )


def sensor_key(sensor: str) -> bytes:
    """Return the 16 bytes of a sensor's name. Raises TupleError for what is no name."""
    try:
        key = bytes.fromhex(sensor)
    except ValueError:
        key = b""
    if len(key) != 16 or key.hex() != sensor:
        raise TupleError("a sensor is 32 lower-case hex digits")
    return key


def _within_limits(tuples: Sequence[Tuple], now: int) -> tuple[dict[int, int], Outcome]:
    """Return the first counter of each acceptable time, and the count of all others."""
    if len(tuples) > MAX_TUPLES:
        raise TupleError(f"over {MAX_TUPLES} tuples at once")
    oldest, newest = max(now - MAX_AGE_S, 0), now + MAX_AHEAD_S
    wanted: dict[int, int] = {}
    duplicate = conflict = refused = ahead_s = 0
    for pair in tuples:
        ts, counter = _pair(pair)
        if not oldest <= ts <= newest or not 0 <= counter <= MAX_COUNTER:
            refused += 1
            ahead_s = max(ahead_s, ts - now if ts > newest else 0)
        elif ts not in wanted:
            wanted[ts] = counter
        elif wanted[ts] == counter:
            duplicate += 1
        else:
            conflict += 1
    return wanted, Outcome(0, duplicate, conflict, refused, ahead_s)


def _pair(pair: Tuple) -> Tuple:
    try:
        ts, counter = pair
    except (TypeError, ValueError):
        raise TupleError("pairs of integers wanted")
    if type(ts) is not int or type(counter) is not int:
        raise TupleError("pairs of integers wanted")
    return ts, counter


def _with_room(record: Record, times: list[int]) -> list[int]:
    """Return those of the new times, which ascend, for which their UTC days have room."""
    if not times or (times[0] > record.last_ts and record.room >= len(times)):
        record.room -= len(times)
        return times
    days: dict[int, list[int]] = {}
    for ts in times:
        days.setdefault(ts // DAY_S, []).append(ts)
    kept: list[int] = []
    for day, its_times in days.items():
        room = MAX_TUPLES_DAY - record.tuples_in(day)
        kept += its_times[: max(room, 0)]
        if day >= record.last_ts // DAY_S:
            record.room = max(room - len(its_times), 0)
    return kept

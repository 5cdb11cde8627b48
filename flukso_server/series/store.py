# SPDX-License-Identifier: GPL-3.0-or-later
"""What every series store offers, and the limits that hold for all of them; docs/design/series.md
says why.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from flukso_server.series.curve import Floats

MAX_AHEAD_S = 120  # a tuple further in the future than this is refused: the device's clock is wrong
MAX_AGE_S = 3653 * 86_400  # ten years, leap days included: nothing older is kept finer than a day
MAX_COUNTER = (1 << 32) - 1  # a u32 from the clamp to the chart
# of a sensor and UTC day while minutes are kept: one each ten seconds is 8,640; bounds the disk and
# what is read
MAX_TUPLES_DAY = 10_000
# in one append: bounds how long one upload holds up the others; longer ones come in slices
MAX_TUPLES = 4096

Tuple = tuple[int, int]  # unix s, counter as sent (Wh, or litres)


class SeriesError(Exception):
    """The store could not do what was asked; nothing of it was acknowledged."""


class TupleError(ValueError):
    """The tuples are malformed (not pairs of integers) or too many; nothing of them was stored."""


class Outcome(NamedTuple):
    """What became of the tuples of one append; the four counts add up to the tuples given."""

    new: int
    duplicate: int  # stored before with the same counter: a repeated upload
    conflict: int  # stored before with another counter: the first one stays
    refused: int  # too far ahead, too old, no u32, or too many for their day
    ahead_s: int = (
        0  # by how much the latest refused tuple was ahead of the server, 0 when none was
    )
    late: int = 0  # of the new ones: how many are older than the newest that was there
    late_from: int = 0  # the time of the oldest of those, 0 when there is none


class Store(Protocol):
    """Series of (unix s, counter) by sensor. Idempotent: key (sensor, time), the first writer wins.
    Thread-safe.

    Boundaries are ascending unix seconds. A sensor is 32 lower-case hex digits; an unknown one
    reads as empty.
    """

    def append(self, sensor: str, tuples: Sequence[Tuple], now: int) -> Outcome:
        """Store the tuples; durable on return. Raises TupleError, or SeriesError when the disk
        failed.
        """

    def append_many(
        self, uploads: Sequence[tuple[str, Sequence[Tuple]]], now: int
    ) -> list[Outcome]:
        """As append() for several uploads, made durable together."""

    async def append_async(self, sensor: str, tuples: Sequence[Tuple], now: int) -> Outcome:
        """As append(), without blocking the loop: what arrives at the same time shares one fsync."""

    def submit_many(
        self,
        uploads: Sequence[tuple[str, Sequence[Tuple]]],
        now: int,
        done: "Callable[[list[Outcome | Exception]], None]",
    ) -> None:
        """As append_many(), but returns at once; done(an Outcome or an exception for each) is
        called in another thread.
        """

    def counters(self, sensor: str, boundaries: Sequence[int]) -> list[float | None]:
        """The continuous counter at each boundary, linear between tuples; None before the first
        tuple, after the last one and inside a silence longer than HEARTBEAT_S. Differences within
        one answer are energy, over wraps and resets as well; the level itself means nothing.
        """

    def coverage(self, sensor: str, boundaries: Sequence[int]) -> "Floats":
        """The share (0 … 1) of each interval between two boundaries of which the energy is known."""

    def profile(self, sensor: str, boundaries: Sequence[int]) -> "tuple[Floats, Floats]":
        """Of each interval between two boundaries: the energy (Wh) of its known part, and the known
        share of its time.
        """

    def survey(
        self, sensor: str, boundaries: Sequence[int], over_s: int
    ) -> "tuple[Floats, Floats, list[Tuple]]":
        """profile(), and the stretches (start, end) within the boundaries in which no tuple was
        sent for longer than over_s.

        Boundaries at 00:00 UTC read days as wholes: then only silences that leave a day out are
        seen.
        """

    def raw(self, sensor: str, start: int, end: int) -> list[Tuple]:
        """The tuples in [start, end) as they are kept: each one sent while minutes are kept, ladder
        rungs before.
        """

    def grain(self, ts: int) -> int:
        """How far apart (s) what is kept of this time is at least: 1 while tuples are kept as they
        were sent, else as its rungs are.
        """

    def first(self, sensor: str) -> int | None:
        """The time of the oldest tuple, or None."""

    def last(self, sensor: str) -> Tuple | None:
        """The latest tuple, or None."""

    def mark_imported(self, sensor: str, until: int) -> None:
        """Note that what lies before `until` was imported from another platform's thinned data."""

    def imported_until(self, sensor: str) -> int:
        """The time noted by mark_imported(), 0 when there is none."""

    def merge(self) -> None:
        """Do what is due in the background, and return when it is done."""

    def forget(self, sensor: str) -> None:
        """Remove all there is of the sensor; later tuples start afresh."""

    def close(self) -> None:
        """Finish what was begun and let go of the files. A store that was not closed loses nothing."""


def open_store(where: str, **options: object) -> Store:
    """Open the store at `where`: `sqlite:PATH` or a plain path. Raises ValueError for another
    scheme.
    """
    scheme, colon, path = where.partition(":")
    if not colon or "/" in scheme:
        scheme, path = "sqlite", where
    if scheme != "sqlite":
        raise ValueError(f"series store {scheme!r} is unknown; there is sqlite:PATH")
    from flukso_server.series.sqlite.store import (
        SqliteStore,  # another store need not have its dependencies
    )

    return SqliteStore(path, **options)  # type: ignore[arg-type]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of a series store, and how a store is opened (docs/design/series.md has the why).

A store is a folder beside this file and a line in STORES. Everything else stands above all stores:
which tuples are taken (admission), how callers wait (appending), what a curve answers (reading).
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from flukso_server.series.curve import Curve
    from flukso_server.series.ladder import Horizons
    from flukso_server.series.rule import Ints, Rule
    from flukso_server.series.terms import Correction, Limit, Terms
    from flukso_server.series.trust import Trust

# scheme of FLUKSO_SERIES_PATH: module and class; imported when it is opened, because a store may
# need a library that installations without it do not have
STORES = {"sqlite": ("flukso_server.series.sqlite.store", "SqliteStore")}

FOREVER_S = 1 << 40  # longer than any silence

Tuple = tuple[int, int]  # unix s, counter as sent (Wh, or litres)
Upload = tuple[str, Sequence[Tuple]]  # a sensor and its tuples


class SeriesError(Exception):
    """The store could not do what was asked; nothing of it was acknowledged."""


class CheckError(Exception):
    """Whether the store is damaged could not be told."""


class CorrectionError(ValueError):
    """The correction cannot be noted; the text says why and may be shown."""


class TupleError(ValueError):
    """The tuples are malformed (not pairs of integers) or too many; none of them was stored."""


class Outcome(NamedTuple):
    """What became of the tuples of one upload; the first four counts add up to the tuples given."""

    new: int
    duplicate: int  # stored before with the same counter: a repeated upload
    conflict: int  # stored before with another counter: the first one stays
    refused: int  # too far ahead, too old, no u32, or too many for their day
    ahead_s: int = 0  # by how much the latest refused tuple was ahead of the server; 0: none was
    late: int = 0  # how many of the new tuples are older than the newest one stored before
    late_from: int = 0  # the time of the oldest of those, 0 when there is none


Results = list[Outcome | Exception]


class Store(Protocol):
    """Series of (unix s, counter) by sensor, kept as series.admission decides. Thread-safe.

    A sensor is 32 lower-case hex digits; an unknown one reads as empty. `trust` tells whether the
    clock is believed: whoever hears devices tells it, and nothing irreversible is done in doubt.
    """

    trust: "Trust"

    def append(self, uploads: Sequence[Upload], now: int, done: Callable[[Results], None]) -> None:
        """Store what is new in each upload, and return at once.

        Calls done(results) from any thread when all of it is durable: for each upload its Outcome,
        or the TupleError or SeriesError for which nothing of that upload was stored. Raises
        SeriesError, without a call of done(), when the store is closed.
        """

    def curve(self, sensor: str, at: "Ints", shortest_silence_s: int = FOREVER_S) -> "Curve":
        """Return the sensor's curve for the boundaries `at` (ascending unix s).

        A store may leave out tuples on which no answer for these boundaries depends; of the
        silences, those of shortest_silence_s and more stay visible.
        """

    def rule(self, sensor: str) -> "Rule":
        """Return the rule of the sensor's counter, as whoever opened the store tells it."""

    def peaks(self, sensor: str) -> list[Tuple]:
        """Return (beginning, Wh) of the highest quarter of each month that has aged to hours.

        Months are those of the household. series.peaks reads these; nothing in a store that keeps
        all tuples.
        """

    def terms(self, sensor: str) -> "Terms":
        """Return all that decides what the sensor's tuples count: rule, limits, corrections."""

    def limit(self, sensor: str, limit: "Limit") -> None:
        """Note how fast the sensor can count from a time on; many or repeated limits are ignored.

        It is kept with the series, also before its first tuple.
        """

    def correct(self, sensor: str, correction: "Correction") -> int:
        """Note a correction, and return its id; tuples stay as they are.

        Raises CorrectionError if there is no series or there are too many.
        """

    def undo(self, sensor: str, ident: int) -> bool:
        """Remove a correction; return whether there was one."""

    def raw(self, sensor: str, start: int, end: int) -> list[Tuple]:
        """Return what is kept in [start, end): each tuple sent, or the rungs of an older time."""

    def first(self, sensor: str) -> int | None:
        """Return the time of the oldest tuple, or None."""

    def last(self, sensor: str) -> Tuple | None:
        """Return the latest tuple, or None."""

    def horizons(self) -> "Horizons":
        """Return up to where data has aged; days of 0 in a store that keeps all tuples."""

    def forget(self, sensor: str) -> None:
        """Remove all there is of the sensor, terms and marks too; later tuples start afresh."""

    def damaged(self, sensor: str) -> list[tuple[int, int]]:
        """Return the stretches [start, end) in which something that was kept is damaged.

        It reads as a gap. A stretch may be longer than the gap, in whole UTC days; they ascend.
        """

    def mark_imported(self, sensor: str, until: int) -> None:
        """Note that what lies before `until` was imported from another platform's thinned data.

        The mark is kept here because it must go when the series is forgotten.
        """

    def imported_until(self, sensor: str) -> int:
        """Return the time noted by mark_imported(), 0 when there is none."""

    def merge(self) -> None:
        """Do what is due in the background, and return when it is done."""

    def close(self) -> None:
        """Finish what was begun and let go of the files; a store not closed loses nothing."""


def open_store(where: str, **options: object) -> Store:
    """Open the store at `where`: `scheme:PATH`, or a plain path for SQLite.

    Each store takes two functions: `rules` returns the series.rule.Rule of a sensor,
    `zones` the time of its household.
    Raises ValueError for an unknown scheme.
    """
    made, path = _class_of(where)
    store: Store = made(path, **options)
    return store


def verify(where: str, repair: bool, say: Callable[[str], None]) -> int:
    """Return how many rows of the store at `where` are damaged; say() is called with each line.

    repair: set them aside, where nothing reads or erases them. Raises CheckError if it cannot be
    told, ValueError for an unknown scheme.
    """
    made, path = _class_of(where)
    return int(made.verify(path, repair, say))


def identity(where: str) -> tuple[int, bool]:
    """Return the number that identify() noted in the store at `where`, 0 if none; is it empty?"""
    made, path = _class_of(where)
    found: tuple[int, bool] = made.identity(path)
    return found


def identify(where: str, number: int) -> None:
    """Note a number in the store at `where`, which tells to which accounts it belongs."""
    made, path = _class_of(where)
    made.identify(path, number)


def _class_of(where: str) -> tuple[Any, str]:
    """Return the class of the store at `where`, and its path."""
    scheme, colon, path = where.partition(":")
    if not colon or "/" in scheme:
        scheme, path = "sqlite", where
    if scheme not in STORES:
        known = ", ".join(f"{name}:PATH" for name in sorted(STORES))
        raise ValueError(f"series store {scheme!r} is unknown; there is {known}")
    module, name = STORES[scheme]
    return getattr(import_module(module), name), path

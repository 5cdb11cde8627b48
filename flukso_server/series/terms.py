# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known beside a sensor's tuples: its counter's rule, limits, its owner's corrections."""

from collections.abc import Callable
from typing import NamedTuple

from flukso_server.series.rule import COUNTER, Rule

USUAL_DAY_WH = 10_000  # what any meter may count in a day, however quiet its highest day was
UNKNOWN_DAY_WH = 100_000  # the same of a meter of which less than a week is known
CORRECTIONS_MAX = 100  # of a sensor
LIMITS_MAX = 16  # of a sensor: what a configuration says after that many changes is not noted

EXCLUDE, REPLACED, ACCEPT, LEVEL = "exclude", "replaced", "accept", "level"
KINDS = (EXCLUDE, REPLACED, ACCEPT, LEVEL)


class Limit(NamedTuple):
    """How fast a meter can count, from a time (unix s) on; pulse: Wh (or l) of one pulse."""

    since: int
    wh_s: float
    pulse: int


class Correction(NamedTuple):
    """What an owner says of a stretch of history, both ends included (unix s).

    exclude: its tuples count nothing. replaced: from `start` on another meter counts. accept: the
    rises in it are true. level: at `start` the meter itself said `value` (Wh, or litres).
    """

    kind: str
    start: int
    end: int
    value: int = 0
    made: int = 0  # unix s
    ident: int = 0  # given by the store


def _unknown() -> float:
    return UNKNOWN_DAY_WH


class Terms(NamedTuple):
    """All of a sensor; highest_day() returns the Wh of its own highest day."""

    rule: Rule = COUNTER
    limits: tuple[Limit, ...] = ()
    corrections: tuple[Correction, ...] = ()
    highest_day: Callable[[], float] = _unknown

    def of_kind(self, kind: str) -> list[Correction]:
        """Return the corrections of a kind."""
        return [each for each in self.corrections if each.kind == kind]

    def of_history(self) -> tuple[Correction, ...]:
        """Return the corrections that change what intervals count."""
        return tuple(each for each in self.corrections if each.kind != LEVEL)


PLAIN = Terms()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a line is not taken, in words that the page translates; pure."""

from typing import NamedTuple

FAULTS_TOLD = 20  # in a sentence


def _(text: str) -> str:
    """Mark a text for translation; whoever shows it calls gettext."""
    return text


LONG = _("it has more than %(most)s characters")
FIELDS = _("it has %(count)s fields, not a time and a counter")
NO_TIME = _("%(text)s is no time: write 2026-03-29 14:05:00 or unix seconds")
RANGE = _("%(text)s is before 1970 or after 2106")
LEFT_OUT = _("%(text)s does not exist in %(zone)s: the clocks went forward")
TIME_MISSING = _("the time is missing")
TIME_NONE = _("the time %(text)s is no number from 0 on")
TIME_LARGE = _("the time %(text)s is over 4294967295")
COUNTER_MISSING = _("the counter is missing")
COUNTER_NONE = _("the counter %(text)s is no number from 0 on")
COUNTER_LARGE = _("the counter %(text)s is over 4294967295")
BACKWARD = _("it is not later than the line before it")
NAN = _("the power was not known then")
CELLS = _("it has fewer fields than the heading")
REGISTER = _("the register %(text)s is another one than this sensor counts")
UNIT = _("the unit %(text)s is none that is known here")
SPAN = _("it spans no time, or more than a day")
VOLUME = _("the meter gave no volume")


class Fault(NamedTuple):
    """A line by its number from 1, and why it is not taken."""

    line: int
    why: str  # one of the templates above
    values: dict

    def __str__(self) -> str:
        return self.why % self.values


class LineError(ValueError):
    """A line cannot be read."""

    def __init__(self, why: str, **values: object):
        super().__init__(why % values)
        self.why, self.values = why, values


def describe(faults: list[Fault]) -> str:
    """Return the first FAULTS_TOLD of the faults in a sentence."""
    more = len(faults) - FAULTS_TOLD
    return "; ".join(f"line {fault.line}: {fault}" for fault in faults[:FAULTS_TOLD]) + (
        f"; and {more} more" if more > 0 else ""
    )

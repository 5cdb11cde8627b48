# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out what form the lines have that somebody brings, and makes tuples of them; pure."""

import re
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flukso_server.history import cells, faults, powers, quarters
from flukso_server.history.faults import Fault, LineError

LINE_MAX = 200  # characters; of quarter hours more, as the descriptions of their meters are long
QUARTERS_LINE_MAX = 1000
COUNTER, POWER, QUARTERS = "counter", "power", "quarters"
_HEADING = re.compile(r'["#]?[^\W\d_]')
_WATTS = re.compile(r"\bw(att)?\b|power|vermogen", re.IGNORECASE)
_COUNTS = re.compile(r"wh\b|count|teller|stand", re.IGNORECASE)


class Wish(NamedTuple):
    """What whoever brings the lines says about them."""

    zone: ZoneInfo  # of times that name none
    values: str = ""  # COUNTER or POWER; "" lets the lines tell
    given: bool = False  # of quarter hours those that were fed into the grid


class History(NamedTuple):
    """The tuples (unix s, counter) of the lines, and each line that is not taken."""

    tuples: list[tuple[int, int]]
    faults: list[Fault]
    form: str = COUNTER
    heading: str = ""  # the first line, if it was taken for one
    separator: str | None = None  # None: blanks

    @property
    def relative(self) -> bool:
        """Whether its counter begins at 0: what was brought has no counter of its own."""
        return self.form != COUNTER


def read(body: bytes, wish: Wish) -> History:
    """Read the lines of a file, whatever its bytes.

    One tuple stands in each: a time and a counter, or a power in W, from which a counter of Wh is
    made; or a volume of a Flemish meter (history/quarters.py). A tab, a semicolon, a comma or
    blanks separate them. The first line may be a heading, and empty lines are ignored.
    """
    lines = body.decode("utf-8-sig", "replace").splitlines()
    filled = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    places = quarters.columns(filled[0][1]) if filled else None
    if places is not None:
        return _quarters(filled, places, wish.given)
    by = cells.separator([line for _number, line in filled[:2]])
    heading = _heading(filled, by, wish.zone)
    rows, refused = _rows(filled[1:] if heading else filled, by, wish.zone)
    form = wish.values or _form(heading, rows)
    if form == POWER:
        tuples, unknown = powers.counted(_powers(rows, refused))
    else:
        tuples, unknown = _counters(rows), []
        refused += [Fault(row.line, row.error.why, row.error.values) for row in rows if row.error]
    return History(tuples, sorted(refused + unknown), form, heading, by)


class _Row(NamedTuple):
    """A line with a time; error: why its value is no counter."""

    line: int
    ts: int
    text: str
    counter: int
    error: LineError | None


def _quarters(filled: list[tuple[int, str]], places: dict[str, int], given: bool) -> History:
    tuples, refused = quarters.counted(
        [(number, line[:QUARTERS_LINE_MAX]) for number, line in filled[1:]], places, given
    )
    return History(tuples, refused, QUARTERS, filled[0][1], ";")


def _heading(filled: list[tuple[int, str]], by: str | None, zone: ZoneInfo) -> str:
    """Return the first line if it is a heading, else ""."""
    if len(filled) < 2 or not _HEADING.match(filled[0][1]):
        return ""
    _rows_found, refused = _rows(filled[:1], by, zone)
    return filled[0][1] if refused else ""


def _rows(
    filled: list[tuple[int, str]], by: str | None, zone: ZoneInfo
) -> tuple[list[_Row], list[Fault]]:
    rows: list[_Row] = []
    refused: list[Fault] = []
    before = None
    for number, line in filled:
        try:
            stamp, text = _pair(line, by, zone, before)
        except LineError as error:
            refused.append(Fault(number, error.why, error.values))
            continue
        before = stamp
        try:
            rows.append(_Row(number, stamp, text, cells.counter(text), None))
        except LineError as error:
            rows.append(_Row(number, stamp, text, 0, error))
    return rows, refused


def _pair(line: str, by: str | None, zone: ZoneInfo, before: int | None) -> tuple[int, str]:
    if len(line) > LINE_MAX:
        raise LineError(faults.LONG, most=LINE_MAX)
    fields = cells.split(line, by)
    while len(fields) > 2 and not fields[-1]:
        fields.pop()
    if len(fields) != 2:
        raise LineError(faults.FIELDS, count=len(fields))
    return cells.time(fields[0], zone, before), fields[1]


def _form(heading: str, rows: list[_Row]) -> str:
    """Tell powers from counters, by the heading or by the values."""
    if _COUNTS.search(heading) or (rows and not heading and len(rows) < 2):
        return COUNTER
    if _WATTS.search(heading):
        return POWER
    return POWER if powers.are_powers(_powers(rows, [])) else COUNTER


def _powers(rows: list[_Row], refused: list[Fault]) -> list[powers.Power]:
    found: list[powers.Power] = []
    for row in rows:
        try:
            found.append((row.line, row.ts, cells.decimal(row.text)))
        except LineError as error:
            refused.append(Fault(row.line, error.why, error.values))
    return found


def _counters(rows: list[_Row]) -> list[tuple[int, int]]:
    return [(row.ts, row.counter) for row in rows if row.error is None]


def rebased(
    history: History, first: tuple[int, int] | None, last: tuple[int, int] | None
) -> tuple[list[tuple[int, int]], int]:
    """Return the tuples as a series takes them that has these, and how many it cannot take.

    A counter of its own is taken as it is. One that begins at 0 is put so that it ends at the first
    counter of the series, or begins at its last one; nothing is taken of the time between.
    """
    tuples = history.tuples
    if not history.relative or first is None or last is None or not tuples:
        return tuples, 0
    before = [pair for pair in tuples if pair[0] < first[0]]
    after = [pair for pair in tuples if pair[0] > last[0]]
    base = max(first[1] - before[-1][1], 0) if before else 0
    moved = [(ts, base + counter) for ts, counter in before]
    if after:
        moved += [(ts, last[1] + counter - after[0][1]) for ts, counter in after]
    return moved, len(tuples) - len(moved)

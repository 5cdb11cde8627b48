# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads lines of times and counters as spreadsheets save them; pure.

They have a byte order mark, semicolons, decimal commas, dates.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

UINT32_MAX = 0xFFFFFFFF
FAULTS_TOLD = 20
LINE_MAX = 200  # characters
SEPARATORS = ("\t", ";", ",")
_NUMBER = re.compile(r"(\d{1,10})(?:[.,]\d*)?", re.ASCII)
_HEADING = re.compile(r'["#]?[^\W\d_]')
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class LineError(ValueError):
    """A line cannot be read; the text says why."""


class Lines(NamedTuple):
    """The tuples (unix s, counter), and (line number, reason) for each line that cannot be read."""

    tuples: list[tuple[int, int]]
    faults: list[tuple[int, str]]


def read(body: bytes, zone: ZoneInfo) -> Lines:
    """Read one tuple from each line: a time and a counter.

    A tab, a semicolon, a comma or blanks separate them. A time is in unix seconds or in ISO 8601,
    of `zone` if it names none. Fractions of both numbers are dropped. The first line may be a
    heading, and empty lines are ignored.
    """
    lines = body.decode("utf-8-sig", "replace").splitlines()
    result = Lines([], [])
    filled = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    separator = _separator([line for _number, line in filled[:2]])
    before = None
    for at, (number, line) in enumerate(filled):
        try:
            stamp, counter = _pair(line, separator, zone, before)
        except LineError as error:
            if at or not _HEADING.match(line) or len(filled) == 1:
                result.faults.append((number, str(error)))
            continue
        result.tuples.append((stamp, counter))
        before = stamp
    return result


def describe(faults: list[tuple[int, str]]) -> str:
    """Return the first FAULTS_TOLD of the faults in a sentence."""
    more = len(faults) - FAULTS_TOLD
    return "; ".join(f"line {number}: {why}" for number, why in faults[:FAULTS_TOLD]) + (
        f"; and {more} more" if more > 0 else ""
    )


def _separator(lines: list[str]) -> str | None:
    """Return what separates the fields of all first lines, or of any of them; None: blanks."""
    for enough in (all, any):
        for separator in SEPARATORS:
            if lines and enough(separator in line for line in lines):
                return separator
    return None


def _pair(line: str, separator: str | None, zone: ZoneInfo, before: int | None) -> tuple[int, int]:
    if len(line) > LINE_MAX:
        raise LineError(f"it has more than {LINE_MAX} characters")
    fields = [
        field.strip().strip('"').strip()
        for field in (line.split(separator) if separator else line.rsplit(None, 1))
    ]
    while len(fields) > 2 and not fields[-1]:
        fields.pop()
    if len(fields) != 2:
        raise LineError(f"it has {len(fields)} fields, not a time and a counter")
    return _time(fields[0], zone, before), _whole(fields[1], "the counter")


def _time(text: str, zone: ZoneInfo, before: int | None) -> int:
    if not _DATE.match(text):
        return _whole(text, "the time")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise LineError(
            f"{text[:40]} is no time: write 2026-03-29 14:05:00 or unix seconds"
        ) from error
    if moment.tzinfo is None:
        moment = _local(moment, zone, before)
    stamp = int(moment.timestamp() // 1)
    if not 0 <= stamp <= UINT32_MAX:
        raise LineError(f"{text[:40]} is before 1970 or after 2106")
    return stamp


def _local(moment: datetime, zone: ZoneInfo, before: int | None) -> datetime:
    """Return the moment at which the clocks of this zone show this time.

    When clocks go back, a time comes twice: it is the second one if the first is not after
    `before`.
    """
    local = moment.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise LineError(f"{moment} does not exist in {zone.key}: the clocks went forward")
    if before is not None and local.timestamp() <= before:
        return local.replace(fold=1)
    return local


def _whole(text: str, what: str) -> int:
    match = _NUMBER.fullmatch(text)
    if not text:
        raise LineError(f"{what} is missing")
    if not match:
        raise LineError(f"{what} {text[:40]} is no number from 0 on")
    if int(match[1]) > UINT32_MAX:
        raise LineError(f"{what} {text} is over {UINT32_MAX}")
    return int(match[1])

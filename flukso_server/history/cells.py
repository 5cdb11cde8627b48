# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of lines as spreadsheets save them: times, numbers and what separates them; pure."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flukso_server.history import faults
from flukso_server.history.faults import LineError

UINT32_MAX = 0xFFFFFFFF
SEPARATORS = ("\t", ";", ",")
_NUMBER = re.compile(r"(\d{1,10})(?:[.,]\d*)?", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,10}(?:[.,]\d{0,9})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DUTCH = re.compile(r"(\d\d)[-/](\d\d)[-/](\d{4})(.*)", re.ASCII)  # day, month, year


def separator(lines: list[str]) -> str | None:
    """Return what separates the fields of all first lines, or of any of them; None: blanks."""
    for enough in (all, any):
        for each in SEPARATORS:
            if lines and enough(each in line for line in lines):
                return each
    return None


def split(line: str, by: str | None) -> list[str]:
    """Return the fields of a line without quotes; blanks separate the last one from the others."""
    fields = line.split(by) if by else line.rsplit(None, 1)
    return [field.strip().removeprefix("=").strip('"').strip() for field in fields]


def time(text: str, zone: ZoneInfo, before: int | None) -> int:
    """Return unix s of a time: unix s, ISO 8601, or day-month-year; of `zone` if it names none.

    before: the time of the line before; it tells which of the two hours is meant that come twice.
    """
    dutch = _DUTCH.fullmatch(text)
    if dutch:
        text = "{2}-{1}-{0}{3}".format(*dutch.groups())
    if not _DATE.match(text):
        return _whole(text, faults.TIME_MISSING, faults.TIME_NONE, faults.TIME_LARGE)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise LineError(faults.NO_TIME, text=text[:40]) from error
    if moment.tzinfo is None:
        moment = local(moment, zone, before)
    stamp = int(moment.timestamp() // 1)
    if not 0 <= stamp <= UINT32_MAX:
        raise LineError(faults.RANGE, text=text[:40])
    return stamp


def local(moment: datetime, zone: ZoneInfo, before: int | None) -> datetime:
    """Return the moment at which the clocks of this zone show this time.

    When clocks go back, a time comes twice: it is the second one if the first is not after
    `before`.
    """
    shown = moment.replace(tzinfo=zone)
    if shown.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise LineError(faults.LEFT_OUT, text=moment, zone=zone.key)
    if before is not None and shown.timestamp() <= before:
        return shown.replace(fold=1)
    return shown


def counter(text: str) -> int:
    """Return a counter, without its fraction."""
    return _whole(text, faults.COUNTER_MISSING, faults.COUNTER_NONE, faults.COUNTER_LARGE)


def decimal(text: str) -> float | None:
    """Return a number with a decimal point or comma; None for `nan`. Raises LineError."""
    if text.lower() == "nan":
        return None
    if not _DECIMAL.fullmatch(text):
        raise LineError(faults.COUNTER_NONE, text=text[:40])
    return float(text.replace(",", "."))


def _whole(text: str, missing: str, none: str, large: str) -> int:
    match = _NUMBER.fullmatch(text)
    if not text:
        raise LineError(missing)
    if not match:
        raise LineError(none, text=text[:40])
    if int(match[1]) > UINT32_MAX:
        raise LineError(large, text=text)
    return int(match[1])

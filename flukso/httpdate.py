# SPDX-License-Identifier: GPL-3.0-or-later
"""Dates as HTTP writes them, and as people read them; pure."""

from flukso.numerals import digits

MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def http_date(text: str) -> "int | None":
    """Return the unix s of an HTTP date ("Sun, 06 Nov 1994 08:49:37 GMT"), None when it is none."""
    parts = text.strip().split(" ")
    if len(parts) != 6 or parts[5] != "GMT" or len(parts[2]) != 3 or len(parts[4]) != 8:
        return None
    month = MONTHS.find(parts[2])
    numbers = [parts[1], parts[3]] + parts[4].split(":")
    if (
        month < 0
        or month % 3
        or len(numbers) != 5
        or not all(digits(n, 4) is not None for n in numbers)
    ):
        return None
    day, year, hour, minute, second = [int(n) for n in numbers]
    if not (1970 <= year <= 2105 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return None
    return ((_days(year, month // 3 + 1, day) * 24 + hour) * 60 + minute) * 60 + second


def minute(unix_s: int) -> str:
    """Return for example "2026-12-01 10:32 UTC"."""
    return "{}-{:02d}-{:02d} {:02d}:{:02d} UTC".format(*utc(unix_s)[:5])


def utc(unix_s: int) -> tuple:
    """Return (year, month, day, hour, minute, second). By arithmetic alone: a libc's own way takes
    70 kB of memory the first time.
    """
    days, second = unix_s // 86400, unix_s % 86400
    year = 1970 + days // 366  # or later
    while _days(year + 1, 1, 1) <= days:
        year += 1
    month = 12
    while _days(year, month, 1) > days:
        month -= 1
    day = days - _days(year, month, 1) + 1
    return year, month, day, second // 3600, second // 60 % 60, second % 60


def _days(year, month, day):
    """Return the days from 1970-01-01 to this one."""
    if month <= 2:  # the year begins in March, so that the leap day is its last
        year -= 1
        month += 12
    return (
        365 * year
        + year // 4
        - year // 100
        + year // 400
        + (153 * (month - 3) + 2) // 5
        + day
        - 1
        - 719468
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Decimal digits from outside, read strictly; pure."""


def whole(text: str) -> int | None:
    """Return the value of 1 to 9 decimal digits, else None."""
    return digits(text, 9)


def digits(text: str, most: int) -> int | None:
    """Return the value of 1 to `most` decimal digits, else None; isdigit() alone also takes "²",
    which int() does not.
    """
    for char in text:
        if not "0" <= char <= "9":
            return None
    return int(text) if 0 < len(text) <= most else None

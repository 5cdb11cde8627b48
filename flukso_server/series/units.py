# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of answers, as factors on the counter's rate in Wh/s or l/s (protocols.md §4)."""

from collections.abc import Sequence

SECONDS_A_YEAR = 31_536_000
FACTORS = {
    "watt": 3600.0,
    "kwhperyear": 31_536.0,
    "eurperyear": 5676.0,  # 0.18 € a kWh
    "audperyear": 5991.0,  # 0.19 $ a kWh, cut to an integer by the historic server
    "lpermin": 60.0,
    "lperday": 86_400.0,
    "m3peryear": 31_536.0,
}
ALIASES = {
    "kwh": "kwhperyear",
    "kwhpyear": "kwhperyear",
    "eur": "eurperyear",
    "eurpyear": "eurperyear",
    "aud": "audperyear",
    "audpyear": "audperyear",
    "lpmin": "lpermin",
    "lpday": "lperday",
    "m3pyear": "m3peryear",
}
MONEY = frozenset(("eurperyear", "audperyear"))
ELECTRICITY = "electricity"


class UnitError(ValueError):
    """The unit is unknown, or the sensor's resource cannot be told in it; the text says which."""


def factor(unit: str) -> float:
    """Return what Wh/s (or l/s) are multiplied with. Raises UnitError.

    Of money this is the factor for an owner who has named no price.
    """
    name = ALIASES.get(unit, unit)
    if name not in FACTORS:
        raise UnitError(f"unknown unit; there are {', '.join(FACTORS)}")
    return FACTORS[name]


def check(unit: str, resource: str) -> None:
    """Raise UnitError for money of a resource without a price: owners price kWh, not litres."""
    if ALIASES.get(unit, unit) in MONEY and resource.lower() not in (ELECTRICITY, ""):
        raise UnitError(
            f"{unit} is of electricity alone: {resource} has no price here; ask for m3peryear"
        )


def changes(unit: str, prices: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """Return (from unix s, factor), ascending, for an owner's prices (from unix s, per kWh).

    Empty for a unit that is not money.
    """
    if ALIASES.get(unit, unit) not in MONEY:
        return ()
    return tuple((start, price * SECONDS_A_YEAR / 1000) for start, price in prices)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of answers, as factors on the counter's rate (Wh/s, or l/s); docs/design/protocols.md §4."""

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
    """No such unit."""


def factor(unit: str) -> float:
    """What to multiply Wh/s (or l/s) with; of money, while the owner has said no price. Raises
    UnitError.
    """
    name = ALIASES.get(unit, unit)
    if name not in FACTORS:
        raise UnitError(f"unknown unit; there are {', '.join(FACTORS)}")
    return FACTORS[name]


def check(unit: str, resource: str) -> None:
    """Raises UnitError for money of what has no price: owners say what a kWh costs them, not what a
    litre does.
    """
    if ALIASES.get(unit, unit) in MONEY and resource.lower() not in (ELECTRICITY, ""):
        raise UnitError(
            f"{unit} is of electricity alone: {resource} has no price here; ask for m3peryear"
        )


def changes(unit: str, prices: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """(from unix s, factor) ascending, of an owner's own prices (from unix s, per kWh); none of a
    unit that is no money.
    """
    if ALIASES.get(unit, unit) not in MONEY:
        return ()
    return tuple((start, price * SECONDS_A_YEAR / 1000) for start, price in prices)

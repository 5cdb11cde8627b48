# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of answers, as factors on the counter's rate (Wh/s, or l/s); docs/protocols.md §4."""

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


class UnitError(ValueError):
    """No such unit."""


def factor(unit: str, price: float | None = None) -> float:
    """What to multiply Wh/s (or l/s) with; price: the owner's own, per kWh. Raises UnitError."""
    name = ALIASES.get(unit, unit)
    if name not in FACTORS:
        raise UnitError(f"unknown unit; there are {', '.join(FACTORS)}")
    if price is not None and name in MONEY:
        return price * SECONDS_A_YEAR / 1000
    return FACTORS[name]

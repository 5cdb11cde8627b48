# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of answers: which of them a sensor has, and what they make of its counter's rate (§4)."""

from collections.abc import Sequence

from flukso_server.series.quantities import (
    ALIASES,
    QUANTITIES,
    UNITS,
    YEAR_S,
    Quantity,
    Unit,
    of,
)

HELD = frozenset(unit.name for each in QUANTITIES if each.rule.held for unit in each.units)


class UnitError(ValueError):
    """The unit is unknown, or the sensor's resource cannot be told in it; the text says which."""


def unit_of(name: str) -> Unit:
    """Return the unit with this name or alias. Raises UnitError.

    Of money, its factor is that for an owner who has named no price.
    """
    unit = UNITS.get(ALIASES.get(name, name))
    if unit is None:
        raise UnitError(f"unknown unit; there are {', '.join(UNITS)}")
    return unit


def check(unit: Unit, resource: str) -> None:
    """Raise UnitError for a unit that the resource cannot be told in; "" is one that is unknown.

    Owners price kWh of electricity, and nothing else. A held quantity has its own units alone. The
    field's clients ask for any other unit of any counter.
    """
    quantity = of(resource)
    if quantity is not None and unit in quantity.units:
        return
    if quantity is not None and quantity.rule.held:
        raise UnitError(f"{quantity.name} is told in {_names(quantity)}")
    if unit.per_kwh and resource and not (quantity and quantity.priced):
        instead = f"; ask for {quantity.units[-1].name}" if quantity else ""
        raise UnitError(
            f"{unit.name} is of electricity alone: {resource} has no price here{instead}"
        )
    if unit.name in HELD:
        raise UnitError(f"{unit.name} is no unit of {resource or 'what this sensor counts'}")


def _names(quantity: Quantity) -> str:
    return " or ".join(unit.name for unit in quantity.units)


def default(resource: str) -> Unit:
    """Return the unit of an answer whose client names none: watt, except for held quantities."""
    quantity = of(resource)
    return quantity.units[0] if quantity and quantity.rule.held else UNITS["watt"]


def changes(unit: Unit, prices: Sequence[tuple[int, float]]) -> tuple[tuple[int, float], ...]:
    """Return (from unix s, factor), ascending, for an owner's prices (from unix s, per kWh).

    Empty for a unit that is not money.
    """
    if unit.per_kwh is None:
        return ()
    return tuple((start, price * YEAR_S / 1000) for start, price in prices)

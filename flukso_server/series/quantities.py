# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sensor may count, in one table; everything that depends on the quantity is read from here.

A series is a counter of the quantity's unit. What has a value at each moment (temperature) is
counted as its integral (K·s), so its value is the counter's rate.
"""

from typing import NamedTuple, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from flukso_server.series.rule import COUNTER, Rule

HOUR_S = 3600
YEAR_S = 31_536_000
ZERO_CELSIUS = 273.15  # K
KWH_PRICE = 0.18  # €, of the historic server, for owners who have named none

Words: TypeAlias = str | Promise


class Unit(NamedTuple):
    """A unit of a rate: factor × (counter's units a second) + offset."""

    name: str  # in both APIs and in the page's address, docs/design/protocols.md §4
    factor: float
    words: Words  # on its button; {sign} stands for the currency
    label: Words | None = None  # on the axis, if not the same
    offset: float = 0.0
    digits: int = 0  # decimals on the page
    least: float = 10  # height of an axis at least, so that standby does not look like a fire
    aliases: tuple[str, ...] = ()
    per_kwh: float | None = None  # of money: the price that `factor` is for


class Figure(NamedTuple):
    """How a rate is written in a sentence, in units an hour: factor × rate + offset."""

    text: str
    factor: float = 1.0
    offset: float = 0.0
    digits: int = 0


class Quantity(NamedTuple):
    """A quantity: a row of the table."""

    name: str  # `type` of a sensor in /etc/config/flukso, §7
    words: Words
    counter: str  # the counter's unit
    units: tuple[Unit, ...]  # that the page offers; the first one is the default
    figure: Figure
    total: str | None  # what 1000 of the counter's units are; None: sums mean nothing
    rule: Rule = COUNTER
    digits: int = 0  # decimals of a rate an hour, as the chart's data has it
    more: tuple[Unit, ...] = ()  # units that the APIs take as well
    decimals: int | None = None  # of a value in the JSON API; None: three digits that tell

    @property
    def priced(self) -> bool:
        """Tell whether its owner has prices: of kWh of electricity."""
        return any(unit.per_kwh for unit in self.units)


def _money(name: str, price: float, *aliases: str, factor: float | None = None) -> Unit:
    scale = price * YEAR_S / 1000 if factor is None else factor
    return Unit(name, scale, _("{sign}/year"), aliases=aliases, per_kwh=price)


WATT = Unit("watt", HOUR_S, _("watt"), "W")
KWH_A_YEAR = Unit("kwhperyear", YEAR_S / 1000, _("kWh/year"), aliases=("kwh", "kwhpyear"))
# 0.19 $ a kWh, cut to an integer by the historic server
AUD_A_YEAR = _money("audperyear", 0.19, "aud", "audpyear", factor=5991.0)
EUR_A_YEAR = _money("eurperyear", KWH_PRICE, "eur", "eurpyear", factor=5676.0)
VOLUMES = (
    Unit("lpermin", 60, _("l/min"), digits=2, least=1, aliases=("lpmin",)),
    Unit("lperday", 86_400, _("l/day"), aliases=("lpday",)),
    Unit("m3peryear", YEAR_S / 1000, _("m³/year"), aliases=("m3pyear",)),
)
CELSIUS = Unit("celsius", 1, "°C", offset=-ZERO_CELSIUS, digits=1, least=2)
PERCENT = Unit("percent", 1, "%", digits=1, least=5)
PER_HOUR = 1 / HOUR_S

QUANTITIES = (
    Quantity(
        "electricity",
        _("electricity"),
        "Wh",
        (WATT, KWH_A_YEAR, EUR_A_YEAR),
        Figure("W"),
        "kWh",
        more=(AUD_A_YEAR,),
    ),
    Quantity("water", _("water"), "l", VOLUMES, Figure("l/h"), "m³", digits=1),
    Quantity("gas", _("gas"), "l", VOLUMES, Figure("l/h"), "m³", digits=1),
    Quantity("heating", _("heating"), "Wh", (WATT, KWH_A_YEAR), Figure("W"), "kWh"),
    Quantity(
        "temperature",
        _("temperature"),
        "K·s",
        (CELSIUS,),
        Figure("°C", PER_HOUR, -ZERO_CELSIUS, 1),
        None,
        rule=Rule(ZERO_CELSIUS - 60, ZERO_CELSIUS + 120, held=True),
        decimals=3,
    ),
    Quantity(
        "humidity",
        _("humidity"),
        "%·s",
        (PERCENT,),
        Figure("%", PER_HOUR, 0.0, 1),
        None,
        rule=Rule(0, 100, held=True),
        decimals=3,
    ),
)
BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}
NAMES = tuple(BY_NAME)
ELECTRICITY = QUANTITIES[0]
UNITS = {unit.name: unit for quantity in QUANTITIES for unit in (*quantity.units, *quantity.more)}
ALIASES = {alias: unit.name for unit in UNITS.values() for alias in unit.aliases}
# of one's own line, which comes first, and of four others; the field's
LINE_COLOURS = ("#f1572f", "#44c3d3", "#7aab5a", "#fbeb0d", "#a052a0")


def of(kind: str) -> Quantity | None:
    """Return the quantity of a sensor's type as its device names it, None if it is unknown."""
    return BY_NAME.get(kind.lower())


def of_resource(name: str) -> Quantity:
    """Return the quantity of a tab; what is unknown is drawn as electricity is."""
    return of(name) or ELECTRICITY


def page_json(quantity: Quantity) -> dict:
    """Return what the page's scripts need of a quantity, its texts in the reader's language.

    Factors are those on a rate an hour; of money, on a rate an hour times the price of a kWh.
    """
    return {
        "units": {unit.name: _unit_json(unit) for unit in quantity.units},
        "figure": quantity.figure._asdict(),
        "total": quantity.total,
        "colours": LINE_COLOURS,
    }


def _unit_json(unit: Unit) -> dict:
    return {
        "label": str(unit.label or unit.words),
        "factor": (YEAR_S / 1000 if unit.per_kwh else unit.factor) / HOUR_S,
        "offset": unit.offset,
        "digits": unit.digits,
        "least": unit.least,
        "money": bool(unit.per_kwh),
    }

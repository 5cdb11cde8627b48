# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of a stretch of time: what was bought and sold, each at its price, and what is fixed.

Each line is rounded once, to the cent, and the total is the sum of the rounded lines, so that a
reader who adds gets the same.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from flukso_server.money.contract import Terms

CENT = Decimal("0.01")
WH = Decimal("0.001")  # energy is told in kWh to the Wh
QUARTER_S = 900
QUARTERS_AN_HOUR = 4
PEAKS = 12  # months of which the mean is paid
DAYS_A_YEAR = 365  # of a yearly price; the same in leap years, as network operators have it


class Contract(NamedTuple):
    """Terms that hold from `start` (unix s, a local midnight) until the next contract begins."""

    start: int
    terms: Terms
    currency: str


class Quarter(NamedTuple):
    """What was bought and sold from `start` (unix s) on, for a quarter of an hour or what is left
    of one; in Wh, None where it is not known.
    """

    start: int
    bought: float | None
    sold: float | None


class Stretch(NamedTuple):
    """What a bill is about."""

    quarters: Sequence[Quarter]  # ascending, without holes
    days: Sequence[tuple[date, int]]  # local days that have begun, and their midnights (unix s)
    zone: tzinfo


class Line(NamedTuple):
    """A line of a bill: quantity × price = amount, negative for what is earned."""

    kind: str  # bought, sold, netted, standing, capacity
    name: str  # of the rate
    quantity: Decimal
    unit: str  # kWh, day, kW
    price: Decimal | None  # None where each quarter has its own
    amount: Decimal


class Bill(NamedTuple):
    """The lines, their sum, and what is missing from it."""

    lines: list[Line]
    total: Decimal
    currency: str
    hidden: int  # quarters of which nothing is known: the total is "at least"
    unpriced: Decimal  # kWh for whose quarters no price is known: not in the total
    co2_kg: Decimal | None  # of what was bought, by the contract's own factor

    @property
    def exact(self) -> bool:
        """Say whether nothing is missing."""
        return not self.hidden and not self.unpriced


class BillError(ValueError):
    """There is no one bill for this stretch; the text says why."""


def bill(
    contracts: Sequence[Contract],
    stretch: Stretch,
    spot: Mapping[int, Decimal] = {},
    peaks: Sequence[float | None] = (),
) -> Bill:
    """Return the bill.

    contracts: ascending; the first one holds from the beginning. spot: the price a kWh of each
    quarter (by its unix s) where a contract has hourly prices. peaks: the highest quarter of import
    (kW) of the month of the bill and of the eleven before it, the newest first, None for a month
    of which no quarter is known. Raises BillError where the currency changes within the stretch.
    """
    sums = [_Sums(contract.terms) for contract in contracts]
    hidden = 0
    for quarter in stretch.quarters:
        if quarter.bought is None or quarter.sold is None:
            hidden += 1
        local = datetime.fromtimestamp(quarter.start, stretch.zone)
        sums[_at(contracts, quarter.start)].take(quarter, local, spot)
    lines: list[Line] = []
    for number, contract in enumerate(contracts):
        days = sum(_at(contracts, midnight) == number for _day, midnight in stretch.days)
        lines += sums[number].lines() + _fixed(contract.terms, days, peaks)
    used = {
        contract.currency for contract, each in zip(contracts, sums, strict=True) if each.quarters
    }
    if len(used) > 1:
        raise BillError(f"two currencies within one bill: {', '.join(sorted(used))}")
    factors = [each.co2_kg() for each in sums if each.quarters]
    co2 = None if not factors or None in factors else sum(filter(None, factors), Decimal(0))
    return Bill(
        lines,
        sum((line.amount for line in lines), Decimal(0)),
        next(iter(used), contracts[-1].currency),
        hidden,
        sum((each.unpriced for each in sums), Decimal(0)).quantize(WH),
        co2,
    )


def mean_peak_kw(peaks: Sequence[float | None], floor_kw: Decimal) -> Decimal:
    """Return the mean of the known months' peaks, of each the floor at least, in kW.

    A household pays for the floor in months of which nothing is known; then its figure is a lower
    bound, as is one beside an outage.
    """
    known = [max(Decimal(str(peak)), floor_kw) for peak in peaks[:PEAKS] if peak is not None]
    return sum(known, Decimal(0)) / len(known) if known else floor_kw


def _at(contracts: Sequence[Contract], at: int) -> int:
    """Return the number of the contract that holds at a time."""
    return max(bisect_right(contracts, at, key=lambda contract: contract.start) - 1, 0)


class _Sums:
    """What was bought and sold under one contract, by rate, in kWh."""

    def __init__(self, terms: Terms):
        self.terms = terms
        self.quarters = 0
        self.bought: dict[int, Decimal] = defaultdict(Decimal)
        self.sold: dict[int, Decimal] = defaultdict(Decimal)
        self.unpriced = Decimal(0)
        self.hourly_amount = Decimal(0)

    def take(self, quarter: Quarter, local: datetime, spot: Mapping[int, Decimal]) -> None:
        self.quarters += 1
        bought, sold = (
            Decimal(0 if wh is None else repr(float(wh))) / 1000
            for wh in (quarter.bought, quarter.sold)
        )
        if self.terms.hourly is None:
            rate = self.terms.rate_at(local)
            self.bought[rate] += bought
            self.sold[rate] += sold
            return
        self.sold[0] += sold
        price = spot.get(quarter.start // QUARTER_S * QUARTER_S)
        if price is None:
            self.unpriced += bought
        else:
            hourly = self.terms.hourly
            self.bought[0] += bought
            self.hourly_amount += bought * (hourly.factor * price + hourly.plus)

    def lines(self) -> list[Line]:
        if self.terms.backwards:
            return self._netted()
        made = []
        if self.terms.hourly is not None:
            made += _some(_line("bought", "", self.bought[0], None, self.hourly_amount))
        else:
            for number, rate in enumerate(self.terms.rates):
                made += _some(_energy("bought", rate.name, self.bought[number], rate.per_kwh))
        return made + self._sold(sum(self.sold.values(), Decimal(0)))

    def _netted(self) -> list[Line]:
        """Return the lines of a meter that runs backwards: each rate's register for itself.

        What is left over of a register that ran back is sold.
        """
        made, over = [], Decimal(0)
        for number, rate in enumerate(self.terms.rates):
            rest = self.bought[number] - self.sold[number]
            over += max(-rest, Decimal(0))
            made += _some(_energy("netted", rate.name, max(rest, Decimal(0)), rate.per_kwh))
        return made + self._sold(over)

    def _sold(self, kwh: Decimal) -> list[Line]:
        return _some(_energy("sold", "", kwh, -self.terms.sold_per_kwh))

    def co2_kg(self) -> Decimal | None:
        """Return the CO2 of what was bought, in kg; None without a factor."""
        if self.terms.co2_g_per_kwh is None:
            return None
        bought = sum(self.bought.values(), Decimal(0)) + self.unpriced
        return (bought * self.terms.co2_g_per_kwh / 1000).quantize(WH, ROUND_HALF_UP)


def _fixed(terms: Terms, days: int, peaks: Sequence[float | None]) -> list[Line]:
    made = []
    if terms.standing_per_day and days:
        amount = days * terms.standing_per_day
        made.append(
            Line("standing", "", Decimal(days), "day", terms.standing_per_day, _cent(amount))
        )
    if terms.capacity is not None and days:
        kw = mean_peak_kw(peaks, terms.capacity.floor_kw)
        amount = kw * terms.capacity.per_kw_year * days / DAYS_A_YEAR
        shown = kw.quantize(WH, ROUND_HALF_UP)
        made.append(Line("capacity", "", shown, "kW", terms.capacity.per_kw_year, _cent(amount)))
    return made


def _energy(kind: str, name: str, kwh: Decimal, price: Decimal) -> Line:
    return _line(kind, name, kwh, price, kwh * price)


def _line(kind: str, name: str, kwh: Decimal, price: Decimal | None, amount: Decimal) -> Line:
    return Line(kind, name, kwh.quantize(WH, ROUND_HALF_UP), "kWh", price, _cent(amount))


def _some(line: Line) -> list[Line]:
    """Leave out what neither counts nor costs."""
    return [line] if line.quantity or line.amount else []


def _cent(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)

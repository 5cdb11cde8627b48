# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of a household: what it has bought and sold, by the account's contracts."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import isnan
from typing import NamedTuple

import numpy as np

from flukso_server.accounts.contracts import contracts_of, spot_prices
from flukso_server.accounts.zones import zone_of
from flukso_server.dashboard.balance import Counted, Total, add_up
from flukso_server.dashboard.lines import Counter, counters
from flukso_server.dashboard.measure import life
from flukso_server.devices.models import Sensor
from flukso_server.money.bill import (
    PEAKS,
    QUARTER_S,
    Bill,
    BillError,
    Contract,
    Quarter,
    Stretch,
    bill,
)
from flukso_server.series.localtime import local_date, midnight
from flukso_server.series.peaks import highest_quarter
from flukso_server.series.quantities import ELECTRICITY
from flukso_server.series.query import XFF
from flukso_server.series.reading import profile

WH_A_QUARTER_OF_A_KW = 250
ENERGY = ("bought", "netted", "sold")  # lines that are no charge of a day or a month
Role = Sensor.Role


class Month(NamedTuple):
    """A local calendar month."""

    year: int
    month: int

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def next(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def before(self) -> "Month":
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)


class Told(NamedTuple):
    """A bill, and the time (unix s) that it is about."""

    start: int
    end: int
    bill: Bill


def bill_of_month(store, account, month: Month, now: int) -> Told | None:
    """Return the bill of a month until `now`, None if nothing counts what is bought.

    Raises BillError where the currency changes within the month.
    """
    zone = zone_of(account)
    start, end = midnight(month.first, zone), midnight(month.next.first, zone)
    return bill_between(store, account, start, min(end, now // QUARTER_S * QUARTER_S), month)


def bill_between(store, account, start: int, end: int, month: Month | None) -> Told | None:
    """Return the bill from the midnight `start` on.

    month: whose peak, and those of eleven months before it, count; None if no charge for them is
    asked for, as to look for them takes longer than a day's bill.
    """
    zone = zone_of(account)
    own = [each for each in counters(account.pk) if each.resource == ELECTRICITY.name]
    bought = [each for each in own if each.role == Role.IMPORT]
    if not bought or end <= start:
        return None
    lives = [life(store, each.sensor) for each in bought]
    first, last = min(each[0] for each in lives), max(each[1] for each in lives)
    end = min(end, last // QUARTER_S * QUARTER_S)
    if end <= max(start, first):
        return None
    edges = [*range(start, end, QUARTER_S), end]
    contracts = contracts_of(account)
    taken = _total(store, bought, edges)
    fed = [each for each in own if each.role == Role.EXPORT]
    given = _total(store, fed, edges) if fed else None
    quarters = [
        Quarter(at, _known(taken, i), 0.0 if given is None else _known(given, i))
        for i, at in enumerate(edges[:-1])
    ]
    days, day = [], local_date(start, zone)
    while (begins := midnight(day, zone)) < end:
        days.append((day, begins))
        day += timedelta(1)
    stretch = Stretch(quarters, days, zone)
    spot = spot_prices(account, start, end) if _any(contracts, "hourly") else {}
    peaks: list[float | None] = []
    if month is not None and _any(contracts, "capacity"):
        peaks = _peaks(store, bought, account, month, end)
    return Told(start, end, bill(contracts, stretch, spot, peaks))


def energy_cost(store, account, start: int, end: int) -> float | None:
    """Return what was bought less what was sold costs between a midnight and a time.

    None if nothing counts what is bought, or not in one currency.
    """
    try:
        told = bill_between(store, account, start, end, None)
    except BillError:
        return None
    if told is None:
        return None
    return float(sum(line.amount for line in told.bill.lines if line.kind in ENERGY))


def _any(contracts: Sequence[Contract], part: str) -> bool:
    return any(getattr(contract.terms, part) is not None for contract in contracts)


def _total(store, sensors: Sequence[Counter], edges: list[int]) -> Total:
    parts = []
    for each in sensors:
        energy, share = profile(store, each.sensor, edges)
        parts.append(Counted(each.role, 1, energy, share, *life(store, each.sensor)))
    return add_up(parts, np.array(edges[:-1], np.int64))


def _known(total: Total, number: int) -> float | None:
    """Return what was counted in a quarter; None if half of it, or more, is not known."""
    counted = float(total.counted[number])
    return None if isnan(counted) or total.share[number] < XFF else counted


def _peaks(store, bought, account, month: Month, end: int) -> list[float | None]:
    """Return the highest quarter (kW) of the month and of the eleven before it, newest first."""
    zone = zone_of(account)
    found: list[float | None] = []
    for _number in range(PEAKS):
        start = midnight(month.first, zone)
        stop = min(midnight(month.next.first, zone), end)
        found.append(_peak(store, bought, start, stop) if start < stop else None)
        month = month.before
    return found


def _peak(store, bought: Sequence[Counter], start: int, end: int) -> float | None:
    """Return the highest quarter; of several counters, of their sum while quarters are kept."""
    if len(bought) == 1:
        peak = highest_quarter(store, bought[0].sensor, start, end)
        return None if peak is None else peak.energy / WH_A_QUARTER_OF_A_KW
    energy = _total(store, bought, [*range(start, end, QUARTER_S), end]).energy
    return None if np.isnan(energy).all() else float(np.nanmax(energy)) / WH_A_QUARTER_OF_A_KW

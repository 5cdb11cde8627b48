# SPDX-License-Identifier: GPL-3.0-or-later
"""The few figures above the chart: now, today, the same time yesterday, last night."""

from datetime import timedelta, tzinfo
from math import isnan
from typing import NamedTuple

from flukso_server.accounts import prices
from flukso_server.accounts.zones import zone_of
from flukso_server.dashboard.bills import energy_cost
from flukso_server.dashboard.lines import Line
from flukso_server.dashboard.measure import measure
from flukso_server.dashboard.scales import LIVE_STEP_S, Window, today
from flukso_server.dashboard.texts import sign_of
from flukso_server.series.localtime import NIGHT_KNOWN, day_boundaries, instant, local_date
from flukso_server.series.quantities import of_resource
from flukso_server.series.query import XFF

FRESH_S = 900  # an older value says nothing of now


class Summary(NamedTuple):
    """The figures of a line; None where unknown."""

    now: float | None  # units an hour
    age_s: int | None  # of the newest value
    today: float | None  # Wh or l; a mean, units an hour, of what has no amount
    before: float | None  # the same, yesterday until the same time
    night: float | None  # last night's mean, units an hour
    cost: float | None  # of what was bought today, less what was sold (dashboard/bills.py)
    sign: str  # of its currency


def summary(store, account, line: Line, history: list[prices.Span], now: int) -> Summary:
    """Return the figures of a line; `history` holds the account's prices."""
    zone = zone_of(account)
    yesterday, same, midnight = today(now, zone)
    last = now if line.kind == "demo" else _last(store, line, now)
    until = min(now, last or now)
    quantity = of_resource(line.resource)
    count = energy if quantity.total else mean
    used = count(store, line, midnight, until)
    price = prices.at(history, now)
    cost = used / 1000 * price.per_kwh if quantity.priced and used is not None else None
    if cost is not None and line.kind == "own":
        cost = energy_cost(store, account, midnight, until)
    return Summary(
        now=_latest(store, line, last, now),
        age_s=None if last is None else max(0, now - last),
        today=used,
        before=count(store, line, yesterday, min(same, yesterday + until - midnight), XFF),
        night=_night(store, line, now, zone),
        cost=cost,
        sign=sign_of(price.currency),
    )


def energy(store, line: Line, start: int, end: int, least: float = 0.0) -> float | None:
    """Return what the line counted between two times.

    None if no more than the share `least` of the time is known, or if the line shows only days.
    """
    if end <= start or line.detail != "minutes":
        return None
    values = measure(store, line, Window("minute", [start, end]), end)
    counted = float(values.counted[0])
    return None if isnan(counted) or values.share[0] <= least else counted


def mean(store, line: Line, start: int, end: int, least: float = 0.0) -> float | None:
    """Return the line's mean rate between two times, units an hour; None as energy() does."""
    if end <= start or line.detail != "minutes":
        return None
    values = measure(store, line, Window("minute", [start, end]), end)
    counted, share = float(values.counted[0]), float(values.share[0])
    return None if isnan(counted) or share <= least else counted / share * 3600 / (end - start)


def _last(store, line: Line, now: int) -> int | None:
    """Return until when all sensors that still send have sent, or the newest tuple's time."""
    times = [newest[0] for part in line.parts if (newest := store.last(part.sensor))]
    return min((ts for ts in times if now - ts <= FRESH_S), default=max(times, default=None))


def _latest(store, line: Line, last: int | None, now: int) -> float | None:
    """Return the live value at `last`, None if that is too long ago."""
    if last is None or now - last > FRESH_S:
        return None
    end = last // LIVE_STEP_S * LIVE_STEP_S
    rate = float(measure(store, line, Window("live", [end - LIVE_STEP_S, end]), now).rate[-1])
    return None if isnan(rate) else rate


def _night(store, line: Line, now: int, zone: tzinfo) -> float | None:
    """Return the mean of the last night that is known: until 06:00, the one before."""
    day = local_date(now, zone)
    if now < instant(day, NIGHT_KNOWN, zone):
        day -= timedelta(1)
    rate = float(measure(store, line, Window("night", day_boundaries(day, day, zone)), now).rate[0])
    return None if isnan(rate) else rate

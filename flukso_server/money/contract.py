# SPDX-License-Identifier: GPL-3.0-or-later
"""The terms of a contract, and how they are read from the JSON in which they are typed and kept."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

RATES_MAX = 12  # of one contract
NAME_MAX = 40
PRICE_MAX = Decimal(10_000)  # in the currency, of a kWh, a day, a kW
PLACES = 6  # decimals of a price
MINUTES = 24 * 60
EVERY_DAY = tuple(range(7))  # Monday is 0
LEAP_YEAR = 2000  # in which each day of a season exists

_PARTS = frozenset(
    (
        "rates",
        "standing_per_day",
        "sold_per_kwh",
        "backwards",
        "hourly",
        "capacity",
        "co2_g_per_kwh",
    )
)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


class ContractError(ValueError):
    """These are no terms; the text names the part that is wrong."""


class Rate(NamedTuple):
    """A price of what is bought, and when it holds, in local time.

    Of several the first one holds whose time it is; the last one holds at all other times.
    """

    name: str
    per_kwh: Decimal
    days: tuple[int, ...] = EVERY_DAY
    start: int = 0  # minutes after midnight; a rate from 22:00 until 07:00 goes over midnight
    end: int = MINUTES
    season: tuple[tuple[int, int], tuple[int, int]] | None = None  # (month, day), both included

    def holds(self, at: datetime) -> bool:
        """Say whether a local time is one of this rate's.

        What goes over midnight belongs to the day on which it began.
        """
        minute, day = at.hour * 60 + at.minute, at.weekday()
        if self.start < self.end:
            inside = self.start <= minute < self.end
        else:
            inside = minute >= self.start or minute < self.end
            if minute < self.end:
                day = (day - 1) % 7
        return inside and day in self.days and self._in_season((at.month, at.day))

    def _in_season(self, day: tuple[int, int]) -> bool:
        if self.season is None:
            return True
        first, last = self.season
        return first <= day <= last if first <= last else day >= first or day <= last


class Hourly(NamedTuple):
    """The price of each quarter of an hour (day-ahead): factor × price + plus, a kWh."""

    factor: Decimal
    plus: Decimal


class Capacity(NamedTuple):
    """What the highest quarters of the months cost (Flemish capacity tariff)."""

    per_kw_year: Decimal
    floor_kw: Decimal  # a month with a lower peak counts as this


class Terms(NamedTuple):
    """What a contract says. Prices are in its currency, VAT as its owner wrote it."""

    rates: tuple[Rate, ...]
    standing_per_day: Decimal = Decimal(0)
    sold_per_kwh: Decimal = Decimal(0)
    backwards: bool = False  # the meter runs backwards: what is sold is taken off what is bought
    hourly: Hourly | None = None  # in place of the rates
    capacity: Capacity | None = None
    co2_g_per_kwh: Decimal | None = None

    def rate_at(self, local: datetime) -> int:
        """Return the number of the rate that holds at a local time."""
        last = len(self.rates) - 1
        return next((i for i in range(last) if self.rates[i].holds(local)), last)


def read(given: Mapping[str, Any]) -> Terms:
    """Return the terms of JSON as docs/design/money.md has it. Raises ContractError."""
    if not isinstance(given, Mapping):
        raise ContractError("terms are an object")
    for name in given:
        if name not in _PARTS:
            raise ContractError(
                f"{name}: there is no such part; there are {', '.join(sorted(_PARTS))}"
            )
    rates = given.get("rates", [])
    if not isinstance(rates, list) or len(rates) > RATES_MAX:
        raise ContractError(f"rates: a list of at most {RATES_MAX}")
    hourly = given.get("hourly")
    if not rates and hourly is None:
        raise ContractError("rates: at least one, or hourly")
    capacity, co2 = given.get("capacity"), given.get("co2_g_per_kwh")
    backwards = given.get("backwards", False)
    if not isinstance(backwards, bool):
        raise ContractError("backwards: true or false")
    if backwards and hourly is not None:
        raise ContractError("backwards: not with hourly prices, where each hour has its own price")
    return Terms(
        tuple(_rate(each, i) for i, each in enumerate(rates)),
        _price(given.get("standing_per_day", 0), "standing_per_day"),
        _price(given.get("sold_per_kwh", 0), "sold_per_kwh"),
        backwards,
        None if hourly is None else Hourly(*_two(hourly, "hourly", ("factor", "plus"))),
        None if capacity is None else _capacity(capacity),
        None if co2 is None else _price(co2, "co2_g_per_kwh", least=Decimal(0)),
    )


def _rate(given: Any, number: int) -> Rate:
    where = f"rates[{number}]"
    _only(given, where, ("name", "per_kwh", "days", "from", "until", "season"))
    name = given.get("name", "")
    if not isinstance(name, str) or len(name) > NAME_MAX or not name.isprintable():
        raise ContractError(f"{where}.name: a text of at most {NAME_MAX} characters")
    if "per_kwh" not in given:
        raise ContractError(f"{where}.per_kwh: is missing")
    days = given.get("days", list(EVERY_DAY))
    if not isinstance(days, list) or not days or not all(type(day) is int for day in days):
        raise ContractError(f"{where}.days: a list of numbers, 0 for Monday to 6 for Sunday")
    if not set(days) <= set(EVERY_DAY):
        raise ContractError(f"{where}.days: 0 for Monday to 6 for Sunday")
    start = _clock(given.get("from", "00:00"), f"{where}.from")
    end = _clock(given.get("until", "24:00"), f"{where}.until")
    if start in (end, MINUTES) or end == 0:
        raise ContractError(f"{where}: from and until are different times; a day ends at 24:00")
    season = given.get("season")
    return Rate(
        name,
        _price(given["per_kwh"], f"{where}.per_kwh"),
        tuple(sorted(set(days))),
        start,
        end,
        None if season is None else _season(season, f"{where}.season"),
    )


def _capacity(given: Any) -> Capacity:
    made = Capacity(*_two(given, "capacity", ("per_kw_year", "floor_kw")))
    if min(made) < 0:
        raise ContractError("capacity: nothing below 0")
    return made


def _two(given: Any, where: str, names: tuple[str, str]) -> list[Decimal]:
    _only(given, where, names)
    for name in names:
        if name not in given:
            raise ContractError(f"{where}.{name}: is missing")
    return [_price(given[name], f"{where}.{name}") for name in names]


def _only(given: Any, where: str, names: tuple[str, ...]) -> None:
    if not isinstance(given, Mapping):
        raise ContractError(f"{where}: an object")
    for name in given:
        if name not in names:
            raise ContractError(f"{where}.{name}: there is no such part")


def _price(given: Any, where: str, least: Decimal = -PRICE_MAX) -> Decimal:
    """Return a price; text keeps its decimals exactly, a number has those that it prints."""
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        raise ContractError(f"{where}: a number")
    try:
        value = Decimal(str(given))
    except InvalidOperation as error:
        raise ContractError(f"{where}: a number, with a point") from error
    exponent = value.as_tuple().exponent
    if not value.is_finite() or not least <= value <= PRICE_MAX:
        raise ContractError(f"{where}: {least} to {PRICE_MAX}")
    if isinstance(exponent, int) and exponent < -PLACES:
        raise ContractError(f"{where}: at most {PLACES} decimals")
    return value


def _clock(given: Any, where: str) -> int:
    found = _CLOCK.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ContractError(f"{where}: a time as 07:00, at most 24:00")
    hours, minutes = given.split(":")
    return int(hours) * 60 + int(minutes)


def _season(given: Any, where: str) -> tuple[tuple[int, int], tuple[int, int]]:
    if not isinstance(given, list) or len(given) != 2:
        raise ContractError(f"{where}: the first and the last day, as 04-01")
    first, last = (_day(each, where) for each in given)
    return first, last


def _day(given: Any, where: str) -> tuple[int, int]:
    if not isinstance(given, str) or not re.fullmatch(r"\d\d-\d\d", given):
        raise ContractError(f"{where}: a day as 04-01")
    month, day = int(given[:2]), int(given[3:])
    try:
        date(LEAP_YEAR, month, day)
    except ValueError as error:
        raise ContractError(f"{where}: there is no day {given}") from error
    return month, day

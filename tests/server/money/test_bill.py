# SPDX-License-Identifier: GPL-3.0-or-later
"""Bills of each kind of contract, each worked out by hand beside its row."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from flukso_server.money.bill import BillError, Contract, Quarter, Stretch, bill, mean_peak_kw
from flukso_server.money.contract import read
from flukso_server.series.localtime import midnight

BRUSSELS = ZoneInfo("Europe/Brussels")
QUARTER_S = 900


def stretch(first: date, days: int, use) -> Stretch:
    """Local days; use(local hour, weekday) gives (bought, sold) in Wh a quarter."""
    dates = [first + timedelta(n) for n in range(days + 1)]
    edges = [midnight(day, BRUSSELS) for day in dates]
    quarters = []
    for at in range(edges[0], edges[-1], QUARTER_S):
        local = _local(at)
        quarters.append(Quarter(at, *use(local.hour, local.weekday())))
    return Stretch(quarters, list(zip(dates[:-1], edges[:-1], strict=True)), BRUSSELS)


def _local(at: int):
    return datetime.fromtimestamp(at, BRUSSELS)


def told(terms: dict, over: Stretch, **more):
    made = bill([Contract(0, read(terms), "EUR")], over, **more)
    lines = [(line.kind, line.name, str(line.quantity), str(line.amount)) for line in made.lines]
    return lines, str(made.total)


MONDAY = date(2026, 9, 14)
WEEK = [0, 1, 2, 3, 4]
DAY_NIGHT = {
    "rates": [
        {
            "name": "day",
            "per_kwh": "0.34",
            "days": [0, 1, 2, 3, 4],
            "from": "07:00",
            "until": "22:00",
        },
        {"name": "night", "per_kwh": "0.26"},
    ],
}


def flat(hour, weekday):
    return 250, 0  # 1 kW


def sunny(hour, weekday):
    """1 kW, and at noon, 12 to 14, 2 kW to the grid."""
    return (0, 500) if 12 <= hour < 14 else (250, 0)


EXAMPLES = [
    pytest.param(
        # 24 kWh × 0.30 = 7.20
        {"rates": [{"per_kwh": "0.30"}]},
        stretch(MONDAY, 1, flat),
        [("bought", "", "24.000", "7.20")],
        "7.20",
        id="one-price",
    ),
    pytest.param(
        # a week at 1 kW is 168 kWh: 5 × 15 = 75 by day × 0.34 = 25.50; 93 × 0.26 = 24.18
        DAY_NIGHT,
        stretch(MONDAY, 7, flat),
        [("bought", "day", "75.000", "25.50"), ("bought", "night", "93.000", "24.18")],
        "49.68",
        id="day-and-night",
    ),
    pytest.param(
        # the night that summer time ends has 25 hours: 25 × 0.30 = 7.50
        {"rates": [{"per_kwh": "0.30"}]},
        stretch(date(2026, 10, 25), 1, flat),
        [("bought", "", "25.000", "7.50")],
        "7.50",
        id="a-day-of-25-hours",
    ),
    pytest.param(
        # Friday's 22:00 – 07:00 reaches into Saturday, Saturday's own does not begin:
        # Friday 00–07 is of Thursday: 7 h; 22–24: 2 h; Saturday 00–07 of Friday: 7 h; 16 × 0.10
        # the rest of two days: 48 − 16 = 32 × 0.50
        {
            "rates": [
                {
                    "name": "n",
                    "per_kwh": "0.10",
                    "days": [0, 1, 2, 3, 4],
                    "from": "22:00",
                    "until": "07:00",
                },
                {"name": "d", "per_kwh": "0.50"},
            ]
        },
        stretch(date(2026, 9, 18), 2, flat),
        [("bought", "n", "16.000", "1.60"), ("bought", "d", "32.000", "16.00")],
        "17.60",
        id="over-midnight",
    ),
    pytest.param(
        # October to March over the turn of the year: 31 March 24 kWh × 0.40, 1 April 24 × 0.20
        {
            "rates": [
                {"name": "winter", "per_kwh": "0.40", "season": ["10-01", "03-31"]},
                {"name": "summer", "per_kwh": "0.20"},
            ]
        },
        stretch(date(2026, 3, 31), 2, flat),
        [("bought", "winter", "24.000", "9.60"), ("bought", "summer", "24.000", "4.80")],
        "14.40",
        id="seasons",
    ),
    pytest.param(
        # bought 22 × 0.30 = 6.60; sold 4 × 0.06 = 0.24; standing 0.35
        {
            "rates": [{"per_kwh": "0.30"}],
            "sold_per_kwh": "0.06",
            "standing_per_day": "0.35",
        },
        stretch(MONDAY, 1, sunny),
        [
            ("bought", "", "22.000", "6.60"),
            ("sold", "", "4.000", "-0.24"),
            ("standing", "", "1", "0.35"),
        ],
        "6.71",
        id="sold-and-standing",
    ),
    pytest.param(
        # 22 − 4 = 18 × 0.30
        {"rates": [{"per_kwh": "0.30"}], "sold_per_kwh": "0.06", "backwards": True},
        stretch(MONDAY, 1, sunny),
        [("netted", "", "18.000", "5.40")],
        "5.40",
        id="meter-runs-backwards",
    ),
    pytest.param(
        # noon is a register of its own: 0 − 4 goes back by 4, sold at 0.06; the other 22 × 0.30
        {
            "rates": [
                {"name": "noon", "per_kwh": "0.20", "from": "12:00", "until": "14:00"},
                {"name": "else", "per_kwh": "0.30"},
            ],
            "sold_per_kwh": "0.06",
            "backwards": True,
        },
        stretch(MONDAY, 1, sunny),
        [("netted", "else", "22.000", "6.60"), ("sold", "", "4.000", "-0.24")],
        "6.36",
        id="backwards-two-registers",
    ),
    pytest.param(
        # sold for less than nothing: 4 × −0.02 costs 0.08
        {"rates": [{"per_kwh": "0.30"}], "sold_per_kwh": "-0.02"},
        stretch(MONDAY, 1, sunny),
        [("bought", "", "22.000", "6.60"), ("sold", "", "4.000", "0.08")],
        "6.68",
        id="feeding-in-costs",
    ),
]


@pytest.mark.parametrize("terms, over, lines, total", EXAMPLES)
def test_a_bill_as_it_is_worked_out_by_hand(terms, over, lines, total):
    assert told(terms, over) == (lines, total)


def test_the_price_of_each_quarter_negative_too_and_unknown_ones_are_said():
    # 23 hours at 0.10, one at −0.05, × 1.06 + 0.02: 23 × 0.126 = 2.898, 1 × −0.033 → 2.865
    over = stretch(MONDAY, 1, flat)
    spot = {quarter.start: Decimal("0.10") for quarter in over.quarters}
    spot |= {quarter.start: Decimal("-0.05") for quarter in over.quarters[48:52]}
    terms = {"rates": [], "hourly": {"factor": "1.06", "plus": "0.02"}}
    assert told(terms, over, spot=spot) == ([("bought", "", "24.000", "2.87")], "2.87")
    for quarter in over.quarters[:8]:  # two hours: 2 × 0.126 = 0.252 less
        del spot[quarter.start]
    made = bill([Contract(0, read(terms), "EUR")], over, spot)
    assert str(made.total) == "2.61" and str(made.unpriced) == "2.000" and not made.exact


def test_the_capacity_tariff_is_of_the_mean_of_twelve_peaks_each_the_floor_at_least():
    # peaks 4.0 and 1.0 (counts as 2.5) and ten of 2.5: (4 + 11 × 2.5) / 12 = 2.625 kW
    peaks = [4.0, 1.0] + [2.5] * 10
    assert mean_peak_kw(peaks, Decimal("2.5")) == Decimal("2.625")
    # × 40 € × 30 / 365 = 8.630…
    terms = {"rates": [{"per_kwh": "0"}], "capacity": {"per_kw_year": "40", "floor_kw": "2.5"}}
    over = stretch(date(2026, 9, 1), 30, flat)
    lines, total = told(terms, over, peaks=peaks)
    assert lines[-1] == ("capacity", "", "2.625", "8.63") and total == "8.63"
    assert mean_peak_kw([None] * 12, Decimal("2.5")) == Decimal("2.5")
    assert mean_peak_kw([None, 5.5], Decimal("2.5")) == Decimal("5.5")


def test_a_contract_holds_from_its_instant_and_rewrites_no_past():
    # 24 × 0.30 and, from Tuesday on, 24 × 0.20 + 0.10 a day
    over = stretch(MONDAY, 2, flat)
    contracts = [
        Contract(0, read({"rates": [{"per_kwh": "0.30"}]}), "EUR"),
        Contract(
            midnight(date(2026, 9, 15), BRUSSELS),
            read({"rates": [{"per_kwh": "0.20"}], "standing_per_day": "0.10"}),
            "EUR",
        ),
    ]
    made = bill(contracts, over)
    assert [str(line.amount) for line in made.lines] == ["7.20", "4.80", "0.10"]
    assert str(made.total) == "12.10"
    with pytest.raises(BillError, match="AUD, EUR"):
        bill([contracts[0], contracts[1]._replace(currency="AUD")], over)


def test_hidden_quarters_make_the_total_at_least():
    over = stretch(MONDAY, 1, lambda hour, _: (None, None) if hour < 2 else (250, 0))
    made = bill([Contract(0, read({"rates": [{"per_kwh": "0.30"}]}), "EUR")], over)
    assert made.hidden == 8 and not made.exact and str(made.total) == "6.60"


def test_co2_is_by_the_contracts_own_factor_and_of_what_was_bought():
    over = stretch(MONDAY, 1, sunny)  # 22 kWh × 150 g
    terms = {"rates": [{"per_kwh": "0"}], "co2_g_per_kwh": 150}
    assert str(bill([Contract(0, read(terms), "EUR")], over).co2_kg) == "3.300"
    assert bill([Contract(0, read({"rates": [{"per_kwh": 1}]}), "EUR")], over).co2_kg is None


def test_lines_are_rounded_once_and_add_up():
    # 0.005 a kWh: three rates of 8 kWh are 0.04 each; the sum of the exact ones would be 0.12
    terms = {
        "rates": [
            {"name": "a", "per_kwh": "0.0049", "from": "00:00", "until": "08:00"},
            {"name": "b", "per_kwh": "0.0049", "from": "08:00", "until": "16:00"},
            {"name": "c", "per_kwh": "0.0049"},
        ]
    }
    lines, total = told(terms, stretch(MONDAY, 1, flat))
    assert [line[3] for line in lines] == ["0.04", "0.04", "0.04"] and total == "0.12"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms as they are typed: what is taken, and the sentence for what is not."""

import pytest

from flukso_server.money.contract import ContractError, read

ONE = {"per_kwh": "0.30"}
WRONG = [
    ([], "terms are an object"),
    ({}, "rates: at least one, or hourly"),
    ({"rates": [ONE], "price": 1}, "price: there is no such part"),
    ({"rates": ONE}, "rates: a list"),
    ({"rates": [ONE] * 13}, "rates: a list of at most 12"),
    ({"rates": [{}]}, r"rates\[0\].per_kwh: is missing"),
    ({"rates": [ONE, {"per_kwh": "x"}]}, r"rates\[1\].per_kwh: a number"),
    ({"rates": [{"per_kwh": True}]}, r"rates\[0\].per_kwh: a number"),
    ({"rates": [{"per_kwh": "NaN"}]}, r"rates\[0\].per_kwh: -10000 to 10000"),
    ({"rates": [{"per_kwh": 1e300}]}, r"rates\[0\].per_kwh: -10000 to 10000"),
    ({"rates": [{"per_kwh": "0.1234567"}]}, "at most 6 decimals"),
    ({"rates": [ONE | {"days": []}]}, r"rates\[0\].days"),
    ({"rates": [ONE | {"days": [7]}]}, "0 for Monday to 6 for Sunday"),
    ({"rates": [ONE | {"days": [True]}]}, "a list of numbers"),
    ({"rates": [ONE | {"from": "7:00"}]}, r"rates\[0\].from: a time"),
    ({"rates": [ONE | {"until": "24:01"}]}, r"rates\[0\].until: a time"),
    ({"rates": [ONE | {"from": "07:00", "until": "07:00"}]}, "are different times"),
    ({"rates": [ONE | {"from": "24:00"}]}, "are different times"),
    ({"rates": [ONE | {"season": ["02-30", "03-01"]}]}, "there is no day 02-30"),
    ({"rates": [ONE | {"season": "04"}]}, "the first and the last day"),
    ({"rates": [ONE | {"name": "a\nb"}]}, r"rates\[0\].name"),
    ({"rates": [ONE], "backwards": 1}, "backwards: true or false"),
    ({"hourly": {"factor": 1}}, "hourly.plus: is missing"),
    ({"hourly": {"factor": 1, "plus": 0}, "backwards": True}, "not with hourly prices"),
    ({"rates": [ONE], "capacity": {"per_kw_year": -1, "floor_kw": 0}}, "nothing below 0"),
    ({"rates": [ONE], "capacity": 40}, "capacity: an object"),
    ({"rates": [ONE], "co2_g_per_kwh": -1}, "co2_g_per_kwh: 0 to"),
]


@pytest.mark.parametrize("given, said", WRONG)
def test_what_is_wrong_is_named(given, said):
    with pytest.raises(ContractError, match=said):
        read(given)


def test_a_season_may_end_on_a_leap_day():
    terms = read({"rates": [ONE | {"season": ["11-01", "02-29"]}]})
    assert terms.rates[0].season == ((11, 1), (2, 29))

# SPDX-License-Identifier: GPL-3.0-or-later
"""A household's bill from its counters: on its page, in the API, and in the figure of today."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.server.dashboard.test_axe import serious
from tools.harness.site import DAY, Site, member, sensor, steady
from tools.harness.window import DESKTOP, PHONE

pytestmark = pytest.mark.dated

GRID, SOLD = ("import", "electricity"), ("export", "electricity")
PANELS = ("pv", "electricity")
MEMBERS = {
    "sunny": member("minutes", (GRID, SOLD, PANELS)),
    "plain": member("minutes", (GRID,)),
    "empty": member("minutes", (("import", "water"),)),
}
BOUGHT_W, SOLD_W, MADE_W = 400, 1200, 1600
TERMS = {
    "rates": [{"name": "", "per_kwh": "0.30"}],
    "sold_per_kwh": "0.05",
    "standing_per_day": "0.40",
}


@pytest.fixture(scope="module")
def now():
    return int(time.time()) // 900 * 900


@pytest.fixture(scope="module")
def site(tmp_path_factory, now):
    made = Site(tmp_path_factory.mktemp("money"), MEMBERS)
    start = now - 40 * DAY
    for number, watt in enumerate((BOUGHT_W, SOLD_W, MADE_W)):
        made.fill(sensor(1, number), steady(start, now, watt, 60), now)
    made.fill(sensor(2, 0), steady(start, now, 1000, 60), now)
    made.fill(sensor(3, 0), steady(start, now, 10, 60), now)
    made.call("tests.server.inside.dashboard.set_contract", "sunny", "2020-01-01", TERMS)
    made.call("tests.server.inside.dashboard.set_price", "plain", 25, "2020-01-01")
    yield made
    made.close()


def bill(site, month, who="sunny"):
    return site.get(f"/api/1/bill/{month:%Y-%m}", who)


def midnight_of(site, now, **change):
    zone = ZoneInfo(site.get("/api/1/account", "sunny")[1]["time_zone"])
    local = datetime.fromtimestamp(now, zone)
    return datetime(local.year, local.month, local.day, tzinfo=zone).replace(**change)


@pytest.fixture(scope="module")
def month(site, now):
    return midnight_of(site, now, day=1)


def test_the_bill_is_of_what_was_bought_and_sold_and_of_the_days(site, now, month):
    hours = (now - month.timestamp()) / 3600
    days = midnight_of(site, now).day
    status, told = bill(site, month)
    assert status == 200, told
    bought, sold, standing = told["lines"]
    assert bought["kind"] == "bought"
    assert bought["quantity"] == pytest.approx(BOUGHT_W * hours / 1000, abs=0.01)
    assert bought["amount"] == pytest.approx(bought["quantity"] * 0.30, abs=0.006)
    assert sold["quantity"] == pytest.approx(SOLD_W * hours / 1000, abs=0.01)
    assert sold["amount"] == pytest.approx(-sold["quantity"] * 0.05, abs=0.006)
    assert (standing["quantity"], standing["amount"]) == (days, pytest.approx(0.40 * days))
    assert told["total"] == pytest.approx(sum(line["amount"] for line in told["lines"]))
    assert told["exact"] and told["end"] == now


def test_what_the_roof_gave_costs_nothing_in_the_figure_of_today(site, now):
    """1.2 kW are sold at a sixth of the price: the use of 0.8 kW is not what is paid for."""
    _status, told = site.get("/figures.json?resource=electricity", "sunny")
    hours = (now - midnight_of(site, now).timestamp()) / 3600
    paid = (BOUGHT_W * 0.30 - SOLD_W * 0.05) / 1000 * hours
    assert told["cost"] == pytest.approx(paid, abs=0.011)


def test_one_price_and_no_terms_is_a_contract_too(site, month):
    _status, told = bill(site, month, "plain")
    [line] = told["lines"]
    assert line["amount"] == pytest.approx(line["quantity"] * 0.25, abs=0.006)


@pytest.mark.parametrize(
    "who, asked, status",
    [
        ("sunny", "2011-01", 404),  # before the first tuple
        ("empty", None, 404),
        ("sunny", "2026-13", 404),
        ("sunny", "next", 404),
    ],
)
def test_without_a_bill_the_answer_says_why(site, month, who, asked, status):
    found, told = site.get(f"/api/1/bill/{asked or format(month, '%Y-%m')}", who)
    assert found == status and told["error"]


def test_the_page_adds_up_and_fits_a_phone(site, visit, now):
    for viewport in (PHONE, DESKTOP):
        page = visit("sunny", "/money/", viewport, wait=False, bypass_csp=True)
        assert serious(page) == []
        amounts = [
            float(cell.inner_text()) for cell in page.locator(".bill tbody td:last-child").all()
        ]
        total = float(page.locator(".bill tfoot td").inner_text())
        assert total == pytest.approx(sum(amounts)) and len(amounts) == 3
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="←").click()
    assert page.locator(".bill tbody tr").count() == 3


def test_the_form_makes_a_contract(site, visit, now):
    page = visit("plain", "/account/#price", DESKTOP, wait=False)
    page.locator("[name=cents_per_kwh]").fill("40")
    page.get_by_text("More of the contract").click()
    page.get_by_label("Cents a kWh at other hours").fill("20")
    page.get_by_label("on weekdays alone").check()
    page.get_by_label("Standing charge, cents a day").fill("10")
    page.get_by_role("button", name="Add the price").click()
    _status, held = site.get("/api/1/prices", "plain")
    assert held[-1]["terms"] == {
        "rates": [
            {
                "name": "day rate",
                "per_kwh": "0.4",
                "from": "07:00",
                "until": "22:00",
                "days": [0, 1, 2, 3, 4],
            },
            {"name": "other hours", "per_kwh": "0.2"},
        ],
        "standing_per_day": "0.1",
    }

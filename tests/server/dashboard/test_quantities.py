# SPDX-License-Identifier: GPL-3.0-or-later
"""Heat, temperature and humidity from their tuples to tab, chart, statistics and both APIs."""

import time
import urllib.request

import pytest

from flukso_server.series.quantities import ELECTRICITY, NAMES
from tools.harness.chart_page import drawn, statistics
from tools.harness.site import DAY, Site, member, sensor, steady
from tools.harness.window import DESKTOP, PHONE

pytestmark = pytest.mark.dated

COLD = 3 * 3600  # the room's outage: nothing is heard, then the counter has gone on
MEMBERS = {
    "cellar": member(
        "minutes",
        (
            ("import", "electricity"),
            ("import", "heating"),
            ("import", "temperature"),
            ("import", "Temperature"),
            ("import", "humidity"),
        ),
    ),
    "peer": member("minutes", (("import", "temperature"), ("import", "electricity"))),
}
HEATING_W, ROOM_C, ATTIC_C, HUMIDITY = 1800, 21.3, 5.0, 45.5


def integral(start, end, rate):
    """A counter that runs evenly, a tuple a minute."""
    return [(ts, int((ts - start) * rate)) for ts in range(start, end + 1, 60)]


@pytest.fixture(scope="module")
def now():
    return int(time.time()) // 60 * 60


@pytest.fixture(scope="module")
def site(tmp_path_factory, now):
    made = Site(tmp_path_factory.mktemp("quantities"), MEMBERS)
    start = now - 3 * DAY
    made.fill(sensor(1, 0), steady(start, now, 300, 60), now)
    made.fill(sensor(1, 1), steady(start, now, HEATING_W, 60), now)
    room = integral(start, now, ROOM_C + 273.15)
    silent = range(now - 6 * 3600 + 60, now - 6 * 3600 + COLD)
    made.fill(sensor(1, 2), [pair for pair in room if pair[0] not in silent], now)
    made.fill(sensor(1, 3), integral(start, now, ATTIC_C + 273.15), now)
    made.fill(sensor(1, 4), integral(start, now, HUMIDITY), now)
    made.fill(sensor(2, 0), integral(start, now, 300), now)
    made.fill(sensor(2, 1), steady(start, now, 600, 60), now)
    yield made
    made.close()


def test_an_account_begins_with_a_unit_of_electricity(site):
    units = site.call("tests.server.inside.dashboard.account_units")
    assert units == [unit.name for unit in ELECTRICITY.units]


def chart(site, now, resource, who="cellar", span=3600, step="minute"):
    path = f"/chart.json?resource={resource}&start={now - span}&end={now}&step={step}"
    status, answer = site.get(path, who)
    assert status == 200, answer
    return answer["lines"]


def test_there_is_a_tab_for_each_quantity_that_the_account_counts(site):
    _status, page = site.get("/", "cellar")
    at = [page.find(f"?resource={name}&") for name in NAMES if name not in ("water", "gas")]
    assert at == sorted(at) and -1 not in at
    assert "?resource=water&" not in page


def test_all_sixty_values_of_an_hour_of_heating_are_drawn(site, now):
    [line] = chart(site, now, "heating")
    assert line["v"] == [HEATING_W] * 60


@pytest.mark.parametrize("step, span", [("minute", 3600), ("15min", DAY), ("live", 600)])
def test_each_own_sensor_of_temperature_has_a_line(site, now, step, span):
    lines = chart(site, now, "temperature", span=span, step=step)
    assert [line["key"] for line in lines] == ["me", sensor(1, 3)]
    for line, celsius in zip(lines, (ROOM_C, ATTIC_C), strict=True):
        values = [value / 3600 - 273.15 for value in line["v"] if value is not None]
        assert len(values) == len(line["v"])
        assert values == pytest.approx([celsius] * len(values), abs=0.02)


def test_a_peers_temperature_is_shown_to_nobody(site, now):
    site.post("/follow/", "cellar", click="subscribe peer")
    assert [line["kind"] for line in chart(site, now, "temperature")] == ["own", "own"]
    assert len(chart(site, now, "electricity")) == 2


def test_the_figures_are_means_and_cost_nothing(site):
    told = site.get("/figures.json?resource=temperature", "cellar")[1]
    for name in ("now", "today", "before", "night"):
        assert told[name] / 3600 - 273.15 == pytest.approx(ROOM_C, abs=0.02), name
    assert told["cost"] is None
    heat = site.get("/figures.json?resource=heating", "cellar")[1]
    assert heat["now"] == HEATING_W and heat["cost"] is None


UNITS = [  # place, unit asked, unit answered, mean
    (1, "watt", "watt", HEATING_W),
    (1, "kwhperyear", "kwhperyear", 15768),
    (2, "celsius", "celsius", ROOM_C),
    (2, None, "celsius", ROOM_C),
    (4, "percent", "percent", HUMIDITY),
    (4, None, "percent", HUMIDITY),
]


@pytest.fixture(scope="module")
def token(site):
    return site.call("tests.server.inside.dashboard.token_of", "cellar")


@pytest.mark.parametrize("place, unit, answered, mean", UNITS)
def test_the_rest_api_has_decimals(site, now, token, place, unit, answered, mean):
    asked = f"start={now - DAY}&end={now}&resolution=day" + (f"&unit={unit}" if unit else "")
    url = f"{site.url}/api/1/sensors/{sensor(1, place)}/series?{asked}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    status, told = site.ask(request, None)
    assert status == 200 and told["unit"] == answered
    values = [value for _ts, value in told["rows"] if value is not None]
    assert values == pytest.approx([mean] * len(values), abs=0.0005) and values


@pytest.mark.parametrize("place, unit, answered, mean", [row for row in UNITS if row[1]])
def test_the_historic_api_has_whole_numbers(site, token, place, unit, answered, mean):
    path = f"/sensor/{sensor(1, place)}?version=1.0&interval=hour&unit={unit}&token={token}"
    status, rows = site.get(path)
    assert status == 200
    assert {value for _ts, value in rows if value != "nan"} == {int(mean + 0.5)}
    assert len([value for _ts, value in rows if value != "nan"]) >= 59


WRONG = [(0, "celsius"), (1, "eur"), (1, "percent"), (2, "watt"), (2, "percent"), (4, "celsius")]


@pytest.mark.parametrize("place, unit", WRONG)
def test_a_unit_of_another_quantity_is_refused(site, token, place, unit):
    path = f"/sensor/{sensor(1, place)}?version=1.0&interval=hour&unit={unit}&token={token}"
    status, told = site.get(path)
    assert status == 400 and told["error"], told


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_browser_draws_temperatures_that_do_not_begin_at_zero(visit, now, size):
    page = visit("cellar", "/?resource=temperature&scale=day", viewport=size)
    drawn(page)
    assert page.locator("#axis").inner_text() == "°C"
    assert page.locator("[data-figure=now]").inner_text() == "21.3 °C"
    assert page.locator("[data-figure=today]").inner_text() == "21.3 °C"
    assert page.locator("#sum").count() == 0
    table = statistics(page)
    assert sorted(table.values()) == [["21.3"] * 4, ["5.0"] * 4]
    page.locator("[data-scale=hour]").click()
    drawn(page, "minute")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_browser_draws_the_sensors_own_page(visit):
    page = visit("cellar", f"/sensors/{sensor(1, 4)}/")
    drawn(page)
    assert page.locator("#axis").inner_text() == "%"
    assert list(statistics(page).values()) == [["45.5"] * 4]

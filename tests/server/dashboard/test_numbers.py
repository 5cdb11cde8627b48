# SPDX-License-Identifier: GPL-3.0-or-later
"""What the figures are when sensors come and go: balances, gaps, first days, prices, weeks of who
shares days.
"""

import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from flukso_server.dashboard.scales import Window, Wish, window
from tests.server.dashboard.test_data import BRUSSELS, chart, line, times
from tests.server.database import update
from tools.harness.site import DAY, Site, member, sensor, steady

pytestmark = pytest.mark.dated

IMPORT, EXPORT, PV = (("import", "electricity"), ("export", "electricity"), ("pv", "electricity"))
NEVER, LATER, RETIRED, FEEDER, ROOF, FRESH, SUNRISE, WEEKLY, PRICED, ABROAD, EMPTY, PRODUCER = (
    range(1, 13)
)
MEMBERS = {
    "never": member(None, (IMPORT, IMPORT)),
    "later": member(None, (IMPORT, IMPORT)),
    "retired": member(None, (IMPORT, IMPORT)),
    "feeder": member("minutes", (IMPORT, EXPORT)),
    "roof": member(None, (IMPORT, EXPORT, PV)),
    "fresh": member("minutes"),
    "sunrise": member(None, (IMPORT, EXPORT, PV)),
    "weekly": member("day"),
    "priced": member("minutes"),
    "abroad": member(None),
    "empty": member("minutes", ()),
    "producer": member("minutes", (PV,)),
}


@pytest.fixture(scope="module")
def now():
    return int(time.time()) // 60 * 60


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("numbers"), MEMBERS)
    yield made
    made.close()


def figures(site, who, now):
    """The figures above the chart as they were at that time."""
    return site.call("tests.server.inside.dashboard.figures", who, now)


def local(day, hour, zone=BRUSSELS):
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=zone).timestamp())


def age(site):
    """Merge what is old now, and not when the platform finds the time."""
    site.platform.stop()  # it alone merges while it runs
    site.call("tools.harness.members.merge")
    site.platform.start()


# gaps

# when the second sensor begins or ends, s from the silence
OTHERS = {
    "never": None,
    "later": 3 * 3600,
    "retired": -3 * 3600,
}


@pytest.mark.parametrize("who", OTHERS)
def test_a_silence_shows_whatever_another_sensor_does_at_other_times(site, now, who):
    """A quarter past twelve to twenty to one: 25 minutes."""
    noon = (now - 20 * DAY) // 3600 * 3600
    one, two = (sensor(list(MEMBERS).index(who) + 1, place) for place in (0, 1))
    before = steady(noon - 2 * DAY, noon + 900, 600)
    site.fill(one, before + steady(noon + 2400, noon + 2 * DAY, 600, 60, before[-1][1] + 250), now)
    if who == "later":
        site.fill(two, steady(noon + OTHERS[who], noon + 2 * DAY, 600), now)
    if who == "retired":
        site.fill(two, steady(noon - 2 * DAY, noon + OTHERS[who], 600), now)
    told = line(chart(site, who, now, start=noon, end=noon + 3600), "me")
    assert told["gaps"] == [[15, 39]] and set(told["v"]) == {600}
    quarters = line(chart(site, who, now, start=noon, end=noon + 3600, step="15min"), "me")
    assert quarters["gaps"] == [[1, 2]], "both more than half silent"
    hours = line(chart(site, who, now, start=noon - 3600, end=noon + 7200, step="hour"), "me")
    assert hours["gaps"] == [[1, 1]], "an hour of which 25 minutes were silent"
    days = line(chart(site, who, now, start=noon - DAY, end=noon + DAY, step="day"), "me")
    assert days["gaps"] == [], "a day's mean is as good as ever"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Brussels"])
def test_a_day_of_which_over_half_was_silent_is_a_gap_wherever_it_is(site, now, zone):
    """From five to seven in the evening, within one day of both zones."""
    five = (now - 30 * DAY) // DAY * DAY + 5 * 3600
    before = steady(five - DAY, five, 600)
    site.fill(
        sensor(ABROAD),
        before + steady(five + 14 * 3600, five + 2 * DAY, 600, 60, before[-1][1] + 8400),
        now,
    )
    age(site)
    update(site, "accounts.Account", {"time_zone": zone}, username="abroad")
    own = line(chart(site, "abroad", now, start=five - DAY, end=five + DAY, step="day"), "me")
    assert own["gaps"] == [[1, 1]] and own["v"][1] == 600


def test_a_silence_is_told_by_tuples_alone_before_heartbeats_are_kept(site, now):
    """So that what is drawn is the same before and after the old heartbeats are removed."""
    noon = (now - 65 * DAY) // 3600 * 3600 + 540  # nine minutes past
    site.fill(
        sensor(ABROAD),
        steady(noon - 3600, noon, 600) + steady(noon + 2400, noon + 3600, 600, 60, 1000),
        now,
    )
    beats = [noon + late_s for late_s in (600, 1200, 1800)]
    site.call("tests.server.inside.dashboard.beat_at", f"{ABROAD:032x}", beats)
    age(site)  # which would come at any moment: two months back there are quarters of an hour
    told = chart(site, "abroad", now, start=noon - 600, end=noon + 3000)
    assert told["step"] == "15min" and line(told, "me")["gaps"] == [[2, 3]]


# balances


@pytest.mark.parametrize("flow", ["use", "net", "self"])
def test_without_a_meter_on_the_panels_there_is_only_the_net(site, now, flow):
    site.fill(sensor(FEEDER), steady(now - DAY, now, 0), now)
    site.fill(sensor(FEEDER, 1), steady(now - DAY, now, 900), now)
    told = chart(site, "feeder", now, flow=flow)["lines"][0]
    assert told["name"] == "feeder (net)" and set(told["v"]) == {-900}
    page = site.get("/", "feeder")[1]
    assert "solar that we use ourselves" not in page and "what we use" not in page
    assert '<small data-figure="flow">from the grid, net</small>' in page, (
        "the figures above the chart are the net, too"
    )


def test_peers_see_what_a_line_is(site, now):
    site.fill(sensor(PRODUCER), steady(now - DAY, now, 900), now)
    told = chart(site, "priced", now, lines="feeder,producer")["lines"][1:]
    assert [(each["key"], each["name"]) for each in told] == [
        ("feeder", "feeder (net)"),
        ("producer", "producer (solar)"),
    ]


ROLES = [  # roles, what can be shown
    ({"import"}, ["use"]),
    ({"part"}, ["use"]),
    (set(), ["use"]),
    ({"import", "export"}, ["net"]),
    ({"export"}, ["net"]),
    ({"pv"}, ["pv"]),
    ({"import", "pv"}, ["use", "net", "pv"]),
    ({"export", "pv"}, ["pv", "self"]),
    ({"import", "export", "pv"}, ["use", "net", "pv", "self"]),
]


def test_what_a_household_can_show(site):
    households = [sorted(roles) for roles, _flows in ROLES]
    told = site.call("tests.server.inside.dashboard.flows", households)
    assert told == [flows for _roles, flows in ROLES]


@pytest.fixture(scope="module")
def roof(site, now):
    """Import for three days; what is fed in for the last four hours, and the panels' meter only in
    the second of these. The time when the meter on the feed begins.
    """
    begin = now - 4 * 3600
    site.fill(sensor(ROOF), steady(now - 3 * DAY, now, 300, 300), now)
    site.fill(sensor(ROOF, 1), steady(begin, now, 780), now)
    site.fill(sensor(ROOF, 2), steady(begin + 3600, begin + 7200, 1980), now)
    return begin


BALANCES = [  # flow, before there were panels, feed alone, all, the panels' meter silent for long
    ("use", 300, None, 1500, None),
    ("net", 300, -480, -480, -480),
    ("pv", None, None, 1980, None),
    ("self", None, None, 1200, None),
]


@pytest.mark.parametrize("flow, before, fed, whole, after", BALANCES)
def test_a_balance_is_known_where_each_of_its_sides_is(
    site, now, roof, flow, before, fed, whole, after
):
    told = chart(site, "roof", now, start=roof - 3600, end=now - 60, flow=flow)["lines"][0]["v"]
    assert [set(told[at : at + 30]) for at in (15, 75, 135, 255)] == [
        {before},
        {fed},
        {whole},
        {after},
    ]


def test_a_balance_lives_only_while_each_of_its_sides_does(site, now, roof):
    site.fill(
        sensor(ROOF),
        [(ts, wh) for ts, wh in steady(now - 3 * DAY, now, 300, 60) if ts > now - 1800],
        now,
    )
    for flow, watt in (("use", None), ("net", -480)):
        told = chart(site, "roof", now, start=now - 900, end=now - 60, step="live", flow=flow)[
            "lines"
        ][0]["v"]
        assert set(told[:-8]) == {watt}, (flow, told)
    assert figures(site, "roof", now)["now"] is None


# first days, nights


@pytest.fixture(scope="module")
def first_day(site, now):
    """300 W from 11:00 of that day on."""
    day = datetime.fromtimestamp(now - 10 * DAY, BRUSSELS).date()
    site.fill(sensor(FRESH), steady(local(day, 11), now, 300), now)
    return day


def test_an_amount_is_what_was_counted(site, first_day):
    assert figures(site, "fresh", local(first_day, 23))["today"] == pytest.approx(3600, abs=2)
    assert figures(site, "fresh", local(first_day, 13))["today"] == pytest.approx(600, abs=2), (
        "also of a smaller part of the day"
    )
    after = figures(site, "fresh", local(first_day + timedelta(1), 12))
    assert after["today"] == pytest.approx(3600, abs=2) and after["before"] is None


def test_what_is_known_in_part_is_told(site, now, first_day):
    told = chart(site, "fresh", now, start=local(first_day - timedelta(2), 0), step="day")
    own = line(told, "me")
    assert own["v"][:4] == [None, None, 300, 300]
    assert own["part"] == [[2, pytest.approx(3900, abs=2), pytest.approx(13 / 24, abs=1e-4)]]
    weeks = line(chart(site, "fresh", now, start=now - 25 * DAY, end=now - 1, step="week"), "me")
    assert sum(amount for _week, amount, _share in weeks["part"]) < 7 * 24 * 300


def test_of_who_shares_days_no_parts_are_told(site, now):
    site.fill(sensor(WEEKLY), [(ts, wh) for ts, wh in by_week(now)], now)
    assert (
        line(
            chart(site, "priced", now, start=now - 40 * DAY, step="day", lines="weekly"), "weekly"
        )["part"]
        == []
    )


@pytest.mark.parametrize("hour", [0, 3, 5, 7])
def test_last_night_is_yesterdays_until_six(site, first_day, hour):
    assert figures(site, "fresh", local(first_day + timedelta(2), hour))["night"] == pytest.approx(
        300, abs=1
    )


def test_sides_of_a_balance_that_end_apart_give_the_last_value_of_all(site, now):
    for place, (watt, behind) in enumerate(((300, 0), (100, 240), (400, 120))):
        site.fill(sensor(SUNRISE, place), steady(now - 3 * 3600, now - behind, watt), now)
    told = figures(site, "sunrise", now)
    assert told["now"] == 600 and told["age_s"] == 240


# weeks of who shares days


def by_week(now):
    """2 kWh before midnight UTC of every other Wednesday, which is Thursday in Brussels."""
    wh = 0
    for ts in range(now // DAY * DAY - 42 * DAY, now, 600):
        at = datetime.fromtimestamp(ts, ZoneInfo("UTC"))
        wh += 333 if at.weekday() == 2 and at.hour >= 23 and ts // DAY // 7 % 2 else 0
        yield ts, wh


def test_a_week_of_who_shares_days_is_of_seven_of_its_days(site, now):
    """Else a week less six of its days would tell of two hours."""
    site.fill(sensor(WEEKLY), [(ts, wh) for ts, wh in by_week(now)], now)
    weeks = chart(
        site, "priced", now, start=now - 35 * DAY, end=now - 8 * DAY, step="week", lines="weekly"
    )
    days = chart(site, "priced", now, start=now - 45 * DAY, end=now, step="day", lines="weekly")
    means = {
        datetime.fromtimestamp(ts, BRUSSELS).date(): v
        for ts, v in zip(times(days), line(days, "weekly")["v"], strict=False)
    }
    assert {value > 0 for value in means.values() if value is not None} == {True, False}
    for start, value in zip(times(weeks), line(weeks, "weekly")["v"], strict=False):
        thursday = datetime.fromtimestamp(start, timezone.utc).date()
        assert value == pytest.approx(
            sum(means[thursday + timedelta(n)] for n in range(7)) / 7, abs=1
        )


# prices


def test_prices_bear_their_currency_and_stay_where_they_began(site, now):
    days = [datetime.fromtimestamp(now, BRUSSELS).date() - timedelta(n) for n in (6, 3)]
    for cents, day, currency in ((30, days[0], "EUR"), (500, days[1], "CZK")):
        site.call("tests.server.inside.dashboard.set_price", "priced", cents, str(day), currency)
    wanted = [[0, 0.18, "€"], [local(days[0], 0), 0.3, "€"], [local(days[1], 0), 5.0, "CZK"]]
    told = chart(site, "priced", now)
    assert told["prices"] == wanted and told["sign"] == "CZK"
    for zone in ("Pacific/Auckland", "America/Los_Angeles", "Europe/Brussels"):
        update(site, "accounts.Account", {"time_zone": zone}, username="priced")
        assert chart(site, "priced", now)["prices"] == wanted


# bounds


@pytest.mark.parametrize(
    "sensors, days, step",
    [(5, 60, "day"), (33, 60, "day"), (34, 60, "week"), (320, 1, "minute"), (320, 7, "week")],
)
def test_many_sensors_are_read_more_coarsely(sensors, days, step):
    finest = {1: "minute", 7: "15min", 60: "day"}[days]
    end = 1_790_000_000
    found = window(Wish(end - days * DAY, end, finest, sensors), end, ZoneInfo("UTC"))
    assert isinstance(found, Window) and found.step == step


# the demo household


def test_the_demo_household_is_unknown_before_it_begins(site, now):
    begin = 1_577_836_800  # 2020-01-01
    for step, span in (("hour", DAY), ("live", 300)):
        told = chart(site, "empty", now, start=begin - span, end=begin + span, step=step)
        known = [
            value is not None
            for at, value in zip(times(told), told["lines"][0]["v"], strict=False)
            if at < begin
        ]
        assert known and not any(known) and told["lines"][0]["v"][-1] > 20

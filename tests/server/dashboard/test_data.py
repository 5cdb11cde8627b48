# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart's data: values, gaps, nights, prices, and what of whom is answered to whom."""

import time
import urllib.request
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.server.database import update
from tools.harness.site import DAY, Site, member, sensor, steady

pytestmark = pytest.mark.dated

BRUSSELS = ZoneInfo("Europe/Brussels")
ALICE, BOB, CAROL, DAVE, EVE, SUNNY = range(1, 7)
MEMBERS = {
    "alice": member("minutes"),
    "bob": member("minutes"),
    "carol": member("day"),
    "dave": member("private"),
    "eve": member(),  # has not answered
    "sunny": member(
        "minutes",
        (
            ("import", "electricity"),
            ("export", "electricity"),
            ("pv", "electricity"),
            ("part", "electricity"),
        ),
    ),
    "newcomer": member("minutes", ()),
    "fountain": member("minutes", (("import", "water"), ("import", "electricity"))),
}
FOUNTAIN = 8


@pytest.fixture(scope="module")
def now():
    return int(time.time()) // 60 * 60


@pytest.fixture(scope="module")
def site(tmp_path_factory, now):
    made = Site(tmp_path_factory.mktemp("data"), MEMBERS)
    start = now - 70 * DAY
    for number, watt in ((ALICE, 300), (BOB, 600), (DAVE, 900), (EVE, 900)):
        made.fill(sensor(number), steady(start, now, watt, 600), now)
    made.fill(sensor(CAROL), [(ts, wh) for ts, wh in _by_day(start, now)], now)
    for place, watt in enumerate((240, 60, 180, 100)):
        made.fill(sensor(SUNNY, place), steady(start, now, watt, 600), now)
    made.fill(sensor(FOUNTAIN), steady(now - 2 * DAY, now, 12, 600), now)
    yield made
    made.close()


def _by_day(start, now):
    """1,200 W from 12:00 to 24:00 UTC, nothing in the morning."""
    wh = 0
    for ts in range(start, now, 600):
        wh += 200 if ts % DAY >= DAY // 2 else 0
        yield ts, wh


def chart(site, who, now, *, start=None, end=None, step="minute", **more):
    query = "".join(f"&{name}={value}" for name, value in more.items())
    start, end = now - 3600 if start is None else start, now if end is None else end
    status, told = site.get(f"/chart.json?start={start}&end={end}&step={step}{query}", who)
    assert status == 200, told
    return told


def times(told):
    at = [told["t"][0]]
    for each in told["t"][1:]:
        at.append(at[-1] + each)
    return at


def line(told, key):
    return next(each for each in told["lines"] if each["key"] == key)


def follow(site, who, *names):
    for name in names:
        assert site.post("/follow/", who, click=f"subscribe {name}")[0] == 200


def test_own_line_comes_first_and_steps_are_as_asked(site, now):
    told = chart(site, "alice", now)
    assert told["step"] == "minute" and len(told["t"]) == 61 and times(told)[-1] == now
    assert told["lines"][0]["key"] == "me" and set(told["lines"][0]["v"]) == {300}


STEPS = [("minute", 3600, 60), ("15min", DAY, 96), ("hour", DAY, 24), ("week", 8 * 7 * DAY, 8)]


@pytest.mark.parametrize("step, span, count", STEPS)
def test_steps(site, now, step, span, count):
    told = chart(site, "alice", now, start=now - span, step=step)
    assert told["step"] == step and abs(len(told["t"]) - 1 - count) <= 1
    assert {value for value in told["lines"][0]["v"] if value is not None} == {300}


def test_days_are_those_of_the_household_and_today_is_not_over(site, now):
    told = chart(site, "alice", now, start=now - 10 * DAY, step="day")
    at = times(told)
    assert all(datetime.fromtimestamp(ts, BRUSSELS).strftime("%H:%M") == "00:00" for ts in at)
    values = told["lines"][0]["v"]
    assert values[-1] is None and set(values[:-1]) == {300}


def test_a_window_that_is_too_long_for_its_step_comes_coarser(site, now):
    assert chart(site, "alice", now, start=now - 60 * DAY, step="minute")["step"] == "hour"
    assert chart(site, "alice", now, start=now - 700 * DAY, step="day")["step"] == "week"


def test_nights(site, now):
    told = chart(site, "alice", now, start=now - 5 * DAY, step="night")
    known = [value for value in told["lines"][0]["v"] if value is not None]
    assert len(known) >= 4 and set(known) == {300}


@pytest.mark.parametrize(
    "query",
    [
        "start=5&end=4",
        "start=x&end=4",
        "step=second&scale=day",
        "scale=century",
        "resource=wind&scale=day",
        "flow=up&scale=day",
        "start=0",
    ],
)
def test_what_makes_no_sense_is_told(site, query):
    status, told = site.get(f"/chart.json?{query}", "alice")
    assert status == 400 and told["error"]


FLOWS = [("use", 360), ("net", 180), ("pv", 180), ("self", 120)]


@pytest.mark.parametrize("flow, watt", FLOWS)
def test_a_balance_of_import_export_and_panels(site, now, flow, watt):
    """240 W in, 60 W out, 180 W from the roof; a part of it is counted once."""
    assert set(chart(site, "sunny", now, flow=flow)["lines"][0]["v"]) == {watt}


def test_water_has_its_own_tab_in_litres_an_hour(site, now):
    assert set(chart(site, "fountain", now, resource="water")["lines"][0]["v"]) == {12.0}
    status, page = site.get("/?resource=water", "fountain")
    assert status == 200 and "lperday" in page and "resource=electricity" in page


def test_a_newcomer_sees_the_demo_household_said_to_be_so(site, now):
    told = chart(site, "newcomer", now)
    assert told["lines"][0]["kind"] == "demo" and all(value > 20 for value in told["lines"][0]["v"])
    assert "This is a demo household" in site.get("/", "newcomer")[1]
    assert site.get("/figures.json", "newcomer")[1]["now"] > 20


def test_silence_is_a_gap_whose_energy_stays(site, now):
    """Forty minutes without a tuple and without a heartbeat."""
    noon = now - 20 * DAY
    one = sensor(BOB)
    site.call("tools.harness.members.forget", [one])
    site.fill(
        one, steady(noon - 7200, noon, 600) + steady(noon + 2400, noon + 7200, 600, 60, 1600), now
    )
    told = line(chart(site, "bob", now, start=noon - 3600, end=noon + 3600), "me")
    assert told["gaps"] == [[60, 99]]
    assert set(told["v"]) == {600}, "the energy of the gap is known by the counter"

    beats = [noon + late_s for late_s in (600, 1200, 1800)]
    site.call("tests.server.inside.dashboard.beat_at", f"{BOB:032x}", beats)
    assert line(chart(site, "bob", now, start=noon - 3600, end=noon + 3600), "me")["gaps"] == []


def test_another_sensor_of_the_device_shows_that_it_was_there(site, now):
    noon = now - 30 * DAY
    site.call("tools.harness.members.forget", [sensor(SUNNY), sensor(SUNNY, 3)])
    site.fill(
        sensor(SUNNY), [(noon - 3600, 0), (noon, 240), (noon + 2400, 400), (noon + 3600, 480)], now
    )
    told = chart(site, "sunny", now, start=noon - 1800, end=noon + 3000, flow="net")["lines"][0]
    assert told["gaps"] == []


def test_only_those_who_share_are_seen(site, now):
    assert [each["key"] for each in chart(site, "alice", now)["lines"]] == ["me"]
    for hidden in ("dave", "eve", "nobody", "alice"):
        assert site.post("/follow/", "alice", click=f"subscribe {hidden}") == (
            409,
            site.get("/members.json", "alice")[1] | {"error": "no such member"},
        )
    follow(site, "alice", "bob", "carol")
    told = chart(site, "alice", now)
    assert [(each["key"], each["kind"]) for each in told["lines"]] == [
        ("me", "own"),
        ("bob", "peer"),
        ("carol", "peer"),
    ]
    listed = site.get("/members.json", "alice")[1]
    assert [each["name"] for each in listed["subscriptions"]] == ["bob", "carol"]
    assert {each["name"] for each in listed["fluksonians"]} == {"sunny", "newcomer", "fountain"}


def test_lines_are_shown_by_name_to_who_may_see_them(site, now):
    asked = "carol,nobody,dave,bob,alice,carol,bob"
    assert [
        each["key"]
        for each in chart(site, "fountain", now, lines="bob,dave,nobody,fountain")["lines"]
    ] == ["me", "bob"]
    assert [each["key"] for each in chart(site, "fountain", now, lines=asked)["lines"]] == [
        "me",
        "carol",
        "bob",
    ], "of the first four"
    assert [each["key"] for each in chart(site, "dave", now, lines="bob")["lines"]] == ["me"]
    assert [each["key"] for each in chart(site, "fountain", now, lines="")["lines"]] == ["me"]


@pytest.mark.parametrize("who", ["dave", "eve"])
def test_who_is_private_sees_nobody(site, now, who):
    assert site.post("/follow/", who, click="subscribe bob")[0] == 409
    assert [each["key"] for each in chart(site, who, now)["lines"]] == ["me"]
    told = site.get("/members.json", who)[1]
    assert told["private"] and not told["fluksonians"] and not told["subscriptions"]
    page = site.get("/", who)[1]
    assert "bob" not in page and "You share nothing" in page


def test_a_line_goes_at_once_when_its_member_becomes_private(site, now):
    follow(site, "sunny", "fountain")
    assert "fountain" in [each["key"] for each in chart(site, "sunny", now)["lines"]]

    site.call("tests.server.inside.accounts.share", "fountain", "private")
    assert [each["key"] for each in chart(site, "sunny", now)["lines"]] == ["me"]
    site.call("tests.server.inside.accounts.share", "fountain", "minutes", "all")


@pytest.mark.parametrize("step", ["live", "minute", "15min", "hour", "day", "week"])
def test_who_shares_days_shows_nothing_finer(site, now, step):
    """The day's 600 W, never the 1,200 W of its second half; the viewer's clock does not help."""
    follow(site, "alice", "carol")
    noon = now // DAY * DAY - (20 if step == "week" else 3) * DAY
    span = 900 if step == "live" else 2 * DAY
    for zone in ("Europe/Brussels", "Pacific/Auckland", "America/Los_Angeles"):
        update(site, "accounts.Account", {"time_zone": zone}, username="alice")
        told = chart(site, "alice", now, start=noon, end=noon + span, step=step)
        values = {value for value in line(told, "carol")["v"] if value is not None}
        # a week in which the clocks change has an hour more or less of 1,200 W
        assert values and all(
            abs(value - 600) <= (4 if step == "week" else 2) for value in values
        ), (zone, values)
        assert line(told, "carol")["last"] is None
    update(site, "accounts.Account", {"time_zone": "Europe/Brussels"}, username="alice")


def test_who_shares_days_has_no_nights_and_no_today(site, now):
    follow(site, "alice", "carol")
    assert set(
        line(chart(site, "alice", now, start=now - 9 * DAY, step="night"), "carol")["v"]
    ) == {None}
    midnight = int(
        datetime.combine(datetime.now(BRUSSELS).date(), datetime.min.time(), BRUSSELS).timestamp()
    )
    told = chart(site, "alice", now, start=min(midnight, now - 3600), end=now, step="minute")
    today = [
        value
        for ts, value in zip(times(told), line(told, "carol")["v"], strict=False)
        if ts >= midnight
    ]
    assert set(today) <= {None}


def test_at_most_four_others_are_in_the_chart(site, now):
    site.call("tests.server.inside.dashboard.make_peers", [f"peer{n}" for n in range(5)])
    follow(site, "newcomer", *[f"peer{n}" for n in range(5)])
    assert len(chart(site, "newcomer", now)["lines"]) == 5
    assert [
        each["shown"] for each in site.get("/members.json", "newcomer")[1]["subscriptions"]
    ] == [True] * 4 + [False]
    assert site.post("/follow/", "newcomer", click="show peer4")[0] == 409
    assert site.post("/follow/", "newcomer", click="hide peer0")[0] == 200
    assert site.post("/follow/", "newcomer", click="show peer4")[0] == 200
    assert [each["key"] for each in chart(site, "newcomer", now)["lines"]][1:] == [
        "peer1",
        "peer2",
        "peer3",
        "peer4",
    ]


def test_prices_keep_the_past(site, now):
    assert chart(site, "alice", now)["prices"] == [[0, 0.18, "€"]]
    day = datetime.fromtimestamp(now, BRUSSELS).date() - timedelta(3)
    site.call("tests.server.inside.dashboard.set_price", "alice", 30, str(day))
    midnight = int(datetime.combine(day, datetime.min.time(), BRUSSELS).timestamp())
    assert chart(site, "alice", now)["prices"] == [[0, 0.18, "€"], [midnight, 0.3, "€"]]


def test_a_sensor_of_ones_own_has_a_page_and_nobody_elses(site):
    assert site.get(f"/sensors/{sensor(ALICE)}/", "alice")[0] == 200
    assert site.get(f"/sensors/{sensor(ALICE)}/chart.json?scale=day", "alice")[0] == 200
    for path in ("", "chart.json?scale=day"):
        assert site.get(f"/sensors/{sensor(BOB)}/{path}", "alice")[0] == 404


@pytest.mark.parametrize(
    "path", ["/chart.json?scale=day", "/figures.json", "/members.json", "/live/"]
)
def test_scripts_without_a_session_are_told_so(site, path):
    assert site.get(path)[0] == 401


def test_lists_change_only_with_a_token_of_the_form(site):
    request = urllib.request.Request(site.url + "/follow/", b"click=subscribe+bob")
    assert site.ask(request, "alice")[0] == 403
    assert (
        site.ask(urllib.request.Request(site.url + "/unit/", b"unit=eurperyear"), "alice")[0] == 403
    )


def test_the_unit_is_remembered(site):
    assert site.post("/unit/", "alice", unit="kwhperyear")[0] == 200
    assert 'value="kwhperyear" checked' in site.get("/", "alice")[1]
    assert site.post("/unit/", "alice", unit="horse")[0] == 400


def test_the_clock_of_the_window_is_told(site, now):
    """The browser needs no time zones of its own: it is told from when on how far off the
    household's clock is.
    """
    told = chart(site, "alice", 1_774_800_000, start=1_771_200_000, end=1_777_000_000, step="day")
    assert [offset for _ts, offset in told["zone"]] == [3600, 7200]
    assert told["zone"][1][0] == int(datetime(2026, 3, 29, 3, tzinfo=BRUSSELS).timestamp())
    hour, changes = chart(site, "alice", now), []
    for ts in times(hour):
        offset = int(datetime.fromtimestamp(ts, BRUSSELS).utcoffset().total_seconds())
        if not changes or changes[-1][1] != offset:
            changes.append([ts, offset])
    assert hour["zone"] == changes

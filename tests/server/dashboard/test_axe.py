# SPDX-License-Identifier: GPL-3.0-or-later
"""axe-core finds nothing serious on the pages, light and dark."""

import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from tools.harness.site import DAY, Site, member, sensor, steady
from tools.harness.window import DESKTOP, PHONE

MEMBERS = {"alice": member("minutes"), "bob": member("day"), "newcomer": member(None, ())}
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("axe"), MEMBERS, FLUKSO_SIGNUP_OPEN="1")
    now = int(time.time()) // 60 * 60
    for number in (1, 2):
        made.fill(sensor(number), steady(now - 3 * DAY, now, 300), now)
    made.post("/follow/", "alice", click="subscribe bob")
    made.post("/follow/", "bob", click="subscribe alice")
    made.call("tests.server.inside.dashboard.invite_and_pay", "alice")
    yield made
    made.close()


PAGES = [
    ("alice", "/?scale=day"),
    ("alice", "/?scale=live"),
    ("alice", "/?scale=month"),
    ("alice", "/?scale=night"),
    ("newcomer", "/"),
    ("alice", f"/sensors/{sensor(1)}/"),
]
NAMES = ["day", "live", "month", "night", "newcomer", "sensor"]


@pytest.mark.parametrize(
    "scheme, viewport", [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark"]
)
@pytest.mark.parametrize("who, path", PAGES, ids=NAMES)
def test_nothing_serious(visit, who, path, scheme, viewport):
    page = visit(who, path, viewport, color_scheme=scheme, bypass_csp=True)
    page.locator("#twin summary").click()
    assert serious(page) == []


def serious(page) -> list[tuple[str, str, str]]:
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], each["nodes"][0]["html"], each["nodes"][0]["failureSummary"])
        for each in found
        if each["impact"] in SERIOUS
    ]


PLAIN = {
    "alice": [
        "/account/",
        "/money/",
        "/devices/",
        "/claim/ABCDEFGH/",
        "/relationships/",
        "/invitations/",
        "/tokens/",
        "/account/delete/",
        "/email/",
        "/password/change/",
    ],
    "newcomer": ["/account/", "/relationships/", "/devices/"],
    None: ["/login/", "/signup/", "/password/reset/", "/invitation/none/"],
}


@pytest.mark.parametrize(
    "scheme, viewport", [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark"]
)
@pytest.mark.parametrize("who", PLAIN, ids=str)
def test_nothing_serious_on_pages_without_a_chart(visit, site, who, scheme, viewport):
    page = visit(who, PLAIN[who][0], viewport, wait=False, color_scheme=scheme, bypass_csp=True)
    found = {}
    for path in PLAIN[who]:
        page.goto(site.url + path)
        found[path] = serious(page)
    assert found == {path: [] for path in PLAIN[who]}


def test_nothing_serious_where_something_was_refused(visit):
    page = visit("alice", "/account/", PHONE, wait=False, bypass_csp=True)
    page.locator("[name=username]").fill("bob")
    page.locator("form", has=page.locator("[name=username]")).get_by_role("button").click()
    page.wait_for_selector(".errorlist")
    assert serious(page) == []


@pytest.mark.parametrize(
    "scheme, viewport", [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark"]
)
def test_nothing_serious_where_something_fails(visit, scheme, viewport):
    page = visit("alice", "/?scale=day", viewport, color_scheme=scheme, bypass_csp=True)
    page.route("**/chart.json*", lambda route: route.fulfill(status=500, body="{}"))
    page.route("**/live/*", lambda route: route.fulfill(status=503, body="{}"))
    page.route("**/follow/", lambda route: route.abort())
    page.get_by_role("link", name="live", exact=True).click()
    page.wait_for_selector("#trouble:visible")
    page.wait_for_selector("#live[data-state=refused]")
    page.get_by_role("button", name="Unsubscribe from bob").click()
    page.wait_for_selector("#circle [role=alert]:visible")
    assert serious(page) == []

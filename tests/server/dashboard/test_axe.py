# SPDX-License-Identifier: GPL-3.0-or-later
"""axe-core finds nothing serious on the dashboard's pages, light and dark."""

import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.server.dashboard.conftest import DESKTOP, PHONE
from tests.server.dashboard.site import DAY, Site, member, sensor, steady

SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("axe"), {"alice": member("minutes"), "bob": member("day"), "newcomer": member(None, ())})
    now = int(time.time()) // 60 * 60
    for number in (1, 2):
        made.fill(sensor(number), steady(now - 3 * DAY, now, 300), now)
    made.post("/follow/", "alice", click="subscribe bob")
    yield made
    made.close()


PAGES = [("alice", "/?scale=day"), ("alice", "/?scale=live"), ("newcomer", "/"), ("alice", f"/sensors/{sensor(1)}/")]


@pytest.mark.parametrize("scheme, viewport", [("light", DESKTOP), ("dark", PHONE)], ids=["light", "dark"])
@pytest.mark.parametrize("who, path", PAGES, ids=["day", "live", "newcomer", "sensor"])
def test_nothing_serious(visit, who, path, scheme, viewport):
    page = visit(who, path, viewport, color_scheme=scheme, bypass_csp=True)
    page.locator("#twin summary").click()
    found = Axe().run(page).response["violations"]
    serious = [(each["id"], each["nodes"][0]["html"], each["nodes"][0]["failureSummary"]) for each in found if each["impact"] in SERIOUS]
    assert serious == []

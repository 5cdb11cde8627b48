# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page in a real browser under the strict Content-Security-Policy: nothing refused, nothing
fetched from elsewhere.
"""

import pytest
from playwright.sync_api import sync_playwright

from tests.server.conftest import people_of
from tests.server.database import update
from tools.harness.device import DEVICE, KEY, OTHER_DEVICE, OTHER_KEY, SENSOR
from tools.harness.testbed import Platform
from tools.harness.window import WAIT_MS, new_context, open_chromium

PAGES = [
    "/",
    f"/sensors/{SENSOR}/",
    "/devices/",
    "/account/",
    "/account/delete/",
    "/invitations/",
    "/relationships/",
    "/tokens/",
    "/email/",
    "/password/change/",
    "/api/1/docs",
    "/admin/",
    "/admin/accounts/account/",
    "/admin/accounts/account/1/change/",
    f"/admin/devices/device/{DEVICE}/change/",
    "/admin/accounts/invitation/",
    "/admin/accounts/sharing/",
]
OPEN_PAGES = [
    "/login/",
    "/signup/",
    "/password/reset/",
    "/confirm-email/",
    "/password/reset/done/",
    "/invitation/none/",
]


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    with Platform(
        tmp_path_factory.mktemp("policy"),
        None,
        {DEVICE: KEY, OTHER_DEVICE: OTHER_KEY},
        {SENSOR: DEVICE},
        FLUKSO_HTTPS="0",
    ) as running:
        people_of(running)
        update(
            running, "accounts.Account", {"is_staff": True, "is_superuser": True}, username="alice"
        )
        yield running


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = open_chromium(playwright)
        yield running
        running.close()


def logged_in(context, platform, name: str):
    """A page of the window, at home, after its visitor has logged in."""
    page = context.new_page()
    page.goto(platform.url + "login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", "correct horse " + name)
    page.click("main button")
    page.wait_for_url(platform.url)
    return page


@pytest.fixture(scope="module")
def inside(browser, platform):
    """A browser's window in which alice, an operator, is logged in."""
    context = new_context(browser)
    logged_in(context, platform, "alice").close()
    yield context
    context.close()


def look(context, url: str) -> tuple[int, list[str]]:
    """The page's status, and what the browser complained of or fetched from elsewhere."""
    page = context.new_page()
    told: list[str] = []
    page.on(
        "console",
        lambda message: told.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: told.append(str(error)))
    origin = url.split("/", 3)[2]
    page.on(
        "request",
        lambda request: (
            told.append(request.url)
            if request.url.startswith("http") and request.url.split("/")[2] != origin
            else None
        ),
    )
    answer = page.goto(url)
    page.wait_for_timeout(700)  # ms: scripts that start late
    page.close()
    assert answer
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'self'" in policy
    return answer.status, told


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_who_is_logged_in(inside, platform, path):
    assert look(inside, platform.url.rstrip("/") + path) == (200, [])


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_pages_for_everybody(browser, platform, path):
    context = new_context(browser)
    status, told = look(context, platform.url.rstrip("/") + path)
    context.close()
    missing = path.startswith("/invitation/")
    assert (
        status == (404 if missing else 200)
        and [text for text in told if not (missing and "404" in text)] == []
    )


def test_an_operator_is_led_to_the_admin_and_nobody_else(inside, browser, platform):
    page = inside.new_page()
    page.goto(platform.url)
    page.get_by_role("link", name="Administer").click()
    page.wait_for_url(platform.url + "admin/", timeout=WAIT_MS)
    page.get_by_role("link", name="Invitations").first.wait_for(timeout=WAIT_MS)
    page.close()
    bob = new_context(browser)
    page = logged_in(bob, platform, "bob")
    assert (
        page.get_by_role("link", name="Relationships").count() == 1
        and page.get_by_role("link", name="Administer").count() == 0
    )
    bob.close()


def test_the_documentation_of_the_api_is_drawn(inside, platform):
    page = inside.new_page()
    page.goto(platform.url + "api/1/docs")
    page.wait_for_selector(".opblock", timeout=WAIT_MS)
    assert page.locator(".opblock").count() >= 15
    page.close()

# SPDX-License-Identifier: GPL-3.0-or-later
"""From an invitation to a line that moves, in a real browser: platform over TLS, real mail, the
real daemon on the simulated board.
"""

import json
import time
import urllib.request

import pytest
from playwright.sync_api import expect

from flukso_server.series.appending import append
from tests.server.mailbox import Mailbox
from tools.harness.chain import DEVICE, SENSORS, Chain
from tools.harness.chart_page import drawn, statistics, until
from tools.harness.processes import free_port
from tools.harness.site import steady
from tools.harness.testbed import Platform
from tools.harness.window import DESKTOP, new_context

PASSWORD = "correct horse battery"
SENSOR = SENSORS[0]
HOSTS_SENSOR = "ab" * 16
WATCHED_S = 150  # of what follows, while somebody looks on
BEHIND_S = 480  # the board's clock at its start: what it measures until now is what the pages show
DAEMON = (
    "config settings daemon\n\toption register '1'\n\toption enable_lan_branch '1'\n\toption "
    "lan_port '{}'\n"
)
OWN_LAST = "document.querySelector('#statistics td:nth-of-type(4)').innerText.replace(',', '')"


@pytest.fixture(scope="module")
def mailbox():
    with Mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def platform(tmp_path_factory, certificates, mailbox):
    with Platform(
        tmp_path_factory.mktemp("flow"), certificates / "good.pem", **mailbox.settings
    ) as running:
        running.call("tests.server.inside.dashboard.make_host", PASSWORD, HOSTS_SENSOR)
        now = int(time.time())
        append(running.store, HOSTS_SENSOR, steady(now - 7200, now, 600), now)
        yield running


@pytest.fixture
def open_page(browser, platform):
    """A browser of one person, who has no cookie yet; an error of a script fails the test at its
    end.
    """
    opened, errors = [], []

    def open_one(path="/"):
        context = new_context(browser, viewport=DESKTOP, ignore_https_errors=True)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path if path.startswith("http") else platform.url.rstrip("/") + path)
        return page

    yield open_one
    for context in opened:
        context.close()
    assert errors == []


@pytest.fixture(scope="module")
def chain(tmp_path_factory, certificates, platform):
    """Board and daemon of a household that nobody knows yet; `.lan` is its own page."""
    port = free_port()
    now = int(time.time())
    household = Chain(
        tmp_path_factory.mktemp("household"),
        platform.url,
        certificates / "ca.crt",
        more=("--wall", str(now - BEHIND_S)),
    )
    household.configure(extra=DAEMON.format(port), interval=60)
    household.lan = f"http://127.0.0.1:{port}"
    household.start()
    household.clamp(1200)
    yield household
    household.close()


def log_in(page, name):
    page.get_by_label("Name or e-mail address").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def invite(page, email):
    page.get_by_role("link", name="Account").click()
    page.get_by_role("link", name="Invitations").click()
    page.get_by_label("Their e-mail address").fill(email)
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_text("The invitation is on its way.")).to_be_visible()


def sign_up(page, name, email):
    page.get_by_label("Username").fill(name)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    for question in ("What do you share", "With whom"):
        assert page.get_by_role("group", name=question).locator("input:checked").count() == 0, (
            "nothing is ticked beforehand"
        )
    page.get_by_label("every minute").check()
    page.get_by_label("all members", exact=True).check()
    page.get_by_role("button", name="Sign up").click()


def code_of(chain):
    with urllib.request.urlopen(chain.lan + "/status", timeout=10) as answer:
        return json.load(answer)["claim"]


def measure(chain, ago_s):
    """Let the board measure until so long ago."""
    while (missing := time.time() - ago_s - chain.now_s()) > 0:
        chain.run(min(missing + 1, 10))
        time.sleep(0.01)  # requests go on in real time


def choose(page, scale, step):
    page.get_by_role("navigation", name="Time scale").get_by_role(
        "link", name=scale, exact=True
    ).click()
    drawn(page, step)


def test_from_an_invitation_to_a_line_that_moves(open_page, platform, mailbox, chain):
    host = open_page("/login/")
    log_in(host, "host")
    invite(host, "anna@work.example.org")

    anna = open_page(mailbox.link("anna@work.example.org"))
    sign_up(anna, "anna", "anna@home.example.org")  # another address, which proves itself
    anna.goto(mailbox.link("anna@home.example.org"))
    anna.get_by_role("button", name="Confirm").click()
    if "/login/" in anna.url:
        log_in(anna, "anna")
    expect(anna.locator(".welcome")).to_contain_text("demo household")
    drawn(anna)

    # registration and heartbeat
    chain.run_until(
        lambda: platform.requests().count(("POST", "/device/" + DEVICE, 200)) >= 2, limit_s=400
    )
    anna.get_by_role("link", name="Devices").click()
    anna.get_by_label("Code on the device's own page").fill(code_of(chain).lower())
    anna.get_by_role("button", name="Claim it").click()
    expect(anna.locator("section.device")).to_contain_text(DEVICE)
    chain.run_until(lambda: len(platform.held(SENSOR)) > 2, limit_s=300)  # a line needs two
    measure(chain, ago_s=WATCHED_S)

    anna.get_by_role("link", name="Dashboard").click()
    drawn(anna)
    assert anna.locator(".welcome").count() == 0
    choose(anna, "live", "live")
    anna.wait_for_selector("#live[data-state=open]")
    until(anna, f"Math.abs({OWN_LAST} - 1200) < 200")
    chain.clamp(6000)
    end = time.monotonic() + 90
    while not anna.evaluate(f"{OWN_LAST} > 4500"):
        assert time.monotonic() < end, statistics(anna)
        measure(chain, ago_s=2)
        anna.wait_for_timeout(500)

    choose(anna, "hour", "minute")
    assert 1000 < int(statistics(anna)["anna"][2].replace(",", "")) < 6500
    anna.get_by_text("kWh/year").click()
    assert 8760 < int(statistics(anna)["anna"][2].replace(",", "")) < 8.76 * 6500
    anna.get_by_text("euro/year").click()
    assert anna.locator("#axis").inner_text() == "€/year"
    anna.get_by_text("watt", exact=True).click()

    anna.get_by_role("button", name="Subscribe to host").click()
    anna.wait_for_selector("#statistics >> text=host")
    assert statistics(anna)["host"][:3] == ["600"] * 3
    host.goto(platform.url)
    host.get_by_role("button", name="Subscribe to anna").click()
    host.wait_for_selector("#statistics >> text=anna")

    anna.get_by_role("link", name="Account").click()
    anna.get_by_label("nothing: I see nobody").check()
    anna.locator("form", has=anna.get_by_label("nothing: I see nobody")).get_by_role(
        "button", name="Save"
    ).click()
    expect(anna.get_by_text("Saved.")).to_be_visible()
    anna.get_by_role("link", name="Dashboard").click()
    expect(anna.locator("#circle")).to_contain_text("You share nothing")
    host.reload()
    drawn(host)
    assert "anna" not in host.locator("body").inner_text()
    assert chain.stop() == 0, chain.log()

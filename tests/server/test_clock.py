# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam that sets the platform's clock: everything that tells the time tells this one, and no
service can be run with it.
"""

import email.utils
import os
import re
import subprocess
import sys
import time
from datetime import datetime, timezone

import pytest
from playwright.sync_api import sync_playwright

from tests.server.conftest import people_of
from tests.server.visitor import Visitor
from tools.harness import ROOT
from tools.harness.device import DEVICE, KEY, SENSOR, Client
from tools.harness.testbed import Platform, at, environment, shift_s
from tools.harness.window import new_context, open_chromium

LEAP_DAY = int(datetime(2028, 2, 29, 12, tzinfo=timezone.utc).timestamp())

DAY = 86_400
HERE = "tests.server.inside.clock."

BEAT = {
    "reset": 0,
    "version": 210,
    "uptime": 1,
    "memtotal": 1,
    "memfree": 1,
    "memcached": 1,
    "membuffers": 1,
}


@pytest.fixture(scope="module")
def leap_day(tmp_path_factory, certificates):
    """A platform whose clock stands at noon of a 29 February."""
    folder, settings = tmp_path_factory.mktemp("leap"), {"FLUKSO_TEST_CLOCK": str(LEAP_DAY)}
    with Platform(
        folder, certificates / "good.pem", {DEVICE: KEY}, {SENSOR: DEVICE}, **settings
    ) as running:
        yield running


def test_everything_that_tells_the_time_tells_this_one(leap_day, certificates):
    with Client(leap_day.port, certificates / "ca.crt") as client:
        reply = client.post("/device/" + DEVICE, BEAT)
        assert reply.status == 200 and reply.json()["timestamp"] == LEAP_DAY
        assert (
            client.upload(SENSOR, [(LEAP_DAY + offset, 7) for offset in (0, 120, 121)]).status
            == 200
        )
    assert leap_day.held(SENSOR) == [(LEAP_DAY, 7), (LEAP_DAY + 120, 7)], (
        "what is more than 120 s ahead is not taken"
    )
    people_of(leap_day)
    visitor = Visitor(leap_day.url, certificates / "ca.crt")
    answer = visitor.log_in("alice", "correct horse alice")
    assert answer.status_code == 302
    expires = [
        part for part in answer.headers["Set-Cookie"].split("; ") if part.startswith("expires=")
    ][-1]
    ninety_days = LEAP_DAY + 90 * DAY
    assert (
        email.utils.parsedate_to_datetime(expires.removeprefix("expires=")).timestamp()
        == ninety_days
    )
    assert leap_day.call(HERE + "written") == [[LEAP_DAY], ninety_days]


def test_no_time_comes_from_the_database(leap_day):
    """Its clock is the machine's: a default or a trigger of SQL would not follow."""
    assert leap_day.call(HERE + "sql_with_times") == []


def test_a_clock_that_goes_on_goes_on_in_every_process(platform):
    before = time.time()
    now = platform.call_afresh(HERE + "now")
    assert before < now < time.time()
    assert abs(shift_s()) > DAY, "and it is not the machine's"


def test_the_browser_follows(platform):
    with sync_playwright() as playwright:
        browser = open_chromium(playwright)
        page = new_context(browser).new_page()
        before = time.time()
        told = page.evaluate(
            "[Date.now(), new Date().getTime(), Date.parse(Date()), new Date(2028, 1, "
            "29).getDate()]"
        )
        assert all(before - 1 <= ms / 1000 <= time.time() for ms in told[:3]) and told[3] == 29
        assert page.evaluate("new Date() instanceof Date && new Date().constructor === Date")
        browser.close()


def test_it_ends_with_its_test():
    shift = os.environ["FLUKSO_TEST_CLOCK"]
    with at(LEAP_DAY):
        assert LEAP_DAY <= time.time() < LEAP_DAY + DAY and os.environ["FLUKSO_TEST_CLOCK"] != shift
    assert time.time() < LEAP_DAY and os.environ["FLUKSO_TEST_CLOCK"] == shift


OWN, NOW = ["localhost", "127.0.0.1", "[::1]", "api.flukso.test"], "+0"
REFUSED = [  # FLUKSO_TEST_CLOCK, FLUKSO_TESTING, FLUKSO_ALLOWED_HOSTS, what is said
    ("outside-of-tests", NOW, False, OWN, "FLUKSO_TEST_CLOCK is for the platform's own tests"),
    (
        "a-name",
        NOW,
        True,
        [*OWN, "flukso.example.org"],
        "FLUKSO_ALLOWED_HOSTS has a name that others can reach",
    ),
    (
        "an-address",
        NOW,
        True,
        ["192.0.2.1"],
        "FLUKSO_ALLOWED_HOSTS has a name that others can reach",
    ),
    ("all-names", NOW, True, ["*"], "FLUKSO_ALLOWED_HOSTS has a name that others can reach"),
    (
        "all-names-below",
        NOW,
        True,
        [".example.org"],
        "FLUKSO_ALLOWED_HOSTS has a name that others can reach",
    ),
    (
        "without-a-clock",
        "",
        True,
        ["192.0.2.1"],
        "FLUKSO_ALLOWED_HOSTS has a name that others can reach",
    ),
    ("words", "tomorrow", True, OWN, "'tomorrow' is neither"),
    ("a-date", "2028-02-29", True, OWN, "'2028-02-29' is neither"),
    ("no-number", "nan", True, OWN, "'nan' is neither"),
    ("two-signs", "+-1", True, OWN, "is neither"),
    ("too-long", "+99999999999999", True, OWN, "is neither"),
    ("too-early", "-9999999999", True, OWN, "is outside of the years"),
    ("too-late", "4102444800", True, OWN, "is outside of the years"),
]


@pytest.mark.parametrize(
    "text, testing, hosts, said", [pytest.param(*each[1:], id=each[0]) for each in REFUSED]
)
def test_what_is_refused_moves_nothing(text, testing, hosts, said):
    from flukso_server.project import clock, env

    before = shift_s()
    with pytest.raises(env.EnvError, match=re.escape(said)):
        clock.set_for_tests(text, testing, hosts)
    assert abs(shift_s() - before) < 1


def test_without_the_setting_nothing_is_asked():
    from flukso_server.project import clock

    before = shift_s()
    clock.set_for_tests("", False, ["flukso.example.org"])
    assert abs(shift_s() - before) < 1


@pytest.mark.parametrize(
    "command, settings, said",
    [
        pytest.param(
            ["run", "--port", "0"],
            {"FLUKSO_TESTING": "0"},
            "is for the platform's own tests",
            id="service",
        ),
        pytest.param(
            ["migrate"], {"FLUKSO_TESTING": "0"}, "is for the platform's own tests", id="command"
        ),
        pytest.param(
            ["run", "--port", "0", "--host", "0.0.0.0"],
            {},
            "FLUKSO_TESTING: say --host 127.0.0.1",
            id="for-all-to-reach",
        ),
    ],
)
def test_no_service_is_run_by_it(tmp_path, command, settings, said):
    told = start(tmp_path, command, **settings)
    assert (
        told.returncode == 2
        and said in told.stderr
        and "Traceback" not in told.stderr
        and not told.stdout
    )
    assert not (tmp_path / "accounts.db").exists(), "nothing was begun"


def test_it_needs_what_only_tests_have(tmp_path):
    (tmp_path / "time_machine.py").write_text("raise ImportError\n")
    told = start(tmp_path / "data", ["migrate"], PYTHONPATH=str(tmp_path))
    assert told.returncode == 2 and "time-machine is missing" in told.stderr


def start(folder, command, **settings) -> subprocess.CompletedProcess:
    """The platform's program, as somebody who has read of the setting would run it."""
    return subprocess.run(
        [sys.executable, "-m", "flukso_server", *command],
        cwd=ROOT,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=120,
    )

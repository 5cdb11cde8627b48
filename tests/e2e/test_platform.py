# SPDX-License-Identifier: GPL-3.0-or-later
"""The real daemon at the real platform over verified TLS: registration, claim, asked intervals, and
what happens to who is forgotten.
"""

import json
import time
import urllib.request

import pytest

from tests.server.database import value
from tests.server.visitor import Visitor
from tools.harness.chain import DEVICE, KEY, SENSORS
from tools.harness.processes import free_port
from tools.harness.testbed import Platform
from tools.harness.wait import wait_until

DAEMON = (
    "config settings daemon\n\toption register '1'\n\toption enable_lan_branch '1'\n\toption "
    "lan_port '{}'\n"
)
SENSOR = SENSORS[0]
PASSWORD = "correct horse battery"
SOON_S = 30  # simulated; two of the heartbeats that the platform asks for


@pytest.fixture
def platform(tmp_path, certificates):
    """It knows no device; anna has an account."""
    with Platform(tmp_path / "platform", certificates / "good.pem") as running:
        running.call("tests.server.inside.accounts.member", "anna", PASSWORD)
        yield running


@pytest.fixture(params=["cpython", "micropython"])
def newcomer(request, household, platform):
    """A household whose device nobody knows yet, with a LAN page at `.lan`."""
    # of who is not claimed the platform takes a fortnight, and of nobody the future
    yesterday = int(time.time()) - 86_400
    chain = household(
        url=platform.url, digits=22, runtime=request.param, sensors=(1, 4), wall_s=yesterday
    )
    port = free_port()
    chain.configure(extra=DAEMON.format(port))
    chain.lan = "http://127.0.0.1:{}".format(port)
    chain.start()
    chain.clamp(3600)
    return chain


def status(chain) -> dict:
    with urllib.request.urlopen(chain.lan + "/status", timeout=10) as answer:
        return json.load(answer)


def visitor(platform, certificates) -> Visitor:
    anna = Visitor(platform.url, certificates / "ca.crt")
    assert anna.log_in("anna", PASSWORD).status_code == 302
    return anna


def posts(platform) -> int:
    return sum(one == ("POST", "/sensor/" + SENSOR, 200) for one in platform.requests())


def test_registers_is_claimed_by_its_code_and_obeys_the_interval(newcomer, platform, certificates):
    chain = newcomer
    chain.run_until(lambda: bool(platform.held(SENSOR)), limit_s=120)
    chain.run_until(
        lambda: ("POST", "/device/" + DEVICE, 200) in platform.requests()[1:], limit_s=120
    )
    code, link = status(chain)["claim"], status(chain)["upload"]["claim_url"]
    assert link == "{}/claim/{}/".format(platform.url.rstrip("/"), code)
    anna = Visitor(platform.url, certificates / "ca.crt")
    asked = anna.get(link)
    assert asked.status_code == 302 and asked.headers[
        "Location"
    ] == "/login/?next=/claim/{}/".format(code)
    led = anna.post(
        "/login/", {"login": "anna", "password": PASSWORD, "next": "/claim/{}/".format(code)}
    )
    assert led.headers["Location"] == "/claim/{}/".format(code)
    anna.post("/claim/", {"code": "AAAAAAAA"}, page="/devices/")
    assert "No device with this code" in anna.get("/devices/").text
    assert 'value="{}"'.format(code) in anna.get(link).text and status(chain)["claim"] == code
    anna.post("/claim/", {"code": code.lower()}, page=link)
    page = anna.get("/devices/").text
    assert SENSOR in page and DEVICE in page
    # its own page stops asking
    chain.run_until(lambda: status(chain)["claim"] is None, limit_s=SOON_S)
    assert platform.call("tests.server.inside.devices.watch", "anna") == 1
    chain.configure(extra=DAEMON.format(chain.lan.rsplit(":", 1)[1]), interval=300)
    chain.stop()  # with 300 s of its own, and signed all along
    chain.start()
    before = posts(platform)
    chain.run_until(lambda: posts(platform) > before, limit_s=400)
    before = posts(platform)
    for _ in range(150):  # s, half of its own interval: an owner who looks on asked for 10
        chain.run(1)
        time.sleep(0.05)  # requests go on in real time
        if posts(platform) - before >= 4:
            break
    assert 4 <= posts(platform) - before <= 8
    assert status(chain)["claim"] is None
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert platform.held(SENSOR)[-1][1] == chain.counters()[0]

    assert value(platform, "devices.Device", "sign_required") is True


def test_who_was_forgotten_unclaimed_registers_again(newcomer, platform):
    chain = newcomer
    chain.run_until(lambda: bool(platform.held(SENSOR)), limit_s=120)
    assert platform.call("tests.server.inside.housekeeping.keep_house_in", 15) == 1
    wait_until(lambda: not platform.held(SENSOR))
    chain.run_until(lambda: bool(platform.held(SENSOR)), limit_s=4 * 3600, step_s=60)
    assert chain.stop() == 0, chain.log()


def test_a_device_from_the_list_is_claimed_by_its_printed_code(household, platform, certificates):
    """Provisioned beforehand: no registration, and no heartbeat needed before the claim."""
    code = platform.provision({DEVICE: KEY}, {SENSOR: DEVICE})[DEVICE]
    anna = visitor(platform, certificates)
    anna.post("/claim/", {"code": code}, page="/devices/")
    assert DEVICE in anna.get("/devices/").text
    chain = household(url=platform.url, digits=22)
    chain.start()
    chain.run_until(lambda: bool(platform.held(SENSOR)), limit_s=120)
    assert chain.stop() == 0, chain.log()

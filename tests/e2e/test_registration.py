# SPDX-License-Identifier: GPL-3.0-or-later
"""A device that nobody knows registers itself, binds its sensors, is claimed, and obeys the asked
interval (docs/design/protocols.md §8).
"""

import pytest

from tools.fakes.server import Server
from tools.fakes.server_claim import claim_code
from tools.harness.chain import DEVICE, KEY, SENSORS, WALL_S

REGISTER = "config settings daemon\n\toption register '1'\n"
SENSOR = SENSORS[0]


@pytest.fixture
def strangers(certificates):
    """A server that knows no device and no sensor."""
    with Server(certificates / "good.pem", {}, sensors={}) as running:
        yield running


def set_wall(server, chain):
    """The server's clock is the household's. Read from the model, as the control line belongs to
    the test's thread.
    """
    server.store.wall = server.store.registry.wall = lambda: WALL_S + chain.board.board.now_us / 1e6


@pytest.fixture(params=["cpython", "micropython"])
def newcomer(request, household, strangers):
    chain = household(url=strangers.url, digits=22, runtime=request.param, sensors=(1, 4))
    set_wall(strangers, chain)
    chain.configure(extra=REGISTER)
    chain.start()
    chain.clamp(3600)
    return chain


def test_registers_binds_uploads_and_is_claimed(newcomer, strangers):
    chain, store = newcomer, strangers.store
    chain.run_until(lambda: bool(strangers.held(SENSOR)), limit_s=120)
    assert store.registry.devices[DEVICE].key == KEY
    assert store.registry.sensors == {SENSOR: DEVICE, SENSORS[3]: DEVICE}
    assert store.configs[SENSOR]["class"] == "analog" and store.configs[SENSOR]["voltage"] == 230
    chain.run_until(lambda: bool(store.heartbeats), limit_s=120)
    assert store.registry.claim("anna", claim_code(DEVICE, KEY)) == DEVICE
    assert all("x-sign" in request.headers for request in strangers.requests)
    assert all(type(beat["time"]) is int for beat in store.heartbeats)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert strangers.held(SENSOR)[-1][1] == chain.counters()[0]
    assert not store.violations and not store.conflicts


def test_obeys_the_interval_that_the_server_asks_for(household, server):
    chain = household(digits=22, interval_s=300)
    server.store.interval_s = 15
    chain.start()
    chain.run_until(lambda: bool(server.held(SENSOR)), limit_s=60)
    at = len(server.requests)
    chain.pass_time(120)
    assert 6 <= len(server.requests) - at <= 10
    server.store.interval_s = None
    chain.pass_time(700, 10)  # ten minutes after the last word, its own interval is in force again
    at = len(server.requests)
    chain.pass_time(900, 10)
    assert 2 <= len(server.requests) - at <= 5


def test_a_device_that_another_key_holds_keeps_everything(household, strangers):
    """The id is registered with another key: refused, said in the log, nothing lost once the owner
    has opened the window.
    """
    chain = household(url=strangers.url, digits=22)
    registry = strangers.store.registry
    set_wall(strangers, chain)
    registry.add(DEVICE, "f" * 32)
    chain.configure(extra=REGISTER)
    chain.start()
    chain.clamp(3600)
    chain.run_until(lambda: "401" in chain.log(), limit_s=120)
    assert strangers.held(SENSOR) == []
    registry.open_window(DEVICE)
    chain.stop()
    chain.start()
    chain.run_until(lambda: bool(strangers.held(SENSOR)), limit_s=120)
    chain.rest()
    assert chain.stop() == 0
    held = strangers.held(SENSOR)
    assert held[0][1] <= 5 and held[-1][1] == chain.counters()[0]

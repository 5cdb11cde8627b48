# SPDX-License-Identifier: GPL-3.0-or-later
"""Our runtime runs the whole daemon.

The board is real firmware in the simulator, and TLS to the fake server is verified.
"""

import signal

import pytest

from tools.harness.chain import SENSORS
from tools.harness.interpreters import environment

pytestmark = pytest.mark.timeout(180)


def on(runtime, chain, **more):
    """Let the household's daemon run on this runtime."""
    chain.command = [*runtime, "-m", "flukso"]
    chain.env = environment(**more)
    return chain


def test_uploads_what_the_board_counted(household, server, runtime):
    chain = on(runtime, household(sensors=(1, 2)))
    chain.clamp(3000, 1)
    chain.clamp(600, 2)
    chain.start()
    chain.run(60)
    chain.rest()
    assert chain.stop() == 0
    counters = chain.counters()
    for index in (0, 1):
        held = server.held(SENSORS[index])
        assert held and held[-1][1] == counters[index] > 0
    assert not server.store.violations


def test_keeps_what_it_read_over_a_kill_and_an_outage(household, server, runtime):
    chain = on(runtime, household())
    chain.clamp(6000)
    chain.start()
    chain.run(30)
    server.down()
    chain.run(60)
    assert chain.stop() == 0  # the buffer is saved durably
    server.up()
    chain.start()
    chain.run(30)
    chain.rest()
    assert chain.stop() == 0
    held = server.held(SENSORS[0])
    assert held[-1][1] == chain.counters()[0]
    assert (
        max(later - sooner for (sooner, _), (later, _) in zip(held, held[1:], strict=False)) <= 61
    )
    assert not server.store.conflicts and not server.store.violations


def test_reads_its_configuration_again_on_sighup(household, runtime):
    chain = on(runtime, household())
    chain.start()
    chain.run(3)
    chain.configure(interval=20)
    chain.daemon.signal(signal.SIGHUP)
    chain.run_until(lambda: "configuration was read again" in chain.log(), limit_s=30)
    assert chain.stop() == 0


@pytest.mark.parametrize("kind", ["foreign", "expired", "wrong-host"])
def test_says_once_that_a_certificate_is_refused_and_leaks_nothing(
    household, server, certificates, runtime, kind
):
    server.use_certificate(certificates / (kind + ".pem"))
    chain = on(runtime, household(digits=22))  # the model is quicker than the simulator
    chain.clamp(3000)
    chain.start()
    chain.run_until(lambda: server.refused_handshakes, 1200, 10)
    files = chain.daemon.open_files()
    chain.run_until(lambda: server.refused_handshakes >= 5, 7200, 30)
    assert chain.daemon.open_files() <= files + 1  # one connection may be under way
    assert server.requests == []
    server.use_certificate(certificates / "good.pem")
    chain.run_until(lambda: server.held(SENSORS[0]), 7200, 30)
    assert chain.stop() == 0
    assert chain.log().count("is refused") >= 1

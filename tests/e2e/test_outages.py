# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong between daemon and server: nothing is lost, nothing comes twice with different
values, and the log says it.
"""

import time

import pytest

from tools.harness.chain import SENSORS, WALL_S

SENSOR = SENSORS[0]
WAIT_S = 120  # real, for what comes sooner or later on a busy machine


def assert_whole(chain, server):
    """After a clean stop: the server holds the last counter, no gaps beyond a minute, no
    contradictions.
    """
    held = server.held(SENSOR)
    assert held[-1][1] == chain.counters()[0]
    assert not server.store.conflicts
    assert not server.store.violations
    counters = [counter for _, counter in held]
    assert counters == sorted(counters)
    gaps = [later[0] - earlier[0] for earlier, later in zip(held, held[1:], strict=False)]
    assert not gaps or max(gaps) <= 61, sorted(gaps)[-5:]


def started(household, **options):
    """A household that has uploaded for the first time and now uses 3.6 kW, a Wh each second."""
    options.setdefault("digits", 22)
    chain = household(**options)
    chain.start()
    chain.clamp(3600)
    chain.run(25)
    return chain


def polls(chain, begin_us, end_us):
    """The transfers that asked the board what it counted."""
    return [
        one
        for one in chain.board.transfers
        if begin_us <= one.at_us < end_us and one.data[:3] in (b"lgd", b"lgc")
    ]


@pytest.mark.parametrize(
    "digits",
    [pytest.param(22, id="model"), pytest.param(None, id="firmware", marks=pytest.mark.slow)],
)
def test_server_away_for_an_hour(household, server, digits):
    chain = started(household, digits=digits, interval_s=60)
    chain.run_until(lambda: bool(server.held(SENSOR)), limit_s=90)
    server.down()
    chain.run(3600)
    before = len(server.held(SENSOR))
    server.up()
    chain.run_until(lambda: len(server.held(SENSOR)) > before, limit_s=3700, step_s=20)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert_whole(chain, server)
    assert len(server.held(SENSOR)) >= 60
    assert "unreachable" in chain.log() or "refused" in chain.log()


REFUSALS = [
    ("foreign", ("certificate", "verif", "signed", "issuer")),
    ("wrong-host", ("host", "name", "match")),
    ("expired", ("expired", "dates", "valid")),
    ("future", ("not yet", "dates", "valid", "future")),
]


@pytest.mark.parametrize("kind, words", [pytest.param(k, w, id=k) for k, w in REFUSALS])
def test_bad_certificate_is_refused_and_nothing_is_lost(
    household, server, certificates, kind, words
):
    server.use_certificate(certificates / (kind + ".pem"))
    chain = started(household)
    chain.run_until(lambda: server.refused_handshakes > 0, limit_s=60)
    chain.run(30)
    assert server.requests == [] and server.held(SENSOR) == []
    log = chain.log().lower()
    assert "certificate" in log and any(word in log for word in words), chain.log()
    server.use_certificate(certificates / "renewed.pem")
    chain.run_until(lambda: bool(server.held(SENSOR)), limit_s=3700, step_s=20)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert_whole(chain, server)
    assert server.held(SENSOR)[0][0] - WALL_S <= 5  # from the first reading on


def test_wrong_ca_file_sends_nothing(household, server, certificates):
    chain = started(household, cacert=certificates / "foreign-ca.crt")
    chain.run_until(lambda: server.refused_handshakes > 0, limit_s=60)
    assert server.requests == []
    assert chain.stop() == 0
    assert server.requests == []
    chain.configure(cacert=certificates / "ca.crt")
    chain.start()
    chain.run(30)
    chain.rest()
    assert chain.stop() == 0
    assert_whole(chain, server)
    assert server.held(SENSOR)[0][0] - WALL_S <= 5  # kept over the restart


FAULTS = [  # id, fault, where
    ("500", {"name": "status", "at": "instead", "status": 500}),
    (
        "503-retry-after",
        {"name": "status", "at": "instead", "status": 503, "headers": {"Retry-After": "20"}},
    ),
    (
        "401",
        {
            "name": "status",
            "at": "instead",
            "status": 401,
            "headers": {"WWW-Authenticate": "Incorrect digest"},
        },
    ),
    ("400", {"name": "status", "at": "instead", "status": 400}),
    (
        "301",
        {
            "name": "status",
            "at": "instead",
            "status": 301,
            "headers": {"Location": "http://localhost/"},
        },
    ),
    ("200-not-ok", {"name": "status", "at": "instead", "status": 200}),
    ("reset-before-tls", {"name": "reset", "at": "connect"}),
    ("reset-before-request", {"name": "reset", "at": "request"}),
    ("reset-instead", {"name": "reset", "at": "instead"}),
    ("close-instead", {"name": "close", "at": "instead"}),
    ("answer-lost", {"name": "close", "at": "answer"}),
    ("answer-reset", {"name": "reset", "at": "answer"}),
    ("half-status", {"name": "half-status"}),
    ("half-head", {"name": "half-head"}),
    ("half-body", {"name": "half-body"}),
    ("too-short", {"name": "too-short"}),
    ("two-lengths", {"name": "two-lengths"}),
    ("garbage", {"name": "garbage"}),
    ("huge", {"name": "huge"}),
    ("empty", {"name": "empty"}),
    ("chunked", {"name": "chunked"}),
    ("no-length", {"name": "no-length"}),
    ("lower-case", {"name": "lower-case"}),
    ("close-keep-alive", {"name": "close-keep-alive"}),
    ("slow", {"name": "slow", "seconds": 0.002}),
]
GOOD_FORMS = ("chunked", "no-length", "lower-case", "close-keep-alive", "slow")


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in FAULTS])
def test_faulty_answers(household, server, fault):
    chain = started(household)
    held_before = len(server.held(SENSOR))
    server.misbehave(**fault)
    begin_us = chain.control.time_us()
    for _ in range(30):  # in steps, so that real time passes as well
        chain.run(2)
        time.sleep(0.01)
    assert len(polls(chain, begin_us, chain.control.time_us())) >= 55
    if fault["name"] in GOOD_FORMS:
        chain.run_until(lambda: len(server.held(SENSOR)) > held_before + 3, limit_s=200)
    server.behave()
    at = len(server.held(SENSOR))  # the next request may be a heartbeat, or another sensor's
    chain.run_until(lambda: len(server.held(SENSOR)) > at, limit_s=7300, step_s=10)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert_whole(chain, server)


STALLS = [
    ("before-tls", {"at": "connect"}),
    ("before-request", {"at": "request"}),
    ("instead", {"at": "instead"}),
    ("in-the-head", {"at": "answer", "sent": 20}),
    ("in-the-body", {"at": "answer", "sent": 90}),
]


@pytest.mark.parametrize("stall", [pytest.param(options, id=name) for name, options in STALLS])
def test_stalled_server_does_not_stop_the_polling(household, server, stall):
    chain = started(household)
    server.misbehave("stall", **stall)
    if stall["at"] == "connect":
        server.drop_connections()  # a kept one would go on
    begin_us = chain.control.time_us()
    deadline = time.monotonic() + WAIT_S
    while not server.stalls:  # until the daemon has waited, and has given up
        assert time.monotonic() < deadline, chain.log()
        chain.run(1)
        time.sleep(0.02)
    end_us = chain.control.time_us()
    asked = polls(chain, begin_us, end_us)
    assert len(asked) >= (end_us - begin_us) // 1_000_000 - 1
    from_s, to_s = server.stalls[0]
    assert any(from_s < one.real_s < to_s for one in asked), (
        "a loop that waits for a request polls before and after it alone"
    )
    server.behave()
    at = len(server.requests)
    chain.run_until(lambda: len(server.requests) > at + 1, limit_s=3700, step_s=10)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert_whole(chain, server)


def test_stop_while_the_server_stalls(household, server):
    chain = started(household)
    server.misbehave("stall", at="answer")
    chain.run(20)
    assert chain.stop() == 0, "it waits for no server that says nothing:\n" + chain.log()
    server.behave()
    chain.start()
    chain.run(30)
    chain.rest()
    assert chain.stop() == 0
    assert_whole(chain, server)


def test_historic_server_gets_everything_in_order(household, server):
    server.store.historic = True
    chain = started(household)
    server.misbehave("status", at="instead", status=500)
    chain.run(90)
    server.behave()
    at = len(server.requests)
    chain.run_until(lambda: len(server.requests) > at + 1, limit_s=3700, step_s=10)
    chain.rest()
    assert chain.stop() == 0
    assert_whole(chain, server)
    assert server.store.refused_old == 0

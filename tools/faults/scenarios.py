# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of the matrix: how each begins, goes on, and ends."""

import time
from collections import namedtuple

from flukso.ports.simulator import REAL_MIN_S
from flukso.version import BUILT
from tools.faults.proxy import OPEN, BlackHole, DeafNameServer, Rules

DAY_S = 86_400
WRONG = (
    ("a-day-behind", -DAY_S),
    ("30-days-behind", -30 * DAY_S),
    ("12-years-ahead", 12 * 365 * DAY_S),
)
UNTIL_NTP_S = 40
# strike(world): the fault begins. lift(world): it ends. step(world): called while it lasts, about
# ten times a real second. rounds: how often it comes back afterwards, to see whether memory grows.
# hold_s: real seconds that it lasts at first start(world): how the daemon starts
Scenario = namedtuple("Scenario", "name strike lift step rounds hold_s start")
ROUNDS = 8
MANY_ROUNDS = 40  # where a socket or memory was seen to leak
TIMED_OUT_S = REAL_MIN_S + 1.5  # real: longer than a time-out


def _nothing(world):
    pass


def _scenario(
    name, strike, lift, step=_nothing, rounds=ROUNDS, hold_s=1.0, start=lambda world: world.start()
):
    return Scenario(name, strike, lift, step, rounds, hold_s, start)


def _proxy(name, rules, hold_s=1.0, rounds=ROUNDS):
    """Rules for new connections, with those that are open ended first."""

    def strike(world):
        world.proxy.rules = rules
        world.proxy.cut()

    def lift(world):
        world.proxy.rules = OPEN
        world.proxy.cut()

    return _scenario(name, strike, lift, hold_s=hold_s, rounds=rounds)


def _server(label, hold_s=1.0, rounds=ROUNDS, **fault):
    """A fault of the server itself."""
    return _scenario(
        label,
        lambda world: world.server.misbehave(**fault),
        lambda world: world.server.behave(),
        hold_s=hold_s,
        rounds=rounds,
    )


def _certificate(kind):
    def strike(world):
        world.server.use_certificate(world.certificates / (kind + ".pem"))
        world.proxy.cut()

    def lift(world):
        world.server.use_certificate(world.certificates / "renewed.pem")

    return _scenario(
        "certificate-" + kind, strike, lift, rounds=MANY_ROUNDS if kind == "foreign" else ROUNDS
    )


def _black_hole(world):
    world.proxy.mute()
    world.proxy.black_hole()


def _gone(world):
    world.proxy.down()
    world.proxy.cut()


def _back(world):
    world.proxy.down()
    world.proxy.up()
    world.proxy.cut()


def _flap(world):
    """The link comes and goes, a third of a second each."""
    if int(time.monotonic() * 3) % 2:
        world.proxy.up()
    else:
        world.proxy.down()
        world.proxy.cut()


def _name_lost(world, deaf):
    world.hosts(False)
    world.name_server = DeafNameServer() if deaf else None
    world.proxy.cut()


def _name_back(world):
    world.hosts(True)
    if world.name_server is not None:
        world.name_server.close()
        world.name_server = None


def _six_lost(world):
    """The name has an IPv6 address too, and what is sent there vanishes."""
    world.hole = BlackHole(world.proxy.port)
    world.hosts(True, six=True)
    world.proxy.cut()


def _six_back(world):
    """It ends only when something came through all the same."""
    counted = world.chain.counters()[0]
    world.chain.run_until(lambda: world.newest_counter() >= counted, 600, 5)
    world.hosts(True)
    world.hole.close()
    world.hole = None


def _clock(name, shift_s):
    """The wall clock is wrong by so much, for a while."""
    return _scenario(
        "clock-" + name, lambda world: world.set_wall(shift_s), lambda world: world.ntp(), rounds=6
    )


def _never_right(name, shift_s, late):
    """The clock is wrong when the machine starts, and again and again. late: NTP sets it after a
    while; else it never does.
    """

    def start(world):
        world.set_wall(shift_s)
        world.start()
        world.chain.pass_time(UNTIL_NTP_S)
        assert not world.tuples(), "posted before the time was known"
        lift(world)

    def lift(world):
        if late:
            world.ntp()

    name = "ntp-{}-{}".format("late" if late else "never", name)
    return _scenario(name, lambda world: world.set_wall(shift_s), lift, rounds=6, start=start)


def _foreign(world):
    """A server that signs nothing, and no NTP: the clock is right, but nobody says so."""
    world.begin_s = (BUILT // DAY_S + 100) * DAY_S  # a clock before this release would not be used
    world.set_wall(0)
    world.chain.control.ask("ntp unknown")
    world.server.misbehave(name="status", at="instead", status=404, path="/device/")
    world.start()
    world.chain.pass_time(1800)
    assert not world.tuples(), "posted before an hour had passed"


def _epoch(world):
    world.set_wall_to(100)


SCENARIOS = (
    _scenario("refused", _gone, _back, rounds=MANY_ROUNDS),
    _scenario("black-hole", _black_hole, _back, hold_s=TIMED_OUT_S, rounds=6),
    _scenario(
        "mute",
        lambda world: world.proxy.mute(),
        lambda world: world.proxy.cut(),
        hold_s=TIMED_OUT_S,
        rounds=6,
    ),
    _scenario("cut-reset", lambda world: world.proxy.cut(hard=True), lambda world: None),
    _scenario("cut-fin", lambda world: world.proxy.cut(hard=False), lambda world: None),
    _scenario("flapping", _gone, _back, step=_flap, hold_s=4, rounds=4),
    _proxy("reset-at-once", Rules(0, 0, "reset", None)),
    _proxy("reset-in-hello", Rules(100, None, "reset", None)),
    _proxy("reset-in-handshake", Rules(None, 700, "reset", None)),
    _proxy("reset-in-answer", Rules(None, 2200, "reset", None)),
    _proxy("close-in-handshake", Rules(None, 700, "close", None)),
    _proxy("stall-at-once", Rules(0, 0, "stall", None), hold_s=TIMED_OUT_S, rounds=6),
    _proxy("stall-in-hello", Rules(100, None, "stall", None), hold_s=TIMED_OUT_S, rounds=6),
    _proxy("stall-in-handshake", Rules(None, 700, "stall", None), hold_s=TIMED_OUT_S, rounds=6),
    _server("stall-before-request", TIMED_OUT_S, 6, name="stall", at="request"),
    _server("stall-before-answer", TIMED_OUT_S, 6, name="stall", at="answer"),
    _server("stall-in-head", TIMED_OUT_S, 6, name="stall", at="answer", sent=20),
    _server("stall-in-body", TIMED_OUT_S, 6, name="stall", at="answer", sent=90),
    _server("500", name="status", at="instead", status=500),
    _server(
        "503-retry-after", name="status", at="instead", status=503, headers={"Retry-After": "15"}
    ),
    _server("429", name="status", at="instead", status=429),
    _server("half-answer", name="half-body"),
    _server("garbage", name="garbage"),
    _server("huge-answer", name="huge", rounds=6),
    _server("chunked", name="chunked"),
    _server("slow-answer", name="slow", seconds=0.004, hold_s=2, rounds=6),
    _proxy("slow", Rules(None, None, "stall", 6000), hold_s=3, rounds=4),
    _proxy("too-slow", Rules(None, None, "stall", 300), hold_s=TIMED_OUT_S, rounds=4),
    _server("stray-answer", name="stray", rounds=6),
    _server("stray-record", name="stray", records=2, rounds=6),
    _scenario("ipv6-black-hole", _six_lost, _six_back, hold_s=TIMED_OUT_S, rounds=6),
    _certificate("expired"),
    _certificate("future"),
    _certificate("foreign"),
    _certificate("wrong-host"),
    _scenario("dns-refused", lambda world: _name_lost(world, False), _name_back),
    _scenario("dns-deaf", lambda world: _name_lost(world, True), _name_back, hold_s=6, rounds=1),
    _clock("ahead-10-s", 10),
    _clock("back-10-s", -10),
    _clock("ahead-an-hour", 3600),
    _clock("back-an-hour", -3600),
    _clock("ahead-a-day", DAY_S),
    _clock("back-a-day", -DAY_S),
    _clock("ahead-a-year", 365 * DAY_S),
    _clock("back-a-year", -365 * DAY_S),
    _scenario("clock-1970", _epoch, lambda world: world.ntp(), rounds=6),
    *[_never_right(name, shift_s, late) for late in (True, False) for name, shift_s in WRONG],
    _scenario("nobody-says-the-time", _nothing, _nothing, rounds=1, start=_foreign),
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault against the daemon on one interpreter: strike, lift, strike again; then count what the
server holds.
"""

import tempfile
import time
from pathlib import Path

from tools.fakes.server import Server
from tools.faults.proxy import Proxy
from tools.harness.ca import HOST
from tools.harness.chain import DEVICE, KEY, PAUSE_LIMIT_S, SENSORS, WALL_S, Chain

SENSOR = SENSORS[0]
WATT = 3600
MISDATED_S = 12  # half of the longest round trip that is believed, and two seconds
INTERVAL_S = 10
FIRST_LIMIT_S = 2 * 3600  # simulated: a clock that nobody confirms stands for an hour first
RECOVER_LIMIT_S = 4 * 3600  # simulated: the back-off's hour, twice, and what is due then
# between tuples, where nothing is older than two hours: a minute's spacing, twice while a buffer
# was thinned
WIDEST_GAP_S = 130
RSS_GROWTH_KB = 256
FILES_GROWTH = 2  # a connection that is being closed


class World:
    """Everything around one daemon."""

    def __init__(self, folder: Path, certificates: Path, runtime: str):
        self.certificates = certificates
        self.begin_s = WALL_S  # the true time at the board's first power-on
        self.name_server = None
        self.hole = None  # where IPv6 packets vanish
        self._hosts_file = Path("/etc/hosts")
        self.server = Server(certificates / "good.pem", {DEVICE: KEY}, wall=self.wall_s)
        self.proxy = Proxy(self.server.port)
        self.hosts(True)
        url = "https://{}:{}/".format(HOST, self.proxy.port)
        self.chain = Chain(
            folder, url, certificates / "ca.crt", interval_s=INTERVAL_S, digits=22, runtime=runtime
        )

    def wall_s(self) -> float:
        return self.begin_s + self.chain.board.board.now_us / 1e6

    def hosts(self, known: bool, six: bool = False) -> None:
        """Write the covered /etc/hosts, with the server's name or without it; six: it has an IPv6
        address too, which comes first.
        """
        lines = ["::1 " + HOST] if six else []
        self._hosts_file.write_text(
            "\n".join([*lines, "127.0.0.1 localhost{}".format(" " + HOST if known else ""), ""])
        )

    def set_wall(self, shift_s: float) -> None:
        """Set the wall clock wrong by so much; the kernel calls it unsynchronised then."""
        self.set_wall_to(self.wall_s() + shift_s)

    def set_wall_to(self, wall_s: float) -> None:
        self.chain.control.ask("wall {}".format(wall_s))

    def ntp(self) -> None:
        """NTP sets the wall clock right."""
        self.set_wall(0)
        self.chain.control.ask("ntp 1")

    def start(self) -> None:
        """Start the daemon; from now on the board counts a Wh each second."""
        self.chain.start()
        self.chain.clamp(WATT)
        self.metered_from_s = self.wall_s()

    def tuples(self) -> int:
        return len(self.server.store.held.get(SENSOR, {}))

    def newest_counter(self) -> int:
        return max(self.server.store.held.get(SENSOR, {0: 0}).values())

    def close(self) -> None:
        self.chain.close()
        self.proxy.close()
        self.server.close()
        for each in (self.name_server, self.hole):
            if each is not None:
                each.close()


def last_for(world: World, scenario, real_s: float) -> None:
    """Let the fault last; time goes on in steps of a simulated second."""
    deadline = time.monotonic() + real_s
    while time.monotonic() < deadline:
        scenario.step(world)
        world.chain.run(1)
        time.sleep(0.004)


def recover(world: World) -> float:
    """Simulated seconds until something new has arrived that was counted after the fault."""
    counted = world.chain.counters()[0]
    return world.chain.run_until(lambda: world.newest_counter() >= counted, RECOVER_LIMIT_S, 5)


def measure(world: World) -> tuple[int, int]:
    assert world.chain.daemon is not None
    return world.chain.daemon.rss_kb(), world.chain.daemon.open_files()


def polled(world: World, begin: int) -> tuple[int, float]:
    """Seconds in which the board was not asked for what it counted, and the longest pause in real
    time; from this transfer on.
    """
    asked = [one for one in world.chain.board.transfers[begin:] if one.data[:3] in (b"lgd", b"lgc")]
    pairs = list(zip(asked, asked[1:], strict=False))
    missed = sum(max(0, round((later.at_us - earlier.at_us) / 1e6) - 1) for earlier, later in pairs)
    return missed, max((later.real_s - earlier.real_s for earlier, later in pairs), default=0.0)


def run(scenario, runtime: str, certificates: Path) -> dict:
    """The result of one cell of the matrix; `wrong` lists what must not be."""
    begin_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flukso-fault-") as folder:
        world = World(Path(folder), certificates, runtime)
        try:
            result = _run(world, scenario)
        except AssertionError as error:
            result = {"wrong": ["does not recover: " + str(error)[-2000:]]}
        finally:
            world.close()
    return {
        "fault": scenario.name,
        "runtime": runtime,
        **result,
        "real_s": round(time.monotonic() - begin_s, 1),
    }


def _run(world: World, scenario) -> dict:
    chain = world.chain
    scenario.start(world)
    chain.run_until(lambda: world.tuples() > 0, FIRST_LIMIT_S)
    begin = len(chain.board.transfers)
    scenario.strike(world)
    last_for(world, scenario, scenario.hold_s)
    scenario.lift(world)
    recovered_s = recover(world)
    early = None
    for turn in range(scenario.rounds):
        scenario.strike(world)
        last_for(world, scenario, min(scenario.hold_s, 1.2) if scenario.hold_s > 1 else 0.1)
        scenario.lift(world)
        recover(world)
        if turn == scenario.rounds // 3:
            early = measure(world)
    late = measure(world)
    missed, pause_s = polled(world, begin)
    chain.rest()
    code = chain.stop()
    return _judge(world, code, recovered_s, missed, pause_s, early or late, late)


def _judge(world, code, recovered_s, missed, pause_s, early, late) -> dict:
    store, counted = world.server.store, world.chain.counters()[0]
    held = world.server.held(SENSOR)
    counters = [counter for _, counter in held]
    gaps = [later[0] - earlier[0] for earlier, later in zip(held, held[1:], strict=False)]
    misdated = sum(
        counter > 1 and abs(ts - world.metered_from_s - counter) > MISDATED_S
        for ts, counter in held
    )
    growth = (late[0] - early[0], late[1] - early[1])
    checks = (
        (code == 0, "exit status {}".format(code)),
        (
            counters[-1] == counted,
            "the server's last is {}, the board counted {}".format(counters[-1], counted),
        ),
        (counters == sorted(counters), "counters fall"),
        (max(gaps) <= WIDEST_GAP_S or recovered_s > 3600, "a gap of {} s".format(max(gaps))),
        (not store.conflicts, "twice with different values: {}".format(store.conflicts[:3])),
        (not store.violations, "against the protocol: {}".format(store.violations[:3])),
        (misdated == 0, "{} tuples with a wrong date: {}".format(misdated, held[:2] + held[-2:])),
        (missed == 0, "{} seconds without a poll".format(missed)),
        (pause_s < PAUSE_LIMIT_S, "a pause of {:.2f} s between polls".format(pause_s)),
        (growth[0] <= RSS_GROWTH_KB, "memory grew by {} kB".format(growth[0])),
        (growth[1] <= FILES_GROWTH, "{} more files open".format(growth[1])),
    )
    return {
        "lost_wh": counted - counters[-1],
        "twice": len(store.conflicts),
        "misdated": misdated,
        "polls_missed": missed,
        "pause_ms": round(pause_s * 1000),
        "rss_kb": late[0],
        "rss_growth_kb": growth[0],
        "tuples": len(held),
        "recovered_s": round(recovered_s),
        "wrong": [text for good, text in checks if not good],
    }

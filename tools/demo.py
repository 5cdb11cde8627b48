# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: the whole chain on a household's trace, from the clamp to a server over verified
TLS, and what it measured.

The board is the real firmware in fluksosim, the daemon the real daemon; both run on the simulator's
clock. The receiving side is the real platform, by the same clock: the daemon learns from its signed
answers that the time is right.
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import signal
import sys
import time
from typing import NoReturn

from flukso.ports import cpython as ports
from tools import demo_config, terminal, trace
from tools.fakes.server import Server
from tools.harness import ROOT, ca
from tools.harness.bus import Control
from tools.harness.processes import Program
from tools.harness.simulator import start_fluksosim
from tools.harness.testbed import Platform
from tools.harness.wait import wait_until

FOLDER = ROOT / "build" / "demo"
DAY_S = 86_400
START_S = 60  # real seconds that a program may take until it is ready
STOP_S = 60  # real seconds that the daemon may take for its last upload
SETTLE_S = 1  # simulated; what the clamps had is in the counters after 0.1
MAX_SECONDS = 7 * DAY_S


class Demo:
    """Simulator, daemon and server of one run; `with` sees to it that none is left behind."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Demo":
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(FOLDER / "platform", ignore_errors=True)
        for old in FOLDER.iterdir():
            if old.is_file() or old.is_socket():
                old.unlink()
        keys = ca.make(FOLDER / "keys")
        traced = (
            pathlib.Path(self.options.trace) if self.options.trace else FOLDER / "household.csv"
        )
        if not self.options.trace:
            traced.write_text(trace.csv_text())
        elif not trace.is_native(traced):
            traced = trace.converted(traced, FOLDER / "household.csv")
        self.sensors = demo_config.sensors(traced)
        devices = {demo_config.DEVICE: demo_config.KEY}
        bound = {
            demo_config.sensor_id(number): demo_config.DEVICE for number in range(self.sensors)
        }
        ahead_s = self.options.seconds * self.options.speed if self.options.seconds else DAY_S
        self.wall_s = time.time() - ahead_s
        clock = {
            "DEMO_CONTROL": "unix:{}".format(FOLDER / "control.sock"),
            "DEMO_WALL": str(self.wall_s),
        }
        platform = Platform(
            FOLDER / "platform",
            keys / "good.pem",
            devices,
            bound,
            program=("-m", "tools.demo_platform"),
            **clock,
        )
        self.server = self._stack.enter_context(platform)
        self.foreign = self._stack.enter_context(Server(keys / "foreign.pem", devices))
        self.lan_port = demo_config.free_port(8080)
        config = FOLDER / "flukso"
        config.write_text(
            demo_config.text(self.sensors, self.server.url, keys / "ca.crt", self.lan_port, FOLDER)
        )
        self._start_board(traced)
        # the board has read its EEPROM: its counters mean something
        self.control.ask("advance 0.2")
        self.at_start_wh = self.counters()
        self._start_daemon(config)

    def _start_board(self, traced: pathlib.Path) -> None:
        """At speed 0: the clock stands until the daemon drives it."""
        self.bus_url = "unix:{}".format(FOLDER / "spi.sock")
        self.control_url = "unix:{}".format(FOLDER / "control.sock")
        options = ["--trace", traced, "--listen", self.bus_url, "--control", self.control_url]
        options += ["--speed", "0", "--wall", self.wall_s, "--catch-up"]
        log = FOLDER / "fluksosim.log"
        try:
            board = start_fluksosim(*options, log_file=log, apart=True)
        except AssertionError:
            raise SystemExit("demo: fluksosim did not start: {}".format(log.read_text().strip()))
        self._stack.callback(board.end)
        self.control = Control(self.control_url)
        self._stack.callback(self.control.close)

    def _start_daemon(self, config: pathlib.Path) -> None:
        where = ["--bus", self.bus_url, "--clock", "sim:" + self.control_url]
        command = [sys.executable, "-m", "flukso", "daemon", "--config", config, *where]
        self.daemon = Program(command, cwd=ROOT, log_file=FOLDER / "daemon.log", apart=True)
        self._stack.callback(self.daemon.end)
        self._wait_for_daemon(lambda: self.seconds() >= 1, "did not start")
        self._await_time()

    def _wait_for_daemon(self, condition, trouble: str) -> None:
        """Wait; end the demo with the daemon's log when it ends or takes too long."""
        try:
            wait_until(lambda: not self.daemon.running() or condition(), START_S)
        except AssertionError:
            self._give_up(trouble)
        if not self.daemon.running():
            self._give_up(trouble)

    def _give_up(self, trouble: str) -> NoReturn:
        raise SystemExit("demo: the daemon {}: {}".format(trouble, self.daemon.log()[-2000:]))

    def seconds(self) -> float:
        """Simulated seconds since the board's first power-on."""
        return self.control.time_us() / 1e6

    def counters(self) -> list[int]:
        return self.control.counters()[: self.sensors]

    def _await_time(self) -> None:
        """Let the daemon learn the time at the pace of its waits for answers: sped up they end too
        soon on a busy machine.
        """
        self.control.ask("speed 1")
        self._wait_for_daemon(
            lambda: demo_config.knows_time(self.lan_port), "does not learn the time"
        )

    def run(self, stopped: terminal.StopRequest) -> float:
        """Lets the chain run for the seconds asked, or until stopped; returns the simulated
        seconds.
        """
        begin_s = self.seconds()
        self.control.ask("speed {}".format(self.options.speed))
        until = time.monotonic() + (self.options.seconds or MAX_SECONDS)
        while time.monotonic() < until and not stopped.wait(
            min(1, max(0, until - time.monotonic()))
        ):
            if not self.daemon.running():
                self._give_up("ended")
            self._tell()
        return self.seconds() - begin_s

    def _tell(self) -> None:
        if sys.stdout.isatty():
            minutes = self.seconds() / 60
            print(
                "\r{:8.1f} min  board {} Wh  server {} Wh ".format(
                    minutes, self.board_wh(), self.received_wh()
                ),
                end="",
                flush=True,
            )

    def finish(self) -> None:
        """Stops the daemon, which uploads its last reading, and then the board's clock for good.

        The clamps go to 0 W first: a reply takes some 30 ms on the bus, in which the board could
        pass a whole Wh.
        """
        for clamp in range(self.sensors):
            self.control.ask("clamp {} 0".format(clamp))
        self.control.ask("until {}".format(int((self.seconds() + SETTLE_S) * 1e6)))
        self.daemon.signal(signal.SIGTERM)
        # the daemon, a driver, holds the clock from its last reading until it has gone
        self.control.ask("speed 0")
        if self.daemon.wait(STOP_S) != 0:
            self._give_up("did not stop cleanly")

    def board_wh(self) -> list[int]:
        return [now - first for now, first in zip(self.counters(), self.at_start_wh, strict=True)]

    def received_wh(self) -> list[int]:
        """What the server's last counter has gained on the board's at the start: the first tuple
        comes a second or two later.
        """
        held = [self.server.held(demo_config.sensor_id(number)) for number in range(self.sensors)]
        return [
            tuples[-1][1] - first if tuples else 0
            for tuples, first in zip(held, self.at_start_wh, strict=True)
        ]

    def energy_error_wh(self) -> float:
        """Board against trace, of the sensor with the largest error."""
        true_wh = self.control.energy_wh()
        return max(
            (board - true for board, true in zip(self.board_wh(), true_wh, strict=False)), key=abs
        )

    def foreign_refused(self) -> bool:
        """True when the daemon's own HTTPS client, with the same CA, sends nothing to a server of
        another CA.
        """
        return demo_config.refuses(ports, self.foreign, FOLDER / "keys" / "ca.crt")

    def result(self, seconds: float, simulated_s: float) -> dict:
        uploads = [
            path
            for _, path, status in self.server.requests()
            if path.startswith("/sensor/") and status == 200
        ]
        verified = bool(uploads) and self.foreign_refused()
        return {
            "seconds": round(seconds, 1),
            "simulated_s": round(simulated_s),
            "board_wh": self.board_wh(),
            "received_wh": self.received_wh(),
            "uploads": len(uploads),
            "tuples": sum(
                len(self.server.held(demo_config.sensor_id(number)))
                for number in range(self.sensors)
            ),
            "tls_verified": verified,
            "energy_error_wh": round(self.energy_error_wh(), 3),
        }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="runs a household from clamp to server")
    parser.add_argument(
        "--seconds", default="", help="real seconds that the chain runs; empty: until Ctrl-C"
    )
    parser.add_argument("--speed", default="20", help="simulated seconds a real second")
    parser.add_argument(
        "--trace",
        default="",
        help="CSV `ts,watt[,watt[,watt]]`, or history in any form that the platform takes; empty: "
        "a generated household",
    )
    options = parser.parse_args()
    try:
        options.seconds = float(options.seconds or 0)
        options.speed = float(options.speed)
    except ValueError:
        parser.error("SECONDS and SPEED are numbers")
    if not 0 <= options.seconds <= MAX_SECONDS or not 1 <= options.speed <= 100:
        parser.error("SECONDS is up to a week, SPEED 1 … 100")
    if options.trace and not pathlib.Path(options.trace).is_file():
        parser.error("no such file: " + options.trace)
    return options


def words(result: dict) -> str:
    """Return the result as a person says it."""
    board, received = (" + ".join(map(str, result[name])) for name in ("board_wh", "received_wh"))
    lost = "" if board == received else " (not the same)"
    verified = (
        "TLS verified"
        if result["tls_verified"]
        else "TLS not verified"
        if result["uploads"]
        else "nothing was uploaded"
    )
    return "board {} Wh, received {} Wh{}; {}".format(board, received, lost, verified)


def main() -> int:
    options = arguments()
    stopped = terminal.stop_request()
    with terminal.keys_to_us(), Demo(options) as chain:
        print(
            "board    {} clamp(s), control line {}".format(chain.sensors, FOLDER / "control.sock")
        )
        print("daemon   http://127.0.0.1:{}/  log {}".format(chain.lan_port, FOLDER / "daemon.log"))
        print(
            "server   {}  (throw-away CA {})".format(chain.server.url, FOLDER / "keys" / "ca.crt")
        )
        how_long = "for {:g} s".format(options.seconds) if options.seconds else "until Ctrl-C"
        print("running  {} at {:g} times real time".format(how_long, options.speed), flush=True)
        begin = time.monotonic()
        simulated_s = chain.run(stopped)
        seconds = time.monotonic() - begin
        if sys.stdout.isatty():
            print("\nstopping, after a last upload")
        chain.finish()
        result = chain.result(seconds, simulated_s)
    print(words(result))
    print("demo: " + json.dumps(result), flush=True)
    return int(result["board_wh"] != result["received_wh"])


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""One household under test: a board, the daemon on the simulator's clock, a server. The test itself
moves the time.
"""

import contextlib
import os
import signal
import subprocess
import time
from math import ceil
from pathlib import Path

from flukso.ports.simulator import REAL_MIN_S
from tools.fakes.oldboard import OldBoard
from tools.harness import ROOT
from tools.harness.bus import Control, Refused
from tools.harness.interpreters import interpreter
from tools.harness.processes import Program
from tools.harness.simulator import UART_FIRMWARE, start_fluksosim

DEVICE, KEY = "fedcba9876543210fedcba9876543210", "00112233445566778899aabbccddeeff"
SENSORS = tuple("0123456789abcdef0123456789abcde{}".format(n) for n in range(6))
WALL_S = 1_700_000_000
STANDING = ("--speed", "0", "--wall", str(WALL_S))  # the clock stands until somebody drives it
SENSOR_CLASS = ("analog",) * 3 + ("pulse",) * 2
SHUTDOWN_S = 40  # real; the daemon's own limits are far below
# real, between two polls; a loop that waits for a request stands still for a longer time-out
PAUSE_LIMIT_S = 0.95 * REAL_MIN_S

SETTINGS_TEXT = """config system
\toption device '{device}'
\toption key '{key}'
\toption version '210'
config settings main
\toption hw_major '2'
\toption hw_minor '{hw_minor}'
\toption phase '1'
config settings daemon
\toption wan_base_url '{url}'
\toption cacert '{cacert}'
\toption upload_interval '{interval}'
\toption state_dir '{state}'
\toption enable_lan_branch '0'
"""
SENSOR_TEXT = """config sensor '{number}'
\toption id '{id}'
\toption type 'electricity'
\toption class '{kind}'
{constant}\tlist port '{number}'
\toption enable '1'
"""


def sensor_text(number: int) -> str:
    """The section of sensor 1 to 5: a 50 A clamp, or 1 Wh a pulse."""
    kind = SENSOR_CLASS[number - 1]
    constant = (
        "\toption voltage '230'\n\toption current '50'\n"
        if kind == "analog"
        else "\toption constant '1'\n"
    )
    return SENSOR_TEXT.format(number=number, id=SENSORS[number - 1], kind=kind, constant=constant)


class Simulator:
    """The real firmware in fluksosim; its clock stands until somebody drives it."""

    def __init__(self, folder: Path, trace: str | None = None, more=()):
        self.bus_url = "unix:{}/bus".format(folder)
        self.control_url = "unix:{}/control".format(folder)
        options = [*STANDING, "--eeprom", folder / "eeprom.bin", "--listen", self.bus_url]
        options += ["--control", self.control_url, *more]
        if trace is not None:
            (folder / "trace.csv").write_text(trace)
            options += ["--trace", folder / "trace.csv"]
        self.program = start_fluksosim(*options)

    def close(self) -> None:
        self.program.kill()


class UartSimulator(Simulator):
    """The board of generation 1, on a pseudo-terminal; its sensors are SENSORS 0 and 1 (analog), 3
    and 4 (pulses).
    """

    def __init__(self, folder: Path, trace: str | None = None, more=()):
        subprocess.run(
            ["make", "-s", "-C", ROOT / "avr", "firmware", "BOARD=uart"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        ids = [SENSORS[n] for n in (0, 1, 3, 4)]
        eep = subprocess.run(
            [UART_FIRMWARE.parent / "make_eep", *ids], check=True, capture_output=True
        ).stdout
        (folder / "board.eep").write_bytes(eep)
        self.control_url = "unix:{}/control".format(folder)
        self.bus_url = "uart:{}/tty".format(folder)
        options = ["--board", "uart", *STANDING, "--eeprom", folder / "board.eep"]
        options += ["--uart", "pty:{}/tty".format(folder), "--control", self.control_url, *more]
        self.program = start_fluksosim(*options, image=UART_FIRMWARE)


class Chain:
    """Board and daemon of one household. With `digits` the board is the historic one's model
    instead of our firmware.
    """

    def __init__(
        self,
        folder: Path,
        server_url: str,
        cacert,
        *,
        sensors=(1,),
        interval_s=10,
        digits=None,
        uart=False,
        runtime=None,
        trace=None,
        more=(),
        wall_s=WALL_S,
        ntp="1",
    ):
        """wall_s: of the historic board's clock; our simulators begin at WALL_S. ntp: what the
        kernel says, in the control line's word.
        """
        self.folder = folder
        self.sensors = sensors
        self.daemon: Program | None = None
        self.command, self.env = interpreter(
            runtime or os.environ.get("FLUKSO_TEST_RUNTIME", "cpython")
        )
        self.logs: list[str] = []
        self.board: OldBoard | Simulator
        if digits is not None:
            self.board = OldBoard(folder, digits, wall_s)
        else:
            self.board = (UartSimulator if uart else Simulator)(folder, trace, more)
        self.control = Control(self.board.control_url)
        self.control.ask("ntp {}".format(ntp))
        self.control.ask("join")
        self.control.ask("advance 0.2")  # the board starts
        self.control.ask("speed max")
        self.settings = {
            "device": DEVICE,
            "key": KEY,
            "hw_minor": 0 if digits == 18 else 1,
            "url": server_url,
            "cacert": cacert,
            "interval": interval_s,
            "state": folder / "state",
        }
        self.configure()

    def configure(self, extra="", **changes) -> None:
        self.settings.update(changes)
        text = SETTINGS_TEXT.format(**self.settings) + extra
        (self.folder / "flukso").write_text(
            text + "".join(sensor_text(number) for number in self.sensors)
        )

    # the daemon

    def start(self) -> None:
        """Start the daemon; it has joined the simulation when this returns."""
        where = [
            "--config",
            self.folder / "flukso",
            "--bus",
            self.board.bus_url,
            "--clock",
            "sim:" + self.board.control_url,
        ]
        self.daemon = Program([*self.command, "daemon", *where], env=self.env, cwd=ROOT)
        self.daemon.wait_for_line("started")

    def run(self, seconds: float) -> None:
        """Let so much simulated time pass."""
        self.control.ask("advance {}".format(seconds), timeout_s=600)

    def run_until(self, condition, limit_s: float, step_s: float = 1.0) -> float:
        """Let time pass until the condition holds; returns the seconds that took, AssertionError
        after limit_s.
        """
        passed_s = 0.0
        while not condition():
            assert passed_s < limit_s, "still not so after {} s:\n{}".format(limit_s, self.log())
            self.run(step_s)
            passed_s += step_s
            time.sleep(0.01)  # requests go on in real time
        return passed_s

    def pass_time(self, seconds: float, step_s: float = 2.0) -> None:
        """Let simulated time pass in steps, so that requests, which take real time, do not come too
        late by the simulated one.
        """
        steps = ceil(seconds / step_s)
        for _ in range(steps):
            self.run(seconds / steps)
            time.sleep(0.01)

    def stop(self) -> int:
        """End the daemon with SIGTERM; time passes while it needs some. Returns its exit status."""
        assert self.daemon is not None
        self.daemon.signal(signal.SIGTERM)
        deadline = time.monotonic() + SHUTDOWN_S
        while self.daemon.running():
            assert time.monotonic() < deadline, "does not stop:\n" + self.log()
            self.run(0.05)
            time.sleep(0.005)
        return self._ended()

    def kill(self) -> None:
        """End the daemon with SIGKILL."""
        assert self.daemon is not None
        self.daemon.signal(signal.SIGKILL)
        self._ended()

    def _ended(self) -> int:
        assert self.daemon is not None
        code = self.daemon.wait()
        self.logs.append(self.daemon.log())
        self.daemon.kill()
        self.daemon = None
        return code

    def log(self) -> str:
        """All that the daemons of this household have said."""
        return "\n".join(self.logs + ([self.daemon.log()] if self.daemon is not None else []))

    # the board

    def clamp(self, watt: float, number: int = 1) -> None:
        self.control.ask("clamp {} {}".format(number - 1, watt))

    def counters(self) -> list[int]:
        return self.control.counters()

    def now_s(self) -> float:
        """The simulated wall clock."""
        return self.control.wall_s()

    def leave(self) -> None:
        """Rest, and let the simulation go on in real time: for programs that know nothing of its
        clock.
        """
        self.rest()
        self.control.ask("leave")
        self.control.ask("speed 1")

    def rest(self) -> None:
        """No current: what the board counted by then is what the daemon reads at its next poll."""
        for number in self.sensors:
            if number <= 3:
                self.clamp(0, number)
        self.run(2.5)

    def close(self) -> None:
        if self.daemon is not None:
            self.daemon.kill()
        with contextlib.suppress(OSError, Refused):
            self.control.close()
        self.board.close()

# SPDX-License-Identifier: GPL-3.0-or-later
"""bench-lan: the whole daemon on the simulated board in real time, its LAN API under load, its
polls watched on the bus.
"""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tools.bench.daemon import runtimes
from tools.fakes.server import Server
from tools.harness.ca import make
from tools.harness.processes import Program, free_port
from tools.harness.simulator import start_fluksosim

CONNECTIONS = 50
SECONDS, QUICK_SECONDS = 20, 4
WARM_UP_S = 14  # board identified and brought in line, the first upload done
SENSOR = "{:032x}".format(1)
CONFIG = """config system
	option device {0}
	option key {0}
config settings daemon
	option wan_base_url {1}
	option cacert {2}/pki/ca.crt
	option state_dir {2}/state
	option upload_interval 10
	option lan_port {3}
	option bus unix:{2}/bus
"""
SECTION = """config sensor {0}
	option id {1:032x}
	option class analog
	option voltage 230
	option current 50
	list port {0}
	option enable 1
"""


class Tap:
    """Stands between daemon and board and notes when each `gd` comes by."""

    def __init__(self, path: str, board: str):
        self.polls: list[float] = []
        self._board = board
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(4)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                daemon, _ = self._listener.accept()
            except OSError:
                return
            board = socket.socket(socket.AF_UNIX)
            board.connect(self._board)
            threading.Thread(target=self._carry, args=(daemon, board, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(board, daemon, False), daemon=True).start()

    def _carry(self, source, sink, asks: bool) -> None:
        try:
            while data := source.recv(4096):
                if asks and b"lgd" in data:
                    self.polls.append(time.time())
                sink.sendall(data)
        except OSError:
            pass
        sink.close()

    def close(self) -> None:
        self._listener.close()


def jitter_ms(polls: list[float]) -> float:
    """How far apart in their second the earliest and the latest poll were."""
    offsets = [(moment - polls[0] + 0.5) % 1.0 for moment in polls]
    return round((max(offsets) - min(offsets)) * 1000, 1)


def memory(pid: int) -> dict:
    figures = {}
    for line in Path("/proc/{}/status".format(pid)).read_text().splitlines():
        words = line.split()
        if words[0] in ("VmRSS:", "RssAnon:"):
            figures[words[0]] = int(words[1])
    return {"rss_kb": figures["VmRSS:"], "rss_anon_kb": figures["RssAnon:"]}


def run(runtime: str, quick: bool) -> dict:
    subprocess.run(
        ["make", "-s", "-C", str(runtimes.ROOT / "avr"), "firmware", "sim"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "pki")
        port = free_port()
        simulator = start_fluksosim("--listen", "unix:{}/sim".format(folder))
        tap = Tap(name + "/bus", name + "/sim")
        with Server(folder / "pki/good.pem", {"d" * 32: "d" * 32}) as server:
            text = CONFIG.format("d" * 32, server.url, folder, port) + "".join(
                [SECTION.format(n, n) for n in (1, 2, 3)]
            )
            (folder / "flukso").write_text(text)
            command = [
                *runtimes.PROGRAMS[runtime],
                "-m",
                "flukso",
                "daemon",
                "--config",
                folder / "flukso",
            ]
            daemon = Program(command, env=runtimes.environment(), cwd=runtimes.ROOT)
            try:
                daemon.wait_for_line("started:")
                time.sleep(WARM_UP_S)
                tap.polls.clear()
                figures = asked(port, QUICK_SECONDS if quick else SECONDS)
                figures = {
                    "runtime": runtime,
                    **figures,
                    "poll_jitter_ms": jitter_ms(tap.polls),
                    "polls": len(tap.polls),
                    **memory(daemon.pid),
                }
                daemon.signal(signal.SIGTERM)
                daemon.wait()
            except BaseException:
                print(daemon.log(), file=sys.stderr)
                raise
            finally:
                daemon.kill()
                simulator.kill()
                tap.close()
    return figures


def asked(port: int, seconds: int) -> dict:
    path = "/sensor/{}?version=1.0&interval=minute&unit=watt".format(SENSOR)
    script = str(Path(__file__).parent / "load.py")
    done = subprocess.run(
        [sys.executable, script, str(port), str(CONNECTIONS), str(seconds), path],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured on either interpreter: the whole daemon on delta lines of three sensors, with upload and
LAN on.

Arguments: server's URL, CA file, folder, LAN port, lines. The board is a stub that has its reply at
once, and the clock leaps from second to second as soon as nothing is left to do, so that all CPU
time is the daemon's own; the server and its TLS are real.
"""

import asyncio
import json
import sys

from flukso import config, ports
from flukso.boards import Delta, Identity, Poll
from flukso.daemon import Daemon
from flukso.ports.clock import Clock

START = 1700000000
SENSORS = 3
WARM_UP = 1000  # lines before the measurement
TICKS = 100  # a second, of /proc
CONFIG = """config system
	option device {0}
	option key {0}
config settings daemon
	option wan_base_url {1}
	option cacert {2}
	option state_dir {3}
	option lan_port {4}
	option bus unix:/nowhere
"""
SENSOR = """config sensor {0}
	option id {1}
	option class analog
	option voltage 230
	option current 50
	list port {0}
	option enable 1
"""


class LeapingClock(Clock):
    """Leaps to whatever is waited for; waits in turn while an upload is due."""

    def __init__(self):
        self.mono = 100.0
        self.house = None
        self.due_at = 0.0  # of the next upload

    def wall(self):
        return START + self.mono

    def monotonic(self):
        return self.mono

    def synchronised(self):
        return True

    async def sleep(self, seconds):
        await self.sleep_until(self.mono + seconds)

    async def sleep_until(self, mono_s):
        if self.mono >= self.due_at:  # an upload goes on in the real world: let it end
            while self.mono >= self.house.sender.next_at:
                await asyncio.sleep(0.001)
            self.due_at = self.house.sender.next_at
        await asyncio.sleep(0)
        self.mono = max(self.mono, mono_s)


class StubBoard:
    """Three analog sensors; the house uses 14.4 kW."""

    identity = Identity(2, 1, 2, 0, False)
    faults = polls = 0
    listens = False
    exact, inputs, damage = False, (), None

    def __init__(self, lines, stop):
        self.uart_in = bytearray()
        self._left = lines
        self._stop = stop
        self.begin_s = 0.0

    def describe(self):
        return "stub"

    async def identify(self):
        pass

    async def look(self):
        pass

    async def sync(self, settings):
        return []

    async def counters(self, sensors):
        return [(sensor, 0) for sensor in sensors]

    async def poll(self, sensors, outgoing=b""):
        self.polls += 1
        if self.polls == WARM_UP:
            self.begin_s = cpu_s()
        self._left -= 1
        if self._left <= 0:
            self._stop.set()
        used = self.polls
        return Poll(
            (Delta(0, used, 0, 3600), Delta(1, used + used, 0, 7200), Delta(2, used, 0, 3600)),
            (),
            True,
        )

    async def forward(self, data):
        pass

    def close(self):
        pass


def cpu_s():
    """Return the process's CPU seconds, user and system, all threads."""
    with open("/proc/self/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory():
    """Return (VmRSS, RssAnon) in kB."""
    figures = {}
    with open("/proc/self/status") as file:
        for line in file:
            words = line.split()
            figures[words[0]] = words[1] if len(words) > 1 else "0"
    return int(figures["VmRSS:"]), int(figures["RssAnon:"])


async def main(url, cacert, folder, lan_port, lines):
    port = ports.load()
    text = CONFIG.format("d" * 32, url, cacert, folder, lan_port)
    text += "".join([SENSOR.format(n + 1, "{:032x}".format(n + 1)) for n in range(SENSORS)])
    with open(folder + "/flukso", "w") as file:
        file.write(text)
    clock = LeapingClock()
    house = Daemon(port, clock, config.load(port, folder + "/flukso"))
    clock.house = house
    house.board = StubBoard(lines, house.stop)
    task = asyncio.create_task(house.run())
    await house.stop.wait()
    used_s = cpu_s() - house.board.begin_s
    rss_kb, anon_kb = memory()
    await task
    uploader = house.sender.uploader
    figures = {
        "lines": lines,
        "us_per_line": round(used_s * 1e6 / (lines - WARM_UP), 1),
        "rss_kb": rss_kb,
        "rss_anon_kb": anon_kb,
        "acknowledged": uploader.acknowledged,
        "failures": uploader.failures,
    }
    print(json.dumps(figures))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))

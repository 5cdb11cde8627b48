# SPDX-License-Identifier: GPL-3.0-or-later
"""Days of a household's life in minutes, the whole daemon in one process, on either interpreter:
`-m tools.faults.week DAYS`.

Each day has an outage of two hours, a server in trouble, a clock that jumps, a board that restarts
and a damaged reply. Prints one line a day, and at the end `week: {...}` with the heap after each
day, what was lost and what came twice.
"""

import asyncio
import gc
import json
import sys
import time

from flukso import config, spi
from flukso.daemon import Daemon
from flukso.https import Answer, HttpsError
from tools.fakes.clock import JumpingClock

DAY_S = 86400
WALL_S = 1700000000
SENSORS = (
    "0123456789abcdef0123456789abcde0",
    "0123456789abcdef0123456789abcde1",
    "0123456789abcdef0123456789abcde3",
)
INDEXES = (0, 1, 3)  # of these sensors on the board
WATT = (3600, 460, 0)
CONFIG = """config system
	option device fedcba9876543210fedcba9876543210
	option key 00112233445566778899aabbccddeeff
config settings daemon
	option wan_base_url https://localhost/
	option bus unix:/bus
	option upload_interval 300
	option enable_lan_branch 0
config sensor 1
	option id {}
	option class analog
	option voltage 230
	option current 50
	list port 1
	option enable 1
config sensor 2
	option id {}
	option class analog
	option voltage 230
	option current 50
	list port 2
	option enable 1
config sensor 4
	option id {}
	option class pulse
	option constant 1
	list port 4
	option enable 1
""".format(*SENSORS)
PULSE_EVERY_S = 7
# bytes, from the second day on: lists that double; on CPython a quarter as many blocks
HEAP_GROWTH = 4096


class QuickBoard:
    """Our firmware's answers, a reply at a time; counters follow WATT and the clock exactly."""

    def __init__(self, clock):
        self._clock = clock
        self.settings = {"gh": [2, 1], "gs": [2, 0], "gp": [0, 1, 2, 3, 4, 5], "gw": [0], "gb": [0]}
        self.of_sensor = {letter: [0] * 6 for letter in "emf"}
        self.damage = 0  # so many replies will be damaged
        self.asked = 0
        self._out = b""
        self._told_pulses = 0
        self._told_second = 0

    def counter(self, index):
        now = int(self._clock.now)
        return (
            now // PULSE_EVERY_S
            if index == 3
            else WATT[index] * now // 3600
            if index < len(WATT)
            else 0
        )

    def restart(self):
        self.of_sensor = {letter: [0] * 6 for letter in "emf"}
        self._out = b""

    async def transfer(self, data, gap_us):
        if data[0] == 0:
            answer, self._out = self._out[: len(data)], self._out[len(data) :]
            return answer + bytes(len(data) - len(answer))
        text = data[1 : data.index(b".") - 2].decode()
        reply = self._reply(text).encode()
        crc = spi.crc8(reply)
        if self.damage and text == "gd":
            self.damage -= 1
            crc ^= 1
        self._out = b"l" + reply + ("%02x" % crc).encode() + b".u\0"
        return bytes(len(data))

    def _reply(self, text):
        name = text[:2]
        if name == "gd":
            self.asked += 1
            return "gd" + self._deltas()
        if name == "gc":
            self.asked += 1
            index = int(text[2:4], 16)
            return text + "%08x" % self.counter(index)
        if name[0] == "s" and name[1] in self.of_sensor:
            self.of_sensor[name[1]][int(text[2:4], 16)] = int(text[4:], 16)
        elif name[0] == "g" and name[1] in self.of_sensor:
            index = int(text[2:4], 16)
            return text + ("%02x" if name[1] == "e" else "%04x") % self.of_sensor[name[1]][index]
        elif name == "sp":
            self.settings["gp"] = list(bytes.fromhex(text[2:]))
        elif name in self.settings:
            widths = (
                ("%04x", "%02x")
                if name == "gh"
                else ("%04x",)
                if name in ("gw", "gb")
                else ("%02x",) * 6
            )
            values = self.settings[name]
            return name + "".join([widths[n] % values[n] for n in range(len(values))])
        return text

    def _deltas(self):
        out = ""
        for index in INDEXES:
            if not self.of_sensor["e"][index]:
                continue
            if index < 3 and int(self._clock.now) != self._told_second:
                out += "%02x%08x0000%08x" % (index, self.counter(index), WATT[index])
            elif index == 3 and self.counter(3) != self._told_pulses:
                self._told_pulses = self.counter(3)
                out += "%02x%08x0000%08x" % (
                    3,
                    self._told_pulses,
                    self._told_pulses * PULSE_EVERY_S * 1000,
                )
        self._told_second = int(self._clock.now)
        return out

    def close(self):
        pass


class QuickServer:
    """Keeps the last tuple of each sensor, and counts what is not as it must be."""

    warning = ""  # of the CA file

    def __init__(self):
        self.trouble = None  # status, or None
        self.away = False
        self.lose_answers = 0
        self.last = {}
        self.first = {}
        self.tuples = self.falls = self.repeats = self.posts = 0
        self._recent = {}

    async def request(self, method, path, headers, body, timeout_s):
        await asyncio.sleep(0)
        self.posts += 1
        if self.away:
            raise HttpsError("unreachable", "away")
        if self.trouble:
            return Answer(self.trouble, {}, b"")
        if path.startswith("/sensor/"):
            self._take(path[8:], json.loads(body)["measurements"])
        if self.lose_answers:
            self.lose_answers -= 1
            raise HttpsError("timeout", "no answer")
        return Answer(200, {}, b'{"response":"ok"}')

    def _take(self, sensor, rows):
        for stamp, counter in rows:
            newest, highest = self.last.get(sensor, (0, 0))
            recent = self._recent.setdefault(sensor, {})
            if stamp in recent:
                self.repeats += 1
                self.falls += recent[stamp] != counter
                continue
            self.falls += stamp <= newest or counter < highest
            self.first.setdefault(sensor, counter)
            self.last[sensor] = (stamp, counter)
            self.tuples += 1
            recent[stamp] = counter
            if len(recent) > 700:  # more than any batch
                self._recent[sensor] = {stamp: counter}

    def close(self):
        pass


class QuickPort:
    """Files in a dict, the rest as above."""

    def __init__(self, clock, board, server):
        self.clock, self.board, self.server = clock, board, server
        self.files = {"/etc/flukso": CONFIG.encode()}
        self.lines = 0

    def log(self, level, text):
        self.lines += 1

    def system_clock(self):
        return self.clock

    def monotonic(self):
        return self.clock.now

    def open_bus(self, url, clock):
        return self.board

    def open_https(self, base_url, cacert, clock):
        return self.server

    def read_file(self, path, limit):
        if path not in self.files:
            raise OSError(2)
        return self.files[path]

    def write_durable(self, path, data, mode=0o600, user=None):
        self.files[path] = bytes(data)

    def rename(self, old, new):
        self.files[new] = self.files.pop(old)

    def make_folder(self, path):
        pass

    def file_stamp(self, path):
        return "1"

    def random_bytes(self, count):
        return bytes([int(self.clock.now * 7 + n) % 256 for n in range(count)])


def heap():
    """What is allocated after a collection: bytes on MicroPython, blocks on CPython."""
    gc.collect()
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else sys.getallocatedblocks()


async def day(number, clock, board, server):
    """One day and its troubles."""
    midnight = number * DAY_S
    jumps = (10, -10, 3600, -3600, 7200, -60, 30)
    events = (
        (2.0, lambda: setattr(server, "away", True)),
        (4.0, lambda: setattr(server, "away", False)),
        (6.0, board.restart),
        (8.0, lambda: setattr(board, "damage", 5)),
        (10.0, lambda: setattr(server, "trouble", (500, 503, 401, 400)[number % 4])),
        (10.5, lambda: setattr(server, "trouble", None)),
        (13.0, lambda: setattr(server, "lose_answers", 3)),
        (15.0, lambda: clock.set(clock.wall_offset + jumps[number % 7])),
        (16.0, lambda: clock.set(WALL_S + 0.25, ntp=True)),
    )
    for hour, event in events:
        await clock.sleep_until(midnight + hour * 3600 + 0.6)
        event()
    await clock.sleep_until(midnight + DAY_S - 0.4)


async def week(days, say):
    clock = JumpingClock(WALL_S + 0.25)
    board, server = QuickBoard(clock), QuickServer()
    port = QuickPort(clock, board, server)
    daemon = Daemon(port, clock, config.load(port, "/etc/flukso"), None, "/etc/flukso")
    task = asyncio.create_task(daemon.run())
    heaps = []
    for number in range(days):
        await day(number, clock, board, server)
        heaps.append(heap())
        say(
            "day {} heap {} tuples {} posts {} polls {}".format(
                number + 1, heaps[-1], server.tuples, server.posts, board.asked
            )
        )
    daemon.stop.set()
    await task
    lost = [board.counter(INDEXES[n]) - server.last[SENSORS[n]][1] for n in range(len(SENSORS))]
    return {
        "days": days,
        "heap": heaps,
        "heap_growth": max(heaps[1:] or heaps) - (heaps[1:] or heaps)[0],
        "lost_wh": lost,
        "wrong": server.falls,
        "repeated": server.repeats,
        "tuples": server.tuples,
        "polls": board.asked,
        "polls_missed": days * DAY_S - board.asked,
    }


def main():
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    begin = time.time()
    figures = asyncio.run(week(days, print))
    figures["runtime"] = sys.implementation.name
    figures["real_s"] = int(time.time() - begin)
    print("week: " + json.dumps(figures))
    allowed = HEAP_GROWTH if figures["runtime"] == "micropython" else HEAP_GROWTH // 4
    bad = max(figures["lost_wh"]) > 2 or figures["wrong"] or figures["heap_growth"] > allowed
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

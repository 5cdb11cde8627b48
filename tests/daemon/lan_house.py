# SPDX-License-Identifier: GPL-3.0-or-later
"""A house for the LAN API: what lan.py and status.py read of the daemon, with a clock that stands;
for both interpreters.
"""

import time
from collections import namedtuple

from flukso.backlog import Store
from flukso.boards import Identity
from flukso.clock import Believer
from flukso.config_sensors import Sensor
from flukso.ports.tcp import serve_tcp
from flukso.readings import Readings
from flukso.register import Registrar
from flukso.rs485 import Rs485
from flukso.upload import Setup, Uploader

T0 = 1700000000
DEVICE, KEY = "d" * 32, "00112233445566778899aabbccddeeff"
POWER, WATER, IDLE = "a" * 32, "b" * 32, "c" * 32

Settings = namedtuple(
    "Settings",
    ("device", "key", "wan", "register", "base_url", "sensors", "phase", "lan_port", "lan_name"),
)


def sensor(number, id_, type_, class_):
    return Sensor(number, True, id_, type_, class_, (number,), 1, 0, "230", "50", "mains", (), 0)


SENSORS = (
    sensor(1, POWER, "electricity", "analog"),
    sensor(2, IDLE, "electricity", "analog"),
    sensor(4, WATER, "water", "pulse"),
)


class Clock:
    """Stands at mono until told otherwise; the wall clock is T0 ahead."""

    def __init__(self):
        self.mono = 1000.0

    def monotonic(self):
        return self.mono

    def wall(self):
        return T0 + self.mono


class RealClock:
    def monotonic(self):
        return time.time()


class Port:
    serve_tcp = staticmethod(serve_tcp)

    def __init__(self):
        self.files = {
            "/proc/sys/kernel/hostname": b"Meter\n",
            "/etc/resolv.conf": b"# made by hand\nsearch lan Home.Example\nnameserver ::1\n",
        }

    def read_file(self, path, limit):
        if path not in self.files:
            raise OSError(2, path)
        return self.files[path]

    def system_clock(self):
        return RealClock()


class Board:
    identity = Identity(2, 1, 2, 0, False)
    polls, faults = 1234, 5
    exact, inputs, damage = False, (), None
    listens, fractions = False, True


class Sender:
    def __init__(self, settings):
        self.uploader = Uploader(
            Setup(DEVICE, KEY, 210, 300, [POWER, IDLE, WATER], "", bytes, dict), 1000.0
        )
        self.registrar = Registrar(settings, 210, 1000.0)


class House:
    """A house with power, water and one sensor without a reading.

    It has 60 readings of 101 to 160 W, and water that ran twice, 30 s apart.
    """

    def __init__(self):
        self.clock = Clock()
        self.port = Port()
        self.settings = Settings(DEVICE, KEY, 1, 1, "https://a.b.c/", SENSORS, 1, 8080, "")
        self.started_at = 900.0
        self.readings = Readings(SENSORS, 1000.0)
        self.store = Store()
        self.believer = Believer(1000.0)
        self.believer.observe(self.clock.wall(), 1000.0, True)
        self.sender = Sender(self.settings)
        self.board = Board()
        self.board_error = ""
        self.rs485 = Rs485(None)
        self.rs485.lost = 7
        self.config_error = self.save_error = self.flash_error = self.upgrade = ""
        self.killed = 0
        self.last_poll = 1000.0
        for n in range(60):
            self.readings.meters[POWER].power(941 + n, n, 101 + n)
            self.store.add(POWER, T0 + 941 + n, n)
        self.readings.meters[WATER].pulse(950.0, 10, 0, 5000)
        self.readings.meters[WATER].pulse(980.0, 11, 0, 35000)
        self.lan = None
        self.lines = []

    def log(self, level, text):
        self.lines.append((level, text))

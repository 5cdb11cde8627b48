# SPDX-License-Identifier: GPL-3.0-or-later
"""A port without a machine: files in a dict, a server in a dict, the log in a list. With it the
whole daemon runs in a test.
"""

import asyncio
import json

from flukso.boards import BoardError
from flukso.digest import x_digest
from flukso.https import Answer, HttpsError

DEVICE, KEY = "fedcba9876543210fedcba9876543210", "00112233445566778899aabbccddeeff"
IDS = ["0123456789abcdef0123456789abcde{}".format(digit) for digit in range(6)]

MAIN = """config system
	option device '{}'
	option key '{}'
	option version 210
config settings daemon
	option wan_base_url https://localhost/
	option bus unix:/bus
	option upload_interval 300
	option state_dir /state
	option enable_lan_branch 0
""".format(DEVICE, KEY)
SENSOR = "config sensor {0}\n\toption id {1}\n\tlist port {0}\n\toption enable 1\n"
ANALOG = SENSOR + "\toption class analog\n\toption voltage 230\n\toption current 50\n"
PULSE = SENSOR + "\toption class pulse\n\toption constant {2}\n"
CONFIG = MAIN + ANALOG.format(1, IDS[0]) + PULSE.format(4, IDS[3], "0.5")


class FakeServer:
    """Takes tuples as the server does: the first value of a timestamp stays."""

    warning = ""  # of the CA file

    def __init__(self):
        self.tuples = {}
        self.conflicts = []  # a timestamp sent twice with different values
        self.posts = []  # (path, number of tuples)
        self.trouble = None  # an HttpsError to raise, or a status to answer
        self.lose_answer = False
        # a function that gives the time which heartbeats' answers sign; None: they are not signed
        self.signs = None

    async def request(self, method, path, headers, body, timeout_s):
        if isinstance(self.trouble, HttpsError):
            raise self.trouble
        if self.trouble:
            return Answer(self.trouble, {}, b"")
        message = json.loads(body)
        self.posts.append((path, len(message.get("measurements", []))))
        if path.startswith("/device/"):
            return self._beat()
        held = self.tuples.setdefault(path.rpartition("/")[2], {})
        for ts, counter in message.get("measurements", []):
            if held.setdefault(ts, counter) != counter:
                self.conflicts.append((path, ts))
        if self.lose_answer:
            raise HttpsError("timeout", "no answer in time")
        return Answer(200, {}, b'{"response":"ok"}')

    def _beat(self):
        if self.signs is None:
            return Answer(200, {}, b'{"upgrade":0}')
        body = '{{"upgrade":0,"timestamp":{}}}'.format(int(self.signs())).encode()
        return Answer(200, {"x-digest": x_digest(KEY, body)}, body)

    def close(self):
        pass

    def beats(self):
        return len([path for path, _ in self.posts if path.startswith("/device/")])

    def held(self, sensor):
        return sorted(self.tuples.get(sensor, {}).items())


class FakePort:
    def __init__(self, clock, bus, server, config=CONFIG):
        self.clock, self.bus, self.server = clock, bus, server
        self.files = {"/etc/flukso": config.encode()}
        self.stamps = {}
        self.owners = {}
        self.lines = []
        self.write_error = None
        self.line = None
        self.served = {}
        self.stop = self.reload = None

    def system_clock(self):
        return self.clock

    def open_bus(self, url, clock):
        if self.bus is None:
            raise BoardError("no bus")
        return self.bus

    def open_https(self, base_url, cacert, clock):
        return self.server

    def check_cacert(self, cacert):
        return ""

    def log(self, level, text):
        self.lines.append((level, text))

    def said(self, word):
        return [text for _, text in self.lines if word in text]

    def read_file(self, path, limit):
        if path not in self.files:
            raise FileNotFoundError(2, "no {}".format(path))
        assert len(self.files[path]) <= limit
        return self.files[path]

    def write_durable(self, path, data, mode=0o600, user=None):
        if self.write_error:
            raise OSError(self.write_error)
        self.files[path] = bytes(data)
        self.owners[path] = user
        self.stamps[path] = self.stamps.get(path, 0) + 1

    def rewrite_durable(self, path, data):
        self.write_durable(path, data)

    def connector(self, url):
        """Nobody listens."""

        async def connect():
            raise ConnectionRefusedError(111, url)

        return connect

    def rename(self, old, new):
        self.files[new] = self.files.pop(old)

    def make_folder(self, path):
        pass

    def file_stamp(self, path):
        return "{}-{}".format(self.stamps.get(path, 0), len(self.files.get(path, b"")))

    def random_bytes(self, count):
        return bytes(count)

    def on_signals(self, stop, reload):
        self.stop, self.reload = stop, reload

    def monotonic(self):
        return self.clock.monotonic()

    async def open_line(self, path, baud):
        if self.line is None:
            raise BoardError("{}: no such line".format(path))
        self.line.opened += 1
        return self.line, self.line

    async def serve_unix(self, path, handler):
        self.served[path] = handler
        return self

    def open_pipe(self, path):
        self.pipe = []
        return FakePipe(self.pipe)

    def close(self):
        pass


class FakePipe:
    def __init__(self, lines):
        self.lines = lines

    def write(self, line):
        self.lines.append(line)
        return True

    def close(self):
        pass


class FakeLine:
    """Both ends of a stream: what a test says is read, what is written is kept."""

    def __init__(self):
        self.opened = 0
        self.written = b""
        self.closed = False
        self._queue = asyncio.Queue()

    def say(self, data):
        self._queue.put_nowait(data)

    async def read(self, count):
        return await self._queue.get()

    def write(self, data):
        self.written += data

    async def drain(self):
        pass

    def close(self):
        self.closed = True

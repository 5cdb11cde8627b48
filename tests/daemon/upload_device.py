# SPDX-License-Identifier: GPL-3.0-or-later
"""An uploader, its store and its clock, with a server that a test chooses."""

from flukso.backlog import Store
from flukso.digest import x_digest
from flukso.https import UNREACHABLE, Answer, HttpsError
from flukso.upload import TUPLES, Setup, Uploader

DEVICE, KEY = "d" * 32, "00112233445566778899aabbccddeeff"
A, B = "a" * 32, "b" * 32
T0 = 1_700_000_000
OK = Answer(200, {}, b'{"response":"ok"}')
BEAT = b'{"upgrade":0,"timestamp":1700000000}'
GOOD_BEAT = Answer(200, {"x-digest": x_digest(KEY, BEAT)}, BEAT)


def zeros(count):
    return bytes(count)


def unreachable(request):
    return HttpsError(UNREACHABLE, "nobody there")


def setup(sensors, **options):
    """Return the Setup of an uploader of these sensors; options replace its other members."""
    names = {
        "device": DEVICE,
        "key": KEY,
        "version": 210,
        "interval_s": 300,
        "sensors": sensors,
        "prefix": "",
        "random": zeros,
        "vitals": dict,
    }
    names.update(options)
    return Setup(**names)


class Device:
    """An uploader with its store and a clock; `answers` says what the server does with each
    request.
    """

    def __init__(self, sensors=(A, B), interval_s=300, random=zeros, **options):
        self.mono = 100.0
        self.store = Store()
        wanted = setup(sensors, interval_s=interval_s, random=random, **options)
        self.uploader = Uploader(wanted, self.mono)
        self.answer = lambda request: OK if request.kind == TUPLES else GOOD_BEAT
        self.requests, self.events = [], []

    def now(self):
        return T0 + int(self.mono)

    def feed(self, seconds, step=60, sensors=(A, B)):
        for ts in range(self.now(), self.now() + seconds, step):
            for sensor in sensors:
                self.store.add(sensor, ts, ts - T0)
        self.mono += seconds
        return self

    def due(self):
        """Wait until something is due, then take and answer requests until there is none."""
        self.mono = max(self.mono, self.uploader.due_at(self.mono))
        return self.drain()

    def drain(self):
        taken = []
        while True:
            request = self.uploader.next_request(self.store, self.now(), self.mono)
            if request is None:
                break
            taken.append(request)
            answer = self.answer(request)
            if isinstance(answer, Exception):
                event = self.uploader.failed(request, answer, self.mono)
            else:
                event = self.uploader.answered(request, answer, self.mono, self.store)
            if event is not None:
                self.events.append(event)
        self.requests += taken
        return taken

    def tuples(self, requests):
        return [request for request in requests if request.kind == TUPLES]

    def seconds_to_next(self):
        return self.uploader.due_at(self.mono) - self.mono

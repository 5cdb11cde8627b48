# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what is posted, and what answers mean (docs/design/upload.md); pure.

The wire is docs/design/protocols.md §3 and §8.
"""

import json
from collections import namedtuple

from flukso.digest import same, x_digest, x_sign
from flukso.httpdate import http_date
from flukso.https import CERTIFICATE, UNREACHABLE
from flukso.numerals import digits, whole
from flukso.sieve import AGAIN, ALONE_CRASHED, NONE, Aside, Refused, Sieve

BODY_MAX = 8192  # bytes of a request: small servers and small devices both take that
TUPLE_CHARS = 24  # of one tuple in JSON at most: [4294967295,4294967295],
BATCH = (BODY_MAX - 32) // TUPLE_CHARS
PROBE = 32  # tuples while the last request failed: an outage costs little, whatever the backlog
TIMEOUT_S = 30  # of a whole request

START_S = 2  # from the start to the first request, and
# up to this much more: not all devices of a street at once when the power is back
START_SPREAD_S = 8
BACKOFF_S = 30  # after the first failure, doubled with each
BACKOFF_MAX_S = 3600
SLOW_S = 3600  # after an answer that a retry will hardly change: 401, 404, …
RETRY_AFTER_MAX_S = 86400  # what a server may ask for
HEARTBEAT_S = 3600
CLAIM_MAX = 0xFFFFFFFF  # of a claim number: no device changes hands as often
ASK_APART_S = 30  # between two heartbeats that ask for the time
INTERVAL_MIN_S, INTERVAL_MAX_S = 10, 300  # that X-Upload-Interval may ask for,
INTERVAL_HOLD_S = 600  # for so long
BUSY = (408, 425, 429)  # of the 4xx, those that pass by themselves
TOO_LARGE = 413
# Of the 4xx, those that a single tuple may be the reason of (403, 406: a filter before the server);
# others are about whom or where
BODY_REFUSED = (400, 403, 406, 409, TOO_LARGE, 422)
# the same of the rest: a "no" in other words, and a server that one tuple makes fail
BODY_CRASHES = (200, 500)

HEARTBEAT, TUPLES = "heartbeat", "tuples"

# What an Uploader is told once. device, key: 32 hex digits; version: of the heartbeat, an integer;
# sensors: ids of all that may hold tuples; prefix: base_path() of the server's URL; random(n): n
# random bytes; vitals(): the heartbeat's figures (uptime, memtotal, memfree, memcached, membuffers)
Setup = namedtuple(
    "Setup",
    ("device", "key", "version", "interval_s", "sensors", "prefix", "random", "vitals"),
)

# kind: HEARTBEAT or TUPLES; sensor, batch and whole (the batch was all that the sensor had) belong
# to TUPLES
Request = namedtuple(
    "Request",
    ("method", "path", "headers", "body", "timeout_s", "kind", "sensor", "batch", "whole"),
)
# what should be logged: level "info" or "warning", and a sentence
Event = namedtuple("Event", ("level", "text"))


def base_path(url: str) -> str:
    """Return what a server's base URL puts before /sensor in paths, "" for a bare host."""
    rest = url.split("://", 1)[-1]
    slash = rest.find("/")
    return "" if slash < 0 else rest[slash:].rstrip("/")


def encode(batch: "list[tuple[int, int]]") -> bytes:
    """Return the body that carries these tuples: compact JSON."""
    return ('{"measurements":' + json.dumps(batch, separators=(",", ":")) + "}").encode()


def acknowledges(status: int, body: bytes) -> bool:
    """Return whether this answer to a post of tuples says that the server has them."""
    if status == 204:
        return True
    answer = _object(body) if status == 200 else None
    return answer is not None and answer.get("response") == "ok"


def _object(body):
    """Return what this JSON object holds, None for anything else."""
    try:
        text = body.decode().strip()
        # MicroPython reads what is not finished, too
        value = json.loads(text) if text[-1:] == "}" else None
    # MicroPython's recursion limit is a RuntimeError; CPython's is one too
    except (ValueError, RuntimeError, MemoryError):
        return None
    return value if isinstance(value, dict) else None


class Uploader:
    """Decides what to post when: tuples of every sensor each interval, oldest first, and a
    heartbeat at start and hourly.

    The caller asks due_at(), then takes next_request() until it is None, and tells answered() or
    failed() after each.
    """

    def __init__(self, setup: Setup, mono: float = 0.0):
        self._device = setup.device
        self._key = setup.key
        self._version = setup.version
        self._interval_s = setup.interval_s
        self._sensors = list(setup.sensors)
        self._random = setup.random
        self._prefix = setup.prefix
        self._vitals = setup.vitals
        self._asked_s: "int | None" = None  # interval that the server asked for, and until when
        self._asked_until = mono
        start = mono + START_S + self._fraction() * START_SPREAD_S
        self._upload_at = start
        self._heartbeat_at = start
        self._hold_until = mono  # back-off: no request before
        # sensors that this cycle has still to drain; None between cycles
        self._pending: "list[str] | None" = None
        self._slow: dict[str, float] = {}  # sensor: not before
        self._said: dict[str, str] = {}  # sensor (or HEARTBEAT): the last trouble that was logged
        self._failures = 0  # in a row, of tuples
        self._heartbeat_failures = 0
        self._first_heartbeat = True
        self._sieve = Sieve()
        self._most = BATCH  # tuples of a body, fewer where a server takes only smaller ones
        self.aside = Aside()
        # newest timestamp that a server may have, from the moment on at which it is posted
        self.newest_sent = 0
        self._sent_before = 0  # what it was before the request that is on its way
        self.requests = 0
        self.failures = 0  # requests without a good answer
        self.acknowledged = 0  # tuples
        self.last_ok: "float | None" = None  # monotonic time
        self.last_error = ""
        self.server_time: "int | None" = None  # of the last heartbeat's answer
        # that the answer just taken signed, None when it signed none
        self.signed_time: "int | None" = None
        self._beat_at: "float | None" = None  # when the last heartbeat left
        # whether the LAN page may show a claim code: it is to know soon that somebody claimed
        self.code_shown = False
        self.claimed = False
        self.claim_number = 0  # §8.3, as a signed answer said it last

    def _fraction(self):
        """Return a random number from 0 up to, not including, 1."""
        raw = self._random(2)
        return (raw[0] * 256 + raw[1]) / 65536

    def interval_s(self, mono: float) -> int:
        """Return the interval in force: the server's while that holds, else the configured one."""
        return (
            self._asked_s
            if self._asked_s is not None and mono < self._asked_until
            else self._interval_s
        )

    def due_at(self, mono: float, dated: bool = True) -> float:
        """Return the monotonic time at which to ask next_request() again.

        While tuples are not dated, that is the time of the next heartbeat.
        """
        wanted = self._heartbeat_at
        if dated:
            wanted = mono if self._pending is not None else min(self._upload_at, wanted)
        return max(wanted, self._hold_until)

    def ask_time(self, at: float) -> None:
        """Send the next heartbeat at this time already, as its answer tells the server's."""
        if self._beat_at is not None:
            self._heartbeat_at = min(self._heartbeat_at, max(at, self._beat_at + ASK_APART_S))

    def redated(self, before: int) -> None:
        """Note that held tuples were re-dated: new stamps begin at `before`, whatever was sent."""
        self.newest_sent = min(self.newest_sent, before - 1)
        self._sent_before = min(self._sent_before, before - 1)

    def flush(self, mono: float, dated: bool = True) -> None:
        """Make everything due now, for a last attempt before a clean stop.

        The back-off is passed over once. Tuples that are not dated need a heartbeat first: its
        answer may tell the time.
        """
        self._upload_at = mono
        self._hold_until = mono
        self._heartbeat_at = mono + HEARTBEAT_S if dated else mono
        self._pending = None

    def next_request(self, store, now: int, mono: float, dated: bool = True) -> "Request | None":
        """Return the request to send now, None when nothing is due.

        now: unix s; dated: whether it is known to be right. Before it is, only heartbeats go out.
        """
        if mono < self._hold_until:
            return None
        if mono >= self._heartbeat_at:
            self._beat_at = mono
            return self._heartbeat(now)
        if not dated:
            return None
        if self._pending is None:
            if mono < self._upload_at:
                return None
            self._pending = [
                sensor for sensor in self._sensors if mono >= self._slow.get(sensor, mono)
            ]
        while self._pending:
            request = self._tuples(self._pending[0], store)
            if request is not None:
                return request
            self._pending.pop(0)
        self._pending = None
        self._schedule(mono)
        return None

    def _schedule(self, mono):
        """Set the next upload a whole number of intervals after the last one."""
        interval_s = self.interval_s(mono)
        self._upload_at += interval_s
        if self._upload_at <= mono:
            self._upload_at = mono + interval_s

    def _post(self, kind, path, body, tuples=(None, None, False)):
        path = self._prefix + path
        headers = {
            "Content-Type": "application/json",
            "X-Version": "1.0",
            "User-Agent": "Fluksometer v{}".format(self._version),
            "X-Digest": x_digest(self._key, body),
            "X-Sign": x_sign(self._key, path, body),
        }
        self.requests += 1
        return Request("POST", path, headers, body, TIMEOUT_S, kind, *tuples)

    def _tuples(self, sensor, store):
        """Return the post of the sensor's oldest tuples, None when it has none."""
        buffer = store.buffer(sensor)
        batch = self._sieve.batch(sensor, buffer, self._limit())
        if not batch:
            return None
        self._sent_before = self.newest_sent
        self.newest_sent = max(self.newest_sent, batch[-1][0])
        return self._post(
            TUPLES, "/sensor/" + sensor, encode(batch), (sensor, batch, len(batch) == len(buffer))
        )

    def _limit(self):
        return min(self._most, PROBE) if self._failures else self._most

    def _heartbeat(self, now):
        figures = self._vitals()
        members = [("reset", 1 if self._first_heartbeat else 0), ("version", self._version)]
        for name in ("uptime", "memtotal", "memfree", "memcached", "membuffers"):
            members.append((name, figures.get(name, 0)))
        members.append(("time", now))
        body = "{" + ",".join(['"{}":{}'.format(name, int(value)) for name, value in members]) + "}"
        return self._post(HEARTBEAT, "/device/" + self._device, body.encode())

    def answered(self, request: Request, answer, mono: float, store) -> "Event | None":
        """Judge the server's answer (status, headers with lower-case names, body) to a request."""
        self.signed_time = None
        self._note_interval(answer.headers, mono)
        status = answer.status
        if request.kind == TUPLES and acknowledges(status, answer.body):
            return self._stored(request, mono, store)
        if request.kind == HEARTBEAT and status == 200:
            return self._heartbeat_answer(request, answer, mono)
        text = "{} answered {}{}".format(self._name(request), status, reason(answer))
        if request.kind == TUPLES and status in BODY_REFUSED:
            return self._body_refused(request, status, text, mono, store)
        if 400 <= status < 500 and status not in BUSY:
            return self._refused(request, text, mono)
        event = self._trouble(request, text, mono, retry_after(answer.headers))
        if request.kind == TUPLES and status in BODY_CRASHES:
            # whatever follows, it waits for the back-off
            _, culprit = self._sieve.refused(
                request.sensor,
                request.batch,
                store.buffer(request.sensor),
                self._limit(),
                ALONE_CRASHED,
            )
            return self._set_aside(request, culprit, status, text, store) or event
        return event

    def failed(self, request: Request, error, mono: float) -> "Event | None":
        """Note that the request got no answer; error is the port's, with its kind and sentence."""
        if request.batch and getattr(error, "kind", "") in (CERTIFICATE, UNREACHABLE):
            self.newest_sent = self._sent_before  # else the server may have stored it all the same
        return self._trouble(request, "{}: {}".format(self._name(request), error), mono, 0)

    def _name(self, request):
        return "heartbeat" if request.kind == HEARTBEAT else "sensor " + request.sensor

    def _note_interval(self, headers, mono):
        asked = headers.get("x-upload-interval", "").strip()
        if digits(asked, 3) is None or not INTERVAL_MIN_S <= int(asked) <= INTERVAL_MAX_S:
            return
        self._asked_s = int(asked)
        self._asked_until = mono + INTERVAL_HOLD_S
        self._upload_at = min(self._upload_at, mono + self._asked_s)
        if HEARTBEAT not in self._said:  # a heartbeat in trouble has its own time
            self._heartbeat_at = min(self._heartbeat_at, mono + self._heartbeat_s(mono))

    def _heartbeat_s(self, mono):
        """Return the seconds between heartbeats: an hour.

        While a claim code is shown, the interval that the server asked for.
        """
        often = (
            self.code_shown
            and not self.claimed
            and self._asked_s is not None
            and mono < self._asked_until
        )
        return self._asked_s if often else HEARTBEAT_S

    def _stored(self, request, mono, store):
        self.acknowledged += store.buffer(request.sensor).ack(request.batch)
        self._sieve.took(request.sensor, request.whole)
        if request.whole:
            self._end_turn(request.sensor)
        return self._good(request, mono)

    def _good(self, request, mono):
        name = request.sensor if request.kind == TUPLES else HEARTBEAT
        if request.kind == TUPLES:
            self._failures = 0
            self.last_ok = mono
            self._slow.pop(name, None)
        if self._sieve.searching(name) or self._said.pop(name, None) is None:
            return None
        return Event("info", "{} is accepted again".format(self._name(request)))

    def _heartbeat_answer(self, request, answer, mono):
        body = _object(answer.body)
        if body is None or not same(
            answer.headers.get("x-digest", ""), x_digest(self._key, answer.body)
        ):
            return self._refused(
                request, "heartbeat: the answer's digest is wrong, nothing of it is believed", mono
            )
        timestamp = body.get("timestamp")
        self.server_time = self.signed_time = timestamp if isinstance(timestamp, int) else None
        self.claimed = body.get("claimed") == 1
        number = body.get("claim", 0)
        self.claim_number = number if type(number) is int and 0 <= number <= CLAIM_MAX else 0
        self._first_heartbeat = False
        self._heartbeat_failures = 0
        self._heartbeat_at = mono + self._heartbeat_s(mono)
        return self._good(request, mono)

    def _body_refused(self, request, status, text, mono, store):
        """Find out why a server that answers does not want this body.

        A smaller body follows, the same one later, or a search for the tuple that is at fault.
        """
        sensor, count = request.sensor, len(request.batch)
        if status == TOO_LARGE and not self._sieve.searching(sensor):
            if count == 1:
                return self._refused(request, text, mono)
            self._failures = 0
            self._most = count // 2
            return self._say(sensor, text)
        verdict, culprit = self._sieve.refused(
            sensor, request.batch, store.buffer(sensor), self._limit()
        )
        if verdict == NONE or (verdict == AGAIN and self._sieve.hopeless(sensor)):
            self._most = BATCH
            return self._refused(request, text, mono)
        self._failures = 0
        if verdict == AGAIN:
            self._end_turn(sensor)
        event = self._set_aside(request, culprit, status, text, store)
        if event is None and not self._sieve.searching(sensor):
            return self._say(sensor, text)
        self._count(text)
        return event

    def _set_aside(self, request, culprit, status, text, store):
        """Take this tuple out of the buffer and say so; None when there is none."""
        if culprit is None or not store.buffer(request.sensor).ack([culprit]):
            return None
        self.aside.add(Refused(request.sensor, culprit[0], culprit[1], status))
        said = (
            "{}: the tuple [{},{}] stays refused while its neighbours are taken, it is set "
            "aside; the counter goes on with the next"
        )
        return Event("warning", said.format(text, culprit[0], culprit[1]))

    def _end_turn(self, sensor):
        """Nothing more of this sensor in this cycle."""
        if self._pending and self._pending[0] == sensor:
            self._pending.pop(0)

    def _refused(self, request, text, mono):
        """Put this off for a long while: the server does not want it. The others go on."""
        until = mono + SLOW_S * (1 + self._fraction() / 8)
        if request.kind == HEARTBEAT:
            self._heartbeat_at = until
            return self._say(HEARTBEAT, text)
        self._failures = 0
        self._slow[request.sensor] = until
        self._end_turn(request.sensor)
        return self._say(request.sensor, text)

    def _trouble(self, request, text, mono, retry_after_s):
        """Back off: the server or the way to it is in trouble.

        A heartbeat that fails holds up no tuples.
        """
        if request.kind == HEARTBEAT:
            self._heartbeat_at = mono + self._backoff(self._heartbeat_failures, retry_after_s)
            self._heartbeat_failures += 1
            return self._say(HEARTBEAT, text)
        self._hold_until = mono + self._backoff(self._failures, retry_after_s)
        self._failures += 1
        if self._pending and self._pending[0] == request.sensor:
            # the trouble may be of this sensor alone: another one is tried first
            self._pending.append(self._pending.pop(0))
        return self._say(request.sensor, text)

    def _backoff(self, failures, retry_after_s):
        """Return the seconds to wait after so many earlier failures.

        A random time in the upper half of a span that doubles.
        """
        span_s = min(BACKOFF_MAX_S, BACKOFF_S << min(failures, 10))
        return max(span_s * (1 + self._fraction()) / 2, min(retry_after_s, RETRY_AFTER_MAX_S))

    def _count(self, text):
        self.failures += 1
        self.last_error = text

    def _say(self, name, text):
        """Return the event of a trouble the first time; the same one again is only counted."""
        self._count(text)
        if self._said.get(name) == text:
            return None
        self._said[name] = text
        return Event("warning", text)


def reason(answer):
    """Return what the server said about itself, cut to a printable line."""
    text = answer.headers.get("www-authenticate", "")
    if not text:
        body = _object(answer.body)
        text = str(body.get("error", "")) if body else ""
    text = "".join([c if 32 <= ord(c) < 127 else "?" for c in text[:100]])
    return ": " + text if text else ""


def retry_after(headers) -> int:
    """Return the seconds that Retry-After asks for, 0 when it says nothing that can be read."""
    text = headers.get("retry-after", "").strip()
    seconds = whole(text)
    if seconds is not None:
        return seconds
    until, date = http_date(text), http_date(headers.get("date", ""))
    return max(0, until - date) if until is not None and date is not None else 0

# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the server: registration first, then heartbeats and tuples, one request at a time."""

import asyncio

from flukso import upload, version
from flukso.https import CERTIFICATE, HttpsError
from flukso.register import Registrar

NEVER_S = 1e18  # a monotonic time that does not come


class Sender:
    """Posts what is due whenever it is woken. The store keeps what is not acknowledged."""

    def __init__(self, port, clock, log, store, dating, settings, sensors):
        """dating dates the readings; sensors: the ids of all that may hold tuples."""
        self._port = port
        self._clock = clock
        self._log = log
        self._store = store
        self._dating = dating
        self._https = None
        self._wake = asyncio.Event()
        self._last = False
        self._open_up = True
        self._settings = settings
        self.uploader = self._new_uploader(sensors)
        self.uploader.newest_sent = dating.sent
        self.registrar = Registrar(settings, self._number(), clock.monotonic())
        # from then on the sender is worth waking; not kept while it is at work
        self.next_at = self._due_at(clock.monotonic())

    def configure(self, settings, sensors):
        """Take other settings."""
        before, self._settings = self._settings, settings
        if (before.base_url, before.cacert) != (settings.base_url, settings.cacert):
            self.close()
        sent, aside = self.uploader.newest_sent, self.uploader.aside
        claimed, number = self.uploader.claimed, self.uploader.claim_number
        self.uploader = self._new_uploader(sensors)
        self.uploader.newest_sent, self.uploader.aside = sent, aside
        if (before.base_url, before.device, before.key) == (
            settings.base_url,
            settings.device,
            settings.key,
        ):
            self.uploader.claimed, self.uploader.claim_number = claimed, number
        mono = self._clock.monotonic()
        self.registrar = Registrar(settings, self._number(), mono)
        self.next_at = self._due_at(mono)

    def _number(self):
        return version.number() if self._settings.version is None else self._settings.version

    def _new_uploader(self, sensors):
        settings = self._settings
        setup = upload.Setup(
            settings.device,
            settings.key,
            self._number(),
            settings.upload_interval_s,
            sensors,
            upload.base_path(settings.base_url),
            self._port.random_bytes,
            lambda: vitals(self._port),
        )
        uploader = upload.Uploader(setup, self._clock.monotonic())
        uploader.code_shown = bool(settings.register)
        return uploader

    def _due_at(self, mono):
        if not self._settings.wan:
            return NEVER_S
        if not self.registrar.ready():
            return self.registrar.due_at(mono)
        return min(
            self.registrar.due_at(mono), self.uploader.due_at(mono, self._dating.believer.settled)
        )

    def plan(self, mono: float):
        """Look anew at what is due when, for what is known of the time has changed."""
        self.next_at = self._due_at(mono)

    def wake(self):
        self._wake.set()

    def finish(self, once_more: bool):
        """End, after everything was posted once more if `once_more`. Nothing new will come.

        Only what is dated goes out.
        """
        self._last = True
        self._open_up = once_more
        if once_more:
            self.uploader.flush(self._clock.monotonic(), self._dating.believer.settled)
        self._wake.set()

    async def run(self):
        """Post whenever woken, until finish()."""
        if self._settings.wan:
            try:
                self._open()  # what it has to load is loaded before the first poll
            except HttpsError:
                pass  # the first request says it
        while not self._last:
            await self._wake.wait()
            self._wake.clear()
            while self._settings.wan and self._open_up and await self._post():
                pass
            self.next_at = self._due_at(self._clock.monotonic())

    async def _post(self) -> bool:
        """Send what is due next; return False when nothing is.

        Registrar and Uploader judge what goes wrong.
        """
        mono = self._clock.monotonic()
        registrar, uploader = self.registrar, self.uploader
        request = registrar.next_request(mono)
        if request is None and registrar.ready():
            request = uploader.next_request(
                self._store, self._dating.now(), mono, self._dating.believer.settled
            )
        if request is None:
            return False
        registering = request.kind not in (upload.HEARTBEAT, upload.TUPLES)
        try:
            https = self._open()
            answer = await https.request(
                request.method, request.path, request.headers, request.body, request.timeout_s
            )
        except OSError as failure:
            mono = self._clock.monotonic()
            error = self._dating.blame(failure) if getattr(failure, "dates", False) else failure
            event = (
                registrar.failed(request, error, mono)
                if registering
                else uploader.failed(request, error, mono)
            )
        else:
            asked, mono = mono, self._clock.monotonic()
            event = (
                registrar.answered(request, answer, mono)
                if registering
                else uploader.answered(request, answer, mono, self._store)
            )
            if answer.status == 401 and not registering:
                registrar.refused_elsewhere(mono)
            if request.kind == upload.HEARTBEAT:
                self._dating.heard(uploader.signed_time, asked)
        if event is not None:
            self._log(event.level, event.text)
        return True

    def _open(self):
        if self._https is None:
            settings = self._settings
            try:
                self._https = self._port.open_https(settings.base_url, settings.cacert, self._clock)
            except (OSError, ValueError) as error:
                raise HttpsError(
                    CERTIFICATE, "the CA file {} cannot be used: {}".format(settings.cacert, error)
                )
            if self._https.warning:
                self._log("warning", self._https.warning)
        return self._https

    def close(self):
        if self._https is not None:
            self._https.close()
            self._https = None


def vitals(port) -> dict:
    """Return this machine's figures for the heartbeat: uptime in s, memory in kB.

    What cannot be read is missing.
    """
    figures = {}
    names = {
        "MemTotal:": "memtotal",
        "MemFree:": "memfree",
        "Cached:": "memcached",
        "Buffers:": "membuffers",
    }
    try:
        figures["uptime"] = int(float(port.read_file("/proc/uptime", 128).split()[0]))
        for line in port.read_file("/proc/meminfo", 16384).decode().split("\n"):
            words = line.split()
            if words and words[0] in names:
                figures[names[words[0]]] = int(words[1])
    except (OSError, ValueError, IndexError):
        pass
    return figures

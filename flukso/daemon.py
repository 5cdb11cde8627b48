# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon: wires board, buffer and upload together, owns the loop, saves and restores what was read (docs/daemon.md)."""

import asyncio

from flukso import config, state, version
from flukso.board import Board, Poll
from flukso.clock import Believer
from flukso.https import CERTIFICATE, HttpsError, parse_url
from flukso.readings import Readings
from flukso.spi import SpiError
from flukso.upload import Uploader

ALIGN_S = 0.002  # polls begin this much behind the whole second, so that no clock's rounding dates one into the second before
FAILURES_MAX = 3  # polls in a row without a reply to believe; then the board is taken for another one: asked who it is, brought in line
RESYNC_S = 3600  # how often the board's settings are compared again
LAST_POLL_S = 5  # real seconds that a clean stop waits for the poll that is due,
LAST_UPLOAD_S = 10  # and for the server
LEVELS = ("debug", "info", "notice", "warning", "err", "crit")
UPLOAD_LEVELS = {"error": "err"}  # upload.py's names where they differ


class Log:
    """Writes what is at least as grave as the configured level."""

    def __init__(self, port):
        self._port = port
        self.least = "info"

    def __call__(self, level, text):
        level = UPLOAD_LEVELS.get(level, level)
        if LEVELS.index(level) >= LEVELS.index(self.least):
            self._port.log(level, text)


class Daemon:
    """One board, one server. run() ends after stop was set."""

    def __init__(self, port, clock, settings, bus_url=None, config_path=""):
        self.port = port
        self.clock = clock
        self.log = Log(port)
        self.stop = asyncio.Event()
        self.reload = asyncio.Event()
        self.started_at = clock.monotonic()
        self._bus_url = bus_url
        self._config_path = config_path
        self._kick = asyncio.Event()  # something is to be uploaded
        self._last = False  # the next round of uploads is the last
        self._https = None
        self._bus = None
        self._bus_opened = None
        self.settings = settings
        self.store = state.restore(port, settings.state_dir, self.log)
        self.believer = Believer(self.started_at, self.store.newest())
        self.readings = None
        self.uploader = None
        self.board = None
        self.board_error = ""  # "" while it answers
        self.last_poll = None  # monotonic time of the last poll that was believed
        self._ready = False  # the board is known and its settings are in line
        self._fresh = False  # no reading was taken since
        self._failures = 0
        self._sync_at = self._save_at = self._flash_at = self.started_at
        self._apply(settings)

    def _apply(self, settings):
        """Take settings, at the start or anew; what was read stays."""
        mono = self.clock.monotonic()
        before, self.settings = self.settings, settings
        self.log.least = settings.log_level
        self.readings = Readings(settings.sensors, mono, self.readings)
        self._save_at = mono + settings.save_interval_s
        self._flash_at = mono + settings.flash_interval_s
        self._open_bus()
        if self.uploader is None or self._server(before) != self._server(settings):
            self._close_https()
        sensors = self.readings.ids() + [id_ for id_ in self.store.ids() if id_ not in self.readings.meters]
        number = version.number() if settings.version is None else settings.version
        self.uploader = Uploader(
            settings.device, settings.key, number, settings.upload_interval_s, sensors, self.port.random_bytes,
            self._prefix(settings), self._vitals, mono,
        )  # fmt: skip

    @staticmethod
    def _server(settings):
        return settings.base_url, settings.cacert

    @staticmethod
    def _prefix(settings):
        return parse_url(settings.base_url).path

    def _open_bus(self):
        url = self._bus_url or self.settings.bus
        if url.startswith("spidev:") and self.settings.spi_mode:
            url += "?mode={}".format(self.settings.spi_mode)
        if url != self._bus_opened:
            if self._bus is not None:
                self._bus.close()
            self._bus = self.port.open_bus(url, self.clock)
            self._bus_opened = url
            self.board = Board(self._bus, self.clock)
        self._ready = False

    async def run(self):
        """Poll, upload and save until stop is set; then poll, upload and save a last time."""
        poller = asyncio.create_task(self._poll_loop())
        uploader = asyncio.create_task(self._upload_loop())
        self.log("info", "started: {} sensors, bus {}, upload every {} s".format(
            len(self.readings.indexes), self._bus_opened, self.settings.upload_interval_s))  # fmt: skip
        await self.stop.wait()
        await self._end(poller, LAST_POLL_S)
        self._last = True
        self._save()
        if self.settings.wan and self.believer.believed:
            self._repeat()
            self.uploader.flush(self.clock.monotonic())
            self._kick.set()
        await self._end(uploader, LAST_UPLOAD_S)
        self._save()
        self._close_https()
        self._bus.close()
        self.log("info", "stopped: {} tuples kept".format(len(self.store)))

    async def _end(self, task, real_s):
        """Wait for a task that ends by itself, not longer than so many real seconds; a defect in it ends the daemon."""
        self._kick.set()
        try:
            await asyncio.wait_for(task, real_s)
        except asyncio.TimeoutError:
            self.log("warning", "stopping without waiting any longer")

    # Polling

    async def _poll_loop(self):
        """Poll the board in every whole second of the wall clock, from the first one after the start on."""
        try:
            while not self.stop.is_set():
                wall, mono = self.clock.wall(), self.clock.monotonic()
                due = int(wall) + 1 + ALIGN_S
                await self.clock.sleep_until(mono + due - wall)
                if self.reload.is_set():
                    self.reload.clear()
                    self._reload()
                await self._tick()
        finally:
            self.stop.set()

    async def _tick(self):
        mono = self.clock.monotonic()
        shift = self.believer.observe(self.clock.wall(), mono, self.uploader.newest_sent)
        if shift is not None:
            self.store.shift(shift.start, shift.delta_s)
            self.log("notice" if len(self.store) else "debug", "the clock was set: readings re-dated by {} s".format(shift.delta_s))
        ts = self.believer.stamp(mono)
        try:
            await self._read(ts, mono)
        except (SpiError, OSError) as error:
            self._lost(str(error))
        else:
            self.last_poll = mono
        self.store.age()
        self._due(mono)

    async def _read(self, ts, mono):
        if not self._ready or mono >= self._sync_at:
            await self._start_board()
            return
        if self._fresh:
            poll = Poll((), await self.board.counters(self.readings.indexes), True)
            self._fresh = False
        else:
            poll = await self.board.poll(self.readings.indexes)
        self.readings.take(poll, self.store, ts, mono)
        self._failures = 0
        if self.board_error:
            self.log("notice", "the board answers again")
            self.board_error = ""
        if self.readings.absent(mono):
            self.log("warning", "an enabled sensor is silent: the board's settings are compared again")
            self._ready = False

    async def _start_board(self):
        """Ask who the board is and bring it in line; the next poll takes every counter."""
        identity = await self.board.identify()
        changes = await self.board.sync(self.settings)
        if not self._ready:
            self.log(
                "info", "board: hardware {}.{}, firmware {}.{}{}".format(*identity[:4] + (" (historic)" if identity.historic else "",))
            )
        if changes:
            self.log("notice", "board settings brought in line: {}".format(", ".join(changes)))
        await self._reset_counters()
        mono = self.clock.monotonic()
        self._fresh = not self._ready
        self._ready = True
        self._sync_at = mono + RESYNC_S
        self.readings.expect(mono)

    async def _reset_counters(self):
        """Set the counters to 0 once for each time that the configuration was written with this wish."""
        folder = self.settings.state_dir
        if not self.settings.reset_counters or not state.reset_due(self.port, folder, self._config_path):
            return
        try:
            state.note_reset(self.port, folder, None)
            await self.board.reset_counters()
            state.note_reset(self.port, folder, self._config_path)
            self.log("notice", "the board's counters were reset, as configured")
        except OSError as error:
            self.log("err", "the counters are not reset, since it could not be noted: {}".format(error))

    def _lost(self, text):
        """The board did not answer: said once, tried again each second."""
        self._failures += 1
        if not self.board_error:
            self.log("warning", "the board does not answer: {}".format(text))
        self.board_error = text
        if self._failures >= FAILURES_MAX:
            self._ready = False

    def _due(self, mono):
        """Start what is due by the clock."""
        if mono >= self._save_at:
            self._save_at = mono + self.settings.save_interval_s
            self._save()
        if self.settings.wan and self.believer.believed and mono >= self.uploader.due_at(mono):
            self._repeat()
            self._kick.set()

    def _repeat(self):
        """Let counters that stand still be uploaded too, dated by the last poll that was believed."""
        if self.last_poll is not None and not self.board_error:
            self.store.repeat(self.readings.ids(), self.believer.stamp(self.last_poll))

    # Uploading

    async def _upload_loop(self):
        try:
            while not self._last:
                await self._kick.wait()
                self._kick.clear()
                await self._upload()
        finally:
            self.stop.set()

    async def _upload(self):
        """Post until nothing is due. What goes wrong is the uploader's to judge."""
        while self.settings.wan and self.believer.believed:
            uploader = self.uploader
            mono = self.clock.monotonic()
            request = uploader.next_request(self.store, self.believer.stamp(mono), mono)
            if request is None:
                return
            try:
                https = self._open_https()
                answer = await https.request(request.method, request.path, request.headers, request.body, request.timeout_s)
            except OSError as error:
                event = uploader.failed(request, error, self.clock.monotonic())
            else:
                event = uploader.answered(request, answer, self.clock.monotonic(), self.store)
            if event is not None:
                self.log(event.level, event.text)

    def _open_https(self):
        if self._https is None:
            try:
                self._https = self.port.open_https(self.settings.base_url, self.settings.cacert, self.clock)
            except (OSError, ValueError) as error:
                raise HttpsError(CERTIFICATE, "the CA file {} cannot be used: {}".format(self.settings.cacert, error))
        return self._https

    def _close_https(self):
        if self._https is not None:
            self._https.close()
            self._https = None

    def _vitals(self):
        return vitals(self.port)

    # Keeping

    def _save(self):
        try:
            state.save(self.port, self.settings.state_dir, self.store)
        except OSError as error:
            self.log("warning", "what was read could not be saved: {}".format(error))

    def _reload(self):
        """Read the configuration again; one with errors changes nothing."""
        try:
            settings = load_settings(self.port, self._config_path)
        except (config.ConfigErrors, OSError) as error:
            for line in str(error).split("\n"):
                self.log("err", "the configuration is not taken over: {}".format(line))
            return
        self._apply(settings)
        self.log("info", "the configuration was read again")


def load_settings(port, path: str):
    """Return the Settings of a configuration file, with the file `system` beside it. Raises ConfigErrors, or OSError when it cannot be read."""
    text = decode_text(port.read_file(path, config.uci.FILE_MAX))
    folder, slash, _ = path.rpartition("/")
    try:
        system = decode_text(port.read_file(folder + slash + "system", config.uci.FILE_MAX))
    except OSError:
        system = None
    return config.parse(text, system)


def decode_text(data: bytes) -> str:
    """Return the text of a file; ConfigErrors when it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except (UnicodeError, ValueError):
        raise config.ConfigErrors([config.uci.Problem("flukso", 0, "the file is not UTF-8 text")])


def vitals(port) -> dict:
    """Return the heartbeat's figures of this machine: uptime in s, memory in kB; what cannot be read is missing."""
    figures = {}
    names = {"MemTotal:": "memtotal", "MemFree:": "memfree", "Cached:": "memcached", "Buffers:": "membuffers"}
    try:
        figures["uptime"] = int(float(port.read_file("/proc/uptime", 128).split()[0]))
        for line in port.read_file("/proc/meminfo", 16384).decode().split("\n"):
            words = line.split()
            if words and words[0] in names:
                figures[names[words[0]]] = int(words[1])
    except (OSError, ValueError, IndexError):
        pass
    return figures


async def main(port, config_path: str, bus_url: str | None = None, clock_url: str | None = None) -> int:
    """Run the daemon until SIGTERM; return the exit status: 0, 2 for a configuration with errors, 1 when it could not start."""
    try:
        settings = load_settings(port, config_path)
    except (config.ConfigErrors, OSError) as error:
        for line in str(error).split("\n"):
            port.log("err", line)
        return 2
    clock = port.sim_clock(clock_url) if clock_url else port.system_clock()
    try:
        await clock.start()
        daemon = Daemon(port, clock, settings, bus_url, config_path)
        port.on_signals(daemon.stop, daemon.reload)
        await daemon.run()
    except OSError as error:
        port.log("err", "ended: {}".format(error))
        return 1
    finally:
        clock.close()
    return 0

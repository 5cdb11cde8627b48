# SPDX-License-Identifier: GPL-3.0-or-later
"""Wires board, buffer, server and LAN together and owns the loop (docs/guide/daemon.md)."""

import asyncio

from flukso import boards, config, pulses, state
from flukso.boards import Delta, Poll
from flukso.dating import Dating
from flukso.readings import Readings
from flukso.rs485 import EVERY_S, Rs485
from flukso.sender import NEVER_S, Sender
from flukso.services import Services
from flukso.spi import UART_SEND_MAX

# polls begin this much behind the whole second, so that no clock's rounding dates one into the
# second before
ALIGN_S = 0.002
NEXT_S = 1 + ALIGN_S
# polls in a row without a reply to believe; then the board is taken for another one: asked who it
# is, brought in line
FAILURES_MAX = 3
LOOK_S = 60  # how often the board is asked what its pulse inputs and its EEPROM suffered
RESYNC_S = 3600  # how often the board's settings are compared again
# how often it is looked whether something is to be thinned, saved or offered again, or a sensor is
# absent
CHORES_S = 5
# a board that took longer, or until later in a second, to be brought in line is polled in the next
# one: no poll is late
START_S = 0.7
LAST_POLL_S = 5  # real seconds that a clean stop waits for the poll that is due,
LAST_UPLOAD_S = 10  # and for the server


class Log:
    """Writes what is at least as grave as the configured level."""

    def __init__(self, port):
        self._port = port
        self.least = "info"

    def __call__(self, level, text):
        if config.LOG_LEVELS.index(level) >= config.LOG_LEVELS.index(self.least):
            self._port.log(level, text)


class Daemon:
    """One board, one server. run() ends after stop was set."""

    def __init__(self, port, clock, settings, bus_url=None, config_path=""):
        mono = clock.monotonic()
        self.port = port
        self.clock = clock
        self.settings = settings
        self.log = Log(port)
        self.stop = asyncio.Event()
        self.reload = asyncio.Event()
        self.started_at = mono
        self._bus_url = bus_url  # instead of the configured one
        self.store = state.restore(port, settings, self.log)
        self.dating = Dating(clock, self.log, self.store)
        self.believer = self.dating.believer
        self.readings = Readings(settings.sensors, mono, None, self._kind())
        self.sender = Sender(port, clock, self.log, self.store, self.dating, settings, self._ids())
        self.rs485 = Rs485(self.log)
        self.services = Services(self)
        self._delta_pipe = self.services.delta_pipe
        self._uart_offered = bool(settings.uart_socket)  # asked in each line
        self.lan = None  # the LAN API once it was started
        self.board_error = ""  # "" while it answers
        self.last_poll = None  # monotonic time of the last poll that was believed
        self._config_path = config_path
        self._read_notes()
        self._opening = boards.Opening("", {})  # of the board
        self._ready = False  # the board is known and its settings are in line
        self._fresh = False  # no reading was taken since
        self._failures = 0
        self._sync_at = mono
        self._look_at = NEVER_S
        self._chores_at = mono
        self._saver = state.Saver(port, self.log, settings, mono, self.dating.note)
        self.dating.begin(self.sender, lambda: self._saver.save(self.store))
        self._run = state.Run(port, settings.state_dir, self.log)
        self.log.least = settings.log_level
        self.board = self._open_board()

    @property
    def save_error(self) -> str:
        """Why what was read could not be saved, "" when it was."""
        return self._saver.error

    @property
    def killed(self) -> int:
        """How many daemons before this one ended without a clean stop."""
        return self._run.killed

    @property
    def uploader(self):
        return self.sender.uploader

    def _read_notes(self):
        """Read what was noted beside the configuration.

        It tells why one was not taken over, and how programming and the last upgrade ended.
        """
        self.config_error = state.noted(self.port, self._config_path)
        self.flash_error = state.noted(self.port, self._config_path, state.FLASH_NOTED)
        self.upgrade = state.noted(self.port, self._config_path, state.UPGRADE_NOTED)

    def _apply(self, settings):
        """Take other settings; what was read stays."""
        mono = self.clock.monotonic()
        self.settings = settings
        self.log.least = settings.log_level
        self.readings = Readings(settings.sensors, mono, self.readings, self._kind())
        self.board = self._open_board()
        self._saver.configure(settings, mono)
        self.sender.configure(settings, self._ids())
        self._uart_offered = bool(settings.uart_socket)

    def _ids(self):
        """Return the sensors that may hold tuples: the enabled ones, then restored ones."""
        return self.readings.ids() + [
            id_ for id_ in self.store.ids() if id_ not in self.readings.meters
        ]

    def _kind(self):
        return boards.kind_of(self._bus_url or self.settings.bus)

    def _open_board(self):
        """Return the board of the settings in force: the one that is open, if it is the same."""
        before, self._opening = self._opening, boards.opening(self.settings, self._bus_url)
        self._ready = False
        if before == self._opening:
            return self.board
        if before.url:
            self.board.close()
        return boards.open_board(self._opening, self.port, self.clock, self.log)

    async def run(self):
        """Poll, upload and save until stop is set; then poll, upload and save a last time."""
        sender = asyncio.create_task(self._guarded(self.sender.run()))
        poller = asyncio.create_task(self._guarded(self._poll_loop()))
        text = "started: {} sensors, bus {}, upload every {} s"
        self.log(
            "info",
            text.format(
                len(self.readings.indexes), self._opening.url, self.settings.upload_interval_s
            ),
        )
        try:
            await self.services.follow(self.settings, self.clock.monotonic())
            await self.stop.wait()
            await self._end(poller, LAST_POLL_S)
            self._saver.save(self.store)  # what follows may take longer than whoever stops us waits
            self._repeat()
            self.sender.finish(bool(self.settings.wan))
            await self._end(sender, LAST_UPLOAD_S)
        finally:
            self._saver.save(self.store)
        self.sender.close()
        await self.rs485.close()
        await self.services.close()
        self.board.close()
        self._run.end()
        self.log("info", "stopped: {} tuples kept".format(len(self.store)))

    async def _guarded(self, loop):
        """Run a loop; when it ends, for whatever reason, the daemon ends too."""
        try:
            await loop
        finally:
            self.stop.set()

    async def _end(self, task, real_s):
        """Wait at most so many real seconds for a task that ends by itself.

        A defect in the task ends the daemon.
        """
        try:
            await asyncio.wait_for(task, real_s)
        except asyncio.TimeoutError:
            self.log("warning", "stopping without waiting any longer")

    async def _poll_loop(self):
        """Poll the board once it is known, then in every whole second of the wall clock.

        A late poll skips no second.
        """
        clock = self.clock
        await self._meet()
        wall, mono = clock.wall(), clock.monotonic()
        while not self.stop.is_set():
            due = mono + (NEXT_S - wall % 1)
            if self._uart_offered:
                await self._forward_until(due - EVERY_S)
            await clock.sleep_until(due)
            if self.reload.is_set():
                self.reload.clear()
                await self._reload()
            wall, mono = clock.wall(), clock.monotonic()
            await self._tick(wall, mono)

    async def _meet(self):
        """Bring the board in line, and read it at once if a second has begun since.

        The LAN waits for this reading; if the next second is near, that one reads the board.
        """
        began = self.clock.wall()
        try:
            await self._start_board()
        except OSError as error:
            self._lost(str(error))
        wall, mono = self.clock.wall(), self.clock.monotonic()
        if self._ready and int(wall) > int(began) and wall % 1 < START_S:
            await self._tick(wall, mono)

    async def _forward_until(self, mono_s):
        """Carry bytes to and from the board's UART until the next poll is due."""
        while self._ready and not self.board_error and self.clock.monotonic() + EVERY_S < mono_s:
            await self.clock.sleep(EVERY_S)
            try:
                await self.board.forward(self.rs485.next_bytes(UART_SEND_MAX))
            except OSError as error:
                self._lost(str(error))
            if self.board.uart_in:
                self._hand_out()

    def _hand_out(self):
        data = bytes(self.board.uart_in)
        self.board.uart_in[:] = b""
        self.rs485.hand_out(data)

    async def _tick(self, wall, mono):
        """Do one second's work. This runs for every line, so what can wait is left to _chores."""
        if self.believer.date(wall, mono) is None:
            self.dating.observe(wall, mono)
        try:
            known = self._ready
            if not known and not await self._start_in_time(mono):
                return
            self._keep(await self._poll(), mono)
            if known and (mono >= self._sync_at or mono >= self._look_at):
                await self._attend_board(mono)
        except OSError as error:
            self._lost(str(error))
        if self.board.uart_in:
            self._hand_out()
        if mono >= self._chores_at:
            await self._chores(mono)
        if mono >= self.sender.next_at:
            self._repeat()
            self.sender.wake()

    async def _start_in_time(self, mono):
        """Bring an unknown board in line. Raises BoardError.

        Returns whether this second is still young enough for a poll.
        """
        await self._start_board()
        return self.clock.monotonic() - mono <= START_S

    def _poll(self):
        """Return the awaitable of this second's Poll.

        What clients have for the board's UART goes along.
        """
        if self._fresh:
            return self._first_poll()
        outgoing = self.rs485.next_bytes(UART_SEND_MAX) if self._uart_offered else b""
        return self.board.poll(self.readings.indexes, outgoing)

    async def _first_poll(self):
        """Return what changed on a board that was not known before, and every counter beside it."""
        counters = await self.board.counters(self.readings.indexes)
        poll = await self.board.poll(self.readings.indexes)
        self._fresh = False
        if not poll.whole:
            return poll
        changed = [delta.sensor for delta in poll.deltas]
        still = [
            Delta(sensor, counter, None, None)
            for sensor, counter in counters
            if sensor not in changed
        ]
        return Poll(tuple(sorted(poll.deltas + tuple(still))), (), True)

    def _keep(self, poll, mono):
        """Store what was read, dated, and hand it to whoever reads the delta pipe."""
        ts = self.believer.stamp(mono)  # now: meanwhile the server may have said what time it is
        self.readings.add_poll(poll, self.store, ts, mono)
        self._failures = 0
        self.last_poll = mono
        if self._delta_pipe.running is not None:
            self._delta_pipe.write(ts, poll.deltas)
        if self.board_error:
            self.log("notice", "the board answers again")
            self.board_error = ""

    async def _attend_board(self, mono):
        """Compare the board's settings if due, else look what it suffered. Raises BoardError."""
        if mono >= self._sync_at:
            await self._start_board()
        else:
            await self._look()

    async def _chores(self, mono):
        self._chores_at = mono + CHORES_S
        self.dating.observe(self.clock.wall(), self.clock.monotonic())
        self.store.age()
        if self.services.due(mono):
            await self.services.follow(self.settings, mono)
        self._saver.tick(self.store, mono, self.sender.uploader.last_ok)
        if self._ready and not self.board.listens and self.readings.absent(mono):
            self.log(
                "warning", "an enabled sensor is silent: the board's settings are compared again"
            )
            self._ready = False

    async def _start_board(self):
        """Ask who the board is and bring it in line.

        The first poll of a board that was not known before takes every counter.
        """
        self._sync_at = NEVER_S if self.board.listens else self.clock.monotonic() + RESYNC_S
        await self.board.identify()
        changes = await self.board.sync(self.settings)
        if not self._ready:
            self.log("info", "board: {}".format(self.board.describe()))
        if changes:
            self.log("notice", "board settings brought in line: {}".format(", ".join(changes)))
        await self._reset_counters()
        await self._look()
        self._fresh = not self._ready
        self._ready = True
        self.readings.expect(self.clock.monotonic())

    async def _look(self):
        """Ask the board about damage and holds, and log what is new. Raises BoardError."""
        self._look_at = self.clock.monotonic() + LOOK_S
        before = self.board.damage
        await self.board.look()
        for text in pulses.news(before, self.board.damage, self.board.inputs):
            self.log("warning", text)

    async def _reset_counters(self):
        """Set the counters to 0, once for each writing of a configuration that asks for it."""
        folder = self.settings.state_dir
        if not self.settings.reset_counters or not state.reset_due(
            self.port, folder, self._config_path
        ):
            return
        try:
            state.note_reset(self.port, folder, None)
        except OSError as error:
            self.log(
                "err", "the counters are not reset, since it could not be noted: {}".format(error)
            )
            return
        await self.board.reset_counters()
        state.note_reset(self.port, folder, self._config_path)
        self.log("notice", "the board's counters were reset, as configured")

    def _lost(self, text):
        """The board did not answer: said once, tried again each second."""
        self._failures += 1
        if not self.board_error:
            self.log("warning", "the board does not answer: {}".format(text))
        self.board_error = text
        if self._failures >= FAILURES_MAX:
            self._ready = False

    def _repeat(self):
        """Repeat counters that stand still, so that they are uploaded, dated by the last poll."""
        if self.last_poll is not None and not self.board_error:
            self.store.repeat(self.readings.ids(), self.believer.stamp(self.last_poll))

    async def _reload(self):
        """Read the configuration again; one with errors changes nothing."""
        try:
            settings = config.load(self.port, self._config_path, self._bus_url)
        except (config.ConfigErrors, OSError) as error:
            self.config_error = str(error)
            for line in self.config_error.split("\n"):
                self.log("err", "the configuration is not taken over: {}".format(line))
            return
        self._read_notes()
        self._apply(settings)
        await self.services.follow(settings, self.clock.monotonic())
        self.log("info", "the configuration was read again")


async def main(
    port, config_path: str, bus_url: str | None = None, clock_url: str | None = None
) -> int:
    """Run the daemon until SIGTERM and return the exit status.

    0: stopped; 2: the configuration has errors; 1: it could not start.
    """
    try:
        settings = config.load(port, config_path, bus_url)
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

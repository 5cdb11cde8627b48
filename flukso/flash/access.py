# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a real board on a real programmer: the effects behind update.py. For both
interpreters.
"""

from flukso import boards, spi
from flukso.flash import avrdude, backup
from flukso.flash.custody import Custody
from flukso.flash.fitness import Chip, Refused, State
from flukso.flash.pins import WAIT_S, Pins
from flukso.flash.report import Listener
from flukso.flash.settings import SettingsError
from flukso.messages import trouble
from flukso.spiboard import SpiBoard

# of one avrdude; by bit-banging on a small router 16 KiB and their verification take about 60 s
RUN_S = 180
START_S = 10  # until a board counts with a new firmware: taking over a historic EEPROM takes 3 s
ANSWER_S = 2  # until a board answers that was just reset
MEMORIES = ("signature", "lfuse", "hfuse", "efuse", "lock", "flash", "eeprom")


class Access:
    """One board, its chip and its backup. From begin() to end() the board is ours (custody.py)."""

    def __init__(self, site, port, process, report, service: bool = True):
        """`service` is False when whoever called us has the daemon in hand."""
        self.site = site
        # whether the board can be asked
        self.asks = bool(site.bus) and not boards.kind_of(site.bus).listens
        self.backup_path = site.backup
        self.committed_at = 0.0
        self.avrdude_s = 0.0
        self._port = port
        self._process = process
        self._report = report
        self._pins = Pins(site, port, process)
        self._custody = Custody(site, port, process, report, self._pins, service)
        self._bus = None
        self._clock = None
        self._config = None
        self._part = avrdude.PART

    # begin and end

    async def begin(self):
        """Raises LockedError when another program has the board, OSError when the machine does not
        let us work, SettingsError on a router whose pins nobody knows.
        """
        if self.site.lacks:
            raise SettingsError(self.site.lacks)
        try:
            self._custody.acquire()
        except BaseException:
            await self.end()
            raise

    async def end(self):
        """Give everything back; trouble with it is said, not raised."""
        self._close_bus()
        self._custody.give_back()

    # the board over its control port

    async def _open_board(self):
        site = self.site
        self._pins.own(False)
        if self._bus is None:
            clock = (
                self._port.sim_clock(site.sim_clock)
                if site.sim_clock
                else self._port.system_clock()
            )
            self._clock = clock
            await clock.start()
            self._bus = self._port.open_bus(site.bus, clock)
        return SpiBoard(self._bus, self._clock)

    def _close_bus(self):
        if self._bus is not None:
            self._bus.close()
            self._bus = None
        if self._clock is not None:
            self._clock.close()
            self._clock = None

    async def _talk(self, what):
        """Return what the coroutine function (board) gives. Raises OSError."""
        try:
            return await what(await self._open_board())
        finally:
            if self.site.sim_clock or not self.site.bus.startswith("spidev:"):
                self._close_bus()  # a spidev stays open, since closing it lets go of its lock

    async def state(self, wait: bool = False):
        """Return the State, None when nobody can be asked or answers; `wait`: the board has just
        got another firmware.

        Raises OSError when the kernel's driver does not take its pins back.
        """
        if not self.asks:
            return None
        self._pins.own(False)
        deadline = self.seconds() + (START_S if wait else ANSWER_S)
        while True:
            try:
                return await self._talk(_ask_state)
            except OSError:
                if self.seconds() > deadline:
                    return None
            self._process.sleep(WAIT_S)

    async def commit(self):
        """Settings and counters into the board's EEPROM. Raises Refused when it does not do so."""
        try:
            await self._talk(_commit)
        except OSError as error:
            raise Refused("the board does not store its counters: {}".format(trouble(error)))

    async def set_counters(self, counters):
        async def put(board):
            await board.identify()
            for index in range(len(counters)):
                await board.ask("sc", index, counters[index])
            await board.ask("ct")

        try:
            await self._talk(put)
        except OSError as error:
            self._report.warning("the counters were not set: {}".format(trouble(error)))

    async def set_form(self, digits):
        """Give the board the form of its deltas; one whose firmware has no such setting stays as it
        is.
        """

        async def put(board):
            await board.identify()
            if board.exact:
                await board.ask("sa", digits)
                await board.ask("ct")
                self.say("the board sends {} digits a delta".format(digits))

        try:
            await self._talk(put)
        except OSError as error:
            self._report.warning("the form of the deltas was not set: {}".format(trouble(error)))

    # the chip behind the programmer

    def read_chip(self):
        """Return the Chip. Raises AvrdudeError, also for a chip that is not ours."""
        names = [(name, self.site.run + "/" + name + ".bin") for name in MEMORIES]
        self.say("reading the chip")
        self.avrdude(["{}:r:{}:r".format(name, path) for name, path in names], unknown=True)
        read = {}
        for name, path in names:
            read[name] = self._port.read_file(path, avrdude.FLASH_SIZE)
            self._process.remove(path)
        self._part = avrdude.part_of(read["signature"])[0]
        flash = read["flash"] + b"\xff" * (avrdude.FLASH_SIZE - len(read["flash"]))
        return Chip(
            read["signature"],
            tuple([read[name][0] for name in MEMORIES[1:4]]),
            read["lock"][0],
            flash,
            read["eeprom"],
        )

    def avrdude(self, operations, unknown=False):
        """Run avrdude on the chip. Raises AvrdudeError; `unknown`: another chip than ours is read
        too, so that it can be named.
        """
        self._pins.own(True)
        if self._pins.device:
            # its device has gone with the driver; otherwise closing it would let go of the lock
            self._close_bus()
        self._pins.free()
        self._pins.open_shifter()
        begin = self.seconds()
        words = avrdude.command(
            self.site.programmer, self._part, self._pins_config(), operations, force=unknown
        )
        listener = Listener(self._report)
        try:
            status = self._process.run(words, RUN_S, listener, self._custody.pidfile)
        except OSError:
            raise avrdude.AvrdudeError("missing", "avrdude is not installed")
        finally:
            self.avrdude_s += self.seconds() - begin
            self._pins.close_shifter()
        if status:
            if self.seconds() - begin >= RUN_S:
                raise avrdude.AvrdudeError("silent", "avrdude took over {} s".format(RUN_S))
            raise avrdude.failure(status, listener.text)

    def _pins_config(self):
        pins = self.site.programmer.pins
        if not pins:
            return None
        if self._config is None:
            said = Listener(self._report)
            try:
                self._process.run(["avrdude", "-?"], RUN_S, said, self._custody.pidfile)
            except OSError:
                raise avrdude.AvrdudeError("missing", "avrdude is not installed")
            self._config = self.file(
                "pins.conf", avrdude.configuration(pins, avrdude.version(said.text))
            )
        return self._config

    def file(self, name, data):
        """Return the path of a file with these bytes, for an operation."""
        path = self.site.run + "/" + name
        with open(path, "wb") as file:
            file.write(data)
        return path

    # the backup

    def keep(self, saved):
        """Write the backup, lastingly, and read it back. Raises BackupError; then there is none."""
        self.write_backup(self.backup_path, saved)

    def write_backup(self, path, saved):
        try:
            self._port.write_durable(path, backup.dump(saved))
            if self._read_backup(path) != saved:
                raise OSError("it does not read back")
        except OSError as error:
            self._process.remove(path + ".new")
            raise backup.BackupError(
                "the backup cannot be written to {}: {}".format(path, trouble(error))
            )

    def _read_backup(self, path):
        return backup.load(self._port.read_file(path, backup.FILE_MAX))

    def kept(self):
        """Return the Backup of what was begun, None when nothing was. Raises BackupError when it is
        damaged.
        """
        return (
            self._read_backup(self.backup_path) if self._process.exists(self.backup_path) else None
        )

    def drop(self):
        self._process.remove(self.backup_path)

    # clocks and words

    def seconds(self):
        return self._port.monotonic()

    def now(self):
        return int(self._port.system_clock().wall())

    def say(self, text):
        self._report.say(text)

    def warn(self, text):
        self._report.warning(text)


async def _ask_state(board):
    who = await board.identify()
    counters = tuple([counter for _, counter in await board.counters(range(spi.SENSORS))])
    settings = [await board.ask("gp")]
    for letter in ("m", "e"):
        for index in range(spi.SENSORS):
            settings.append((await board.ask("g" + letter, index))[1])
    return State((who.sw_major, who.sw_minor), (who.hw_major, who.hw_minor), counters, settings)


async def _commit(board):
    await board.identify()
    await board.ask("ct")

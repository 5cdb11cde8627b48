# SPDX-License-Identifier: GPL-3.0-or-later
"""A real board on a real programmer: the effects behind update.py. For both interpreters."""

from flukso import spi
from flukso.board import Board
from flukso.flash import avrdude, backup, guardian
from flukso.flash.fitness import Chip, Refused, State
from flukso.flash.report import Listener
from flukso.flash.settings import GENERATION_1

RUN_S = 180  # of one avrdude; by bit-banging on a small router 16 KiB and their verification take about 60 s
DAEMON_S = 45  # a daemon that stops uploads a last time, within 15 s, and saves
WAIT_S = 0.1
DRIVER_S = 3  # until the kernel has taken or given back its pins
START_S = 10  # until a board counts with a new firmware: taking over a historic EEPROM takes 3 s
ANSWER_S = 2  # until a board answers that was just reset
LOCK_TRIES = 20  # a quarter of a second each, as the daemon's
MEMORIES = ("signature", "lfuse", "hfuse", "efuse", "lock", "flash", "eeprom")
NOT_DEVICES = ("bind", "unbind", "uevent", "module", "new_id", "remove_id")
PID_DIGITS, CMDLINE_MAX = 16, 4096


class LockedError(OSError):
    """Another program has the board; the text names it."""

    def __str__(self):
        return str(self.args[0])


class Bench:
    """One board. begin() makes it ours (daemon stopped, locks held), end() gives everything back, as the guardian does if we die."""

    def __init__(self, site, port, process, report, service: bool = True):
        """`service` is False when whoever called us has the daemon in hand."""
        self.site = site
        self.asks = bool(site.bus) and not site.bus.startswith(GENERATION_1)  # whether the board can be asked
        self.backup_path = site.backup
        self.committed_at = 0.0
        self.avrdude_s = 0.0
        self._port = port
        self._process = process
        self._report = report
        self._service = service
        self._locks: list = []
        self._bus = None
        self._clock = None
        self._fifo = None
        self._guardian = 0
        self._config = None
        self._part = avrdude.PART
        self._device = ""  # the kernel's device on the programmer's pins
        self._pidfile = site.run + "/avrdude.pid"
        self._guardian_pid = site.run + "/guardian.pid"

    # begin and end

    async def begin(self):
        """Raises LockedError when another program has the board, OSError when the machine does not let us work."""
        self._port.make_folder(self.site.run)
        self._port.make_folder(self.site.backup.rpartition("/")[0] or ".")
        self._hold(self.site.run + "/lock", 1)
        self._end_of_guardian()
        self._stop_orphan()
        self._find_device()
        start, folder = self._daemon() if self._service else ([], "")
        self._post_guardian(start, folder)
        try:
            if start:
                self._stop_daemon()
            if self.site.bus.startswith("spidev:"):
                self._own_pins(False)
                self._hold(self._device_path(), LOCK_TRIES)
        except BaseException:
            await self.end()
            raise

    async def end(self):
        """Give everything back; trouble with it is said, not raised."""
        self._close_bus()
        for lock in self._locks:
            lock.close()
        self._locks = []
        if self._fifo is not None:
            self._fifo.close()
            self._fifo = None
            status = self._process.wait(self._guardian)
            self._process.remove(self._guardian_pid)
            if status == guardian.NOT_BOUND:
                self._report.warning("the driver {} did not take its pins back".format(self.site.driver))
            if status == guardian.NOT_STARTED:
                self._report.warning("the daemon could not be started again")

    def _device_path(self):
        return self.site.bus[7:].partition("?")[0]

    def _hold(self, path, tries):
        try:
            self._locks.append(self._process.lock(path, tries))
        except OSError as error:
            if "held by" in str(error):
                raise LockedError(str(error))
            raise

    def _post_guardian(self, start, folder):
        fifo, path = self.site.run + "/guardian.fifo", self.site.run + "/guardian.sh"
        pins = self.site.programmer.pins
        numbers = [pin.strip("~") for pin in (pins.sck, pins.mosi, pins.miso, pins.reset)] if pins else []
        text = guardian.script(fifo, self._pidfile, self._gpio(), numbers, self._driver(), self._device, start, folder)
        self._process.make_fifo(fifo)
        self._process.write_text(path, text)
        self._guardian = self._process.start(["/bin/sh", path])
        self._process.write_text(self._guardian_pid, str(self._guardian))
        self._fifo = self._process.open_fifo(fifo)

    def _end_of_guardian(self):
        """One whose tool was killed a moment ago gives everything back first. One that waits for a tool that never came is ended."""
        number = self._number(self._guardian_pid)
        if not number or b"guardian.sh" not in self._cmdline(number):
            return
        deadline = self.seconds() + guardian.END_S + DRIVER_S
        while self._cmdline(number):
            if self.seconds() > deadline:
                self._process.kill(number, self._process.SIGKILL)
                return
            self._process.sleep(WAIT_S)

    def _stop_orphan(self):
        """An avrdude whose tool was killed, and whose guardian too."""
        number = self._number(self._pidfile)
        if number and b"avrdude" in self._cmdline(number):
            self._process.kill(number, self._process.SIGTERM)
            self._wait_for(lambda: not self._cmdline(number), DRIVER_S, "avrdude ({}) does not end".format(number))
        self._process.remove(self._pidfile)

    # the daemon

    def _daemon(self):
        """Return the words that start the running daemon again, and where; [] when none runs."""
        if self._process.exists(self.site.init):
            return ([self.site.init, "start"], "") if self._quietly([self.site.init, "running"]) == 0 else ([], "")
        number = self._number(self.site.pidfile)
        if not number:
            return [], ""
        words = [str(word, "utf-8") for word in self._cmdline(number).split(b"\0") if word]
        return words, self._process.folder_of_process(number) if words else ""

    def _stop_daemon(self):
        self.say("stopping the daemon")
        if self._process.exists(self.site.init):
            self._quietly([self.site.init, "stop"])
            return
        number = self._number(self.site.pidfile)
        self._process.kill(number, self._process.SIGTERM)
        self._wait_for(lambda: not self._cmdline(number), DAEMON_S, "the daemon ({}) does not stop".format(number))

    def _quietly(self, words):
        return self._process.run(words, DAEMON_S, lambda text: None, self.site.run + "/service.pid")

    def _number(self, path):
        try:
            text = str(self._port.read_file(path, PID_DIGITS), "utf-8").strip()
        except (OSError, ValueError):
            return 0
        return int(text) if text.isdigit() else 0

    def _cmdline(self, number):
        """The command line of a process; empty when there is none, or it has ended and nobody asked how."""
        try:
            return self._port.read_file("/proc/{}/cmdline".format(number), CMDLINE_MAX)
        except OSError:
            return b""

    def _wait_for(self, done, limit_s, trouble):
        deadline = self.seconds() + limit_s
        while not done():
            if self.seconds() > deadline:
                raise OSError(trouble)
            self._process.sleep(WAIT_S)

    # the programmer's pins

    def _gpio(self):
        return self.site.sys + "/class/gpio"

    def _driver(self):
        return self.site.sys + "/bus/platform/drivers/" + self.site.driver

    def _find_device(self):
        """The kernel's SPI device on our pins, bound now or by a tool that was killed and noted it."""
        if not self.site.programmer.pins or not self._process.exists(self._driver()):
            return
        note = self.site.run + "/device"
        bound = [name for name in self._process.names(self._driver()) if name not in NOT_DEVICES]
        if len(bound) > 1:
            raise OSError("{} has several devices: {}".format(self._driver(), " ".join(bound)))
        if bound:
            self._process.write_text(note, bound[0])
        self._device = str(self._port.read_file(note, 64), "utf-8").strip() if self._process.exists(note) else ""

    def _own_pins(self, ours):
        """Take the pins from the kernel's driver, or give them back."""
        if not self._device:
            return
        link = self._driver() + "/" + self._device
        if self._process.exists(link) != ours:
            return
        if ours:
            self._process.write_text(self._driver() + "/unbind", self._device)
        else:
            self._free_pins()
            self._process.write_text(self._driver() + "/bind", self._device)
        text = "the driver {} does not {} its pins".format(self.site.driver, "give" if ours else "take")
        self._wait_for(lambda: self._process.exists(link) != ours, DRIVER_S, text)
        if not ours and self.site.bus.startswith("spidev:"):
            self._wait_for(lambda: self._process.exists(self._device_path()), DRIVER_S, "{} does not come back".format(self._device_path()))

    def _free_pins(self):
        """GPIO that an avrdude which was killed left behind; RESET last, so that the chip starts with its pins free."""
        pins = self.site.programmer.pins
        for pin in (pins.sck, pins.mosi, pins.miso, pins.reset) if pins else ():
            number = pin.strip("~")
            if self._process.exists("{}/gpio{}".format(self._gpio(), number)):
                self._process.write_text("{}/gpio{}/direction".format(self._gpio(), number), "in")
                self._process.write_text(self._gpio() + "/unexport", number)

    # the board over its control port

    async def _open_board(self):
        site = self.site
        self._own_pins(False)
        if self._bus is None:
            clock = self._port.sim_clock(site.sim_clock) if site.sim_clock else self._port.system_clock()
            self._clock = clock
            await clock.start()
            self._bus = self._port.open_bus(site.bus, clock)
        return Board(self._bus, self._clock)

    def _close_bus(self):
        if self._bus is not None:
            self._bus.close()
            self._bus = None
        if self._clock is not None:
            self._clock.close()
            self._clock = None

    async def _talk(self, what):
        """Return what the coroutine function (board) gives. Raises SpiError or OSError."""
        try:
            return await what(await self._open_board())
        finally:
            if self.site.sim_clock or not self.site.bus.startswith("spidev:"):
                self._close_bus()  # a spidev stays open, since closing it lets go of its lock

    async def state(self, wait: bool = False):
        """Return the State, None when nobody can be asked or answers; `wait`: the board has just got another firmware.

        Raises OSError when the kernel's driver does not take its pins back.
        """
        if not self.asks:
            return None
        self._own_pins(False)
        deadline = self.seconds() + (START_S if wait else ANSWER_S)
        while True:
            try:
                return await self._talk(_ask_state)
            except (spi.SpiError, OSError):
                if self.seconds() > deadline:
                    return None
            self._process.sleep(WAIT_S)

    async def commit(self):
        """Settings and counters into the board's EEPROM. Raises Refused when it does not do so."""
        try:
            await self._talk(_commit)
        except (spi.SpiError, OSError) as error:
            raise Refused("the board does not store its counters: {}".format(error))

    async def set_counters(self, counters):
        async def put(board):
            await board.identify()
            for index in range(len(counters)):
                await board.ask("sc", index, counters[index])
            await board.ask("ct")

        try:
            await self._talk(put)
        except (spi.SpiError, OSError) as error:
            self._report.warning("the counters were not set: {}".format(error))

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
        return Chip(read["signature"], tuple([read[name][0] for name in MEMORIES[1:4]]), read["lock"][0], flash, read["eeprom"])

    def avrdude(self, operations, unknown=False):
        """Run avrdude on the chip. Raises AvrdudeError; `unknown`: another chip than ours is read too, so that it can be named."""
        self._own_pins(True)
        if self._device:
            self._close_bus()  # its device has gone with the driver; otherwise closing it would let go of the lock
        self._free_pins()
        begin = self.seconds()
        words = avrdude.command(self.site.programmer, self._part, self._pins_config(), operations, force=unknown)
        listener = Listener(self._report)
        try:
            status = self._process.run(words, RUN_S, listener, self._pidfile)
        except OSError:
            raise avrdude.AvrdudeError("missing", "avrdude is not installed")
        finally:
            self.avrdude_s += self.seconds() - begin
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
                self._process.run(["avrdude", "-?"], RUN_S, said, self._pidfile)
            except OSError:
                raise avrdude.AvrdudeError("missing", "avrdude is not installed")
            self._config = self.file("pins.conf", avrdude.configuration(pins, avrdude.version(said.text)))
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
            raise backup.BackupError("the backup cannot be written to {}: {}".format(path, error))

    def _read_backup(self, path):
        return backup.load(self._port.read_file(path, backup.FILE_MAX))

    def kept(self):
        """Return the Backup of what was begun, None when nothing was. Raises BackupError when it is damaged."""
        return self._read_backup(self.backup_path) if self._process.exists(self.backup_path) else None

    def drop(self):
        self._process.remove(self.backup_path)

    # clocks and words

    def seconds(self):
        return self._port.monotonic()

    def now(self):
        return int(self._port.system_clock().wall())

    def say(self, text):
        self._report.say(text)


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

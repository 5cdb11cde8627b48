# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a board ours while it is programmed, and gives it back: locks, the daemon, the guardian. For both interpreters."""

from flukso.flash import guardian
from flukso.flash.pins import DRIVER_S, WAIT_S, wait_for

DAEMON_S = 45  # a daemon that stops uploads a last time, within 15 s, and saves
LOCK_TRIES = 20  # a quarter of a second each, as the daemon's
PID_DIGITS, CMDLINE_MAX = 16, 4096


class LockedError(OSError):
    """Another program has the board; the text names it."""

    def __str__(self):
        return str(self.args[0])


class Custody:
    """take() stops the daemon and holds the locks, give_back() undoes it, as the guardian does if we die."""

    def __init__(self, site, port, process, report, pins, service: bool):
        """`service` is False when whoever called us has the daemon in hand."""
        self.pidfile = site.run + "/avrdude.pid"
        self._site = site
        self._port = port
        self._process = process
        self._report = report
        self._pins = pins
        self._service = service
        self._locks: list = []
        self._fifo = None
        self._guardian = 0
        self._guardian_pid = site.run + "/guardian.pid"

    def take(self):
        """Raises LockedError when another program has the board, OSError when the machine does not let us work; then give_back()."""
        self._port.make_folder(self._site.run)
        self._port.make_folder(self._site.backup.rpartition("/")[0] or ".")
        self._hold(self._site.run + "/lock", 1)
        self._end_of_guardian()
        self._stop_orphan()
        self._pins.find_device()
        start, folder = self._daemon() if self._service else ([], "")
        self._post_guardian(start, folder)
        if start:
            self._stop_daemon()
        if self._site.bus.startswith("spidev:"):
            self._pins.own(False)
            self._hold(self._pins.spidev(), LOCK_TRIES)

    def give_back(self):
        """Give everything back; trouble with it is said, not raised."""
        for lock in self._locks:
            lock.close()
        self._locks = []
        if self._fifo is None:
            return
        self._fifo.close()
        self._fifo = None
        status = self._process.wait(self._guardian)
        self._process.remove(self._guardian_pid)
        if status == guardian.NOT_BOUND:
            self._report.warning("the driver {} did not take its pins back".format(self._site.driver))
        if status == guardian.NOT_STARTED:
            self._report.warning("the daemon could not be started again")

    def _hold(self, path, tries):
        try:
            self._locks.append(self._process.lock(path, tries))
        except OSError as error:
            if "held by" in str(error):
                raise LockedError(str(error))
            raise

    def _post_guardian(self, start, folder):
        fifo, path = self._site.run + "/guardian.fifo", self._site.run + "/guardian.sh"
        pins = self._site.programmer.pins
        numbers = [pin.strip("~") for pin in (pins.sck, pins.mosi, pins.miso, pins.reset)] if pins else []
        text = guardian.script(fifo, self.pidfile, self._pins.gpio, numbers, self._pins.driver, self._pins.device, start, folder)
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
        deadline = self._port.monotonic() + guardian.END_S + DRIVER_S
        while self._cmdline(number):
            if self._port.monotonic() > deadline:
                self._process.kill(number, self._process.SIGKILL)
                return
            self._process.sleep(WAIT_S)

    def _stop_orphan(self):
        """An avrdude whose tool was killed, and whose guardian too."""
        number = self._number(self.pidfile)
        if number and b"avrdude" in self._cmdline(number):
            self._process.kill(number, self._process.SIGTERM)
            wait_for(self._port, self._process, lambda: not self._cmdline(number), DRIVER_S, "avrdude ({}) does not end".format(number))
        self._process.remove(self.pidfile)

    def _daemon(self):
        """Return the words that start the running daemon again, and where; [] when none runs."""
        if self._process.exists(self._site.init):
            return ([self._site.init, "start"], "") if self._quietly([self._site.init, "running"]) == 0 else ([], "")
        number = self._number(self._site.pidfile)
        if not number:
            return [], ""
        words = [str(word, "utf-8") for word in self._cmdline(number).split(b"\0") if word]
        return words, self._process.folder_of_process(number) if words else ""

    def _stop_daemon(self):
        self._report.say("stopping the daemon")
        if self._process.exists(self._site.init):
            self._quietly([self._site.init, "stop"])
            return
        number = self._number(self._site.pidfile)
        self._process.kill(number, self._process.SIGTERM)
        wait_for(self._port, self._process, lambda: not self._cmdline(number), DAEMON_S, "the daemon ({}) does not stop".format(number))

    def _quietly(self, words):
        return self._process.run(words, DAEMON_S, lambda text: None, self._site.run + "/service.pid")

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

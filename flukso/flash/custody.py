# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a board ours while it is programmed, and gives it back: locks, the daemon, the guardian.
For both interpreters.
"""

from flukso import uci
from flukso.boards import HELD, BoardError
from flukso.flash import guardian
from flukso.flash.pins import DRIVER_S, WAIT_S, wait_for
from flukso.numerals import whole

DAEMON_S = 45  # a daemon that stops uploads a last time, within 15 s, and saves
LOCK_TRIES = 20  # a quarter of a second each, as the daemon's
PID_MAX, CMDLINE_MAX = 16, 4096  # bytes that are read
UNIT = "flukso"  # of systemd
SYSTEMCTL = "systemctl"


class LockedError(OSError):
    """Another program has the board; the text names it."""

    def __str__(self):
        return str(self.args[0])


class Custody:
    """acquire() stops the daemon and holds the locks; give_back() undoes it, and so does the
    guardian if we die.
    """

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

    def acquire(self):
        """Raises LockedError when another program has the board, OSError when the machine does not
        let us work; then give_back().
        """
        self._port.make_folder(self._site.run)
        self._port.make_folder(self._site.backup.rpartition("/")[0] or ".")
        self._hold(self._site.run + "/lock", 1)
        self._end_of_guardian()
        self._stop_orphan()
        self._pins.find_device()
        start, stop = self._manager() if self._service else ([], [])
        if self._service and not start:
            self._see_nobody_runs()
        self._post_guardian(start)
        if start:
            self._report.say("stopping the daemon")
            self._quietly(stop)
            self._see_nobody_runs()
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
            self._report.warning(
                "the driver {} did not take its pins back".format(self._site.driver)
            )
        if status == guardian.NOT_STARTED:
            self._report.warning("the daemon could not be started again")

    def _hold(self, path, tries):
        try:
            self._locks.append(self._process.lock(path, tries))
        except BoardError as error:
            raise LockedError(str(error)) if error.kind == HELD else error

    def _post_guardian(self, start):
        fifo, path = self._site.run + "/guardian.fifo", self._site.run + "/guardian.sh"
        text = guardian.script(
            fifo,
            self.pidfile,
            self._pins.gpio,
            self._pins.numbers(),
            self._pins.driver,
            self._pins.device,
            start,
        )
        self._process.make_fifo(fifo)
        self._process.write_text(path, text)
        self._guardian = self._process.start(["/bin/sh", path])
        self._process.write_text(self._guardian_pid, str(self._guardian))
        self._fifo = self._process.open_fifo(fifo)

    def _end_of_guardian(self):
        """One whose tool was killed a moment ago gives everything back first. One that waits for a
        tool that never came is ended.
        """
        number = self._number(self._guardian_pid)
        path = (self._site.run + "/guardian.sh").encode()
        if not number or self._words(number)[:2] != [b"/bin/sh", path]:
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
        if number and self._words(number)[0].rpartition(b"/")[2] == b"avrdude":
            self._process.kill(number, self._process.SIGTERM)
            wait_for(
                self._port,
                self._process,
                lambda: not self._cmdline(number),
                DRIVER_S,
                "avrdude ({}) does not end".format(number),
            )
        self._process.remove(self.pidfile)

    def _manager(self):
        """Return the words with which procd or systemd starts the daemon, and those that stop it;
        [] and [] when neither has it running.
        """
        init = self._site.init
        try:
            if self._process.exists(init):
                return (
                    ([init, "start"], [init, "stop"])
                    if self._quietly([init, "running"]) == 0
                    else ([], [])
                )
            if self._quietly([SYSTEMCTL, "is-active", "--quiet", UNIT]) == 0:
                return [SYSTEMCTL, "start", UNIT], [SYSTEMCTL, "stop", UNIT]
        except OSError:
            pass  # no systemd here, or an init that is no program
        return [], []

    def _see_nobody_runs(self):
        """Raises LockedError for a daemon that neither of them has in hand. A pid file proves
        nothing: the process is looked at.
        """
        number = self._number(self._site.pidfile)
        if not number or not self._cmdline(number):
            return
        if not self._is_daemon(number):
            self._report.warning(
                "{} names process {}, which is no flukso daemon: left alone".format(
                    self._site.pidfile, number
                )
            )
            return
        text = (
            "the daemon (process {}) has the board, and neither procd nor systemd has it in "
            "hand: stop it, and start it again afterwards"
        )
        raise LockedError(text.format(number))

    def _is_daemon(self, number):
        """Say whether a process is a flukso daemon: by its program, its user and its words."""
        words = [uci.text_of(word) for word in self._words(number)]
        users = (0, self._process.owner("/proc/self"), self._process.owner(self._site.pidfile))
        if (
            not self._process.interprets(number)
            or self._process.owner("/proc/{}".format(number)) not in users
        ):
            return False
        for at in range(len(words) - 1):
            if words[at + 1] == "daemon" and (
                words[at].rpartition("/")[2] == "flukso" or "flukso.__main__" in words[at]
            ):
                return True
        return False

    def _quietly(self, words):
        return self._process.run(
            words, DAEMON_S, lambda text: None, self._site.run + "/service.pid"
        )

    def _number(self, path):
        try:
            return whole(uci.text_of(self._port.read_file(path, PID_MAX)).strip()) or 0
        except OSError:
            return 0

    def _words(self, number):
        return self._cmdline(number).split(b"\0")

    def _cmdline(self, number):
        """The command line of a process; empty when there is none, or it has ended and nobody asked
        how.
        """
        try:
            return self._port.read_file("/proc/{}/cmdline".format(number), CMDLINE_MAX)
        except OSError:
            return b""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that tests start: they die with the test, and their output is kept."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
import time

DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")  # util-linux; execs the program in its place
LOG_LIMIT = 200_000  # lines; more is a defect that the test should see


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """One running program; stdout and stderr together are its log.

    log_file: keeps what it writes, too. apart: the keys of our terminal do not reach it.
    """

    def __init__(self, command, env=None, cwd=None, log_file=None, apart=False):
        self.lines: list[str] = []
        self._log_file = None if log_file is None else open(log_file, "wb", buffering=0)
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [*DIES_WITH_US, *[str(word) for word in command]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            process_group=0 if apart else None,
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        os.set_blocking(self._output, False)
        self._rest = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        while select.select([self._output], [], [])[0]:
            with self._news:
                open_still = self._take()
            if not open_still:
                return

    def _take(self) -> bool:
        """Take what the pipe holds now, under the lock; False when the program has closed it."""
        self._news.notify_all()
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._output, 65536):
                if self._log_file is not None:
                    self._log_file.write(data)
                *whole, self._rest = (self._rest + data).split(b"\n")
                room = max(0, LOG_LIMIT - len(self.lines))
                self.lines += [
                    line.decode(errors="replace").removesuffix("\r") for line in whole[:room]
                ]
            if self._rest:
                self.lines.append(self._rest.decode(errors="replace"))
                self._rest = b""
            return False
        return True

    def log(self) -> str:
        """All that the program has written by now: what still is in the pipe belongs to it."""
        with self._news:
            if self._reader.is_alive():
                self._take()
            return "\n".join(self.lines)

    def running(self) -> bool:
        return self._process.poll() is None

    def wait_for_line(self, part: str, timeout_s: float = 60) -> str:
        """The first line that holds this text; AssertionError when the program ends or the time is
        up before.
        """
        deadline = time.monotonic() + timeout_s
        with self._news:
            while True:
                for line in self.lines:
                    if part in line:
                        return line
                left_s = deadline - time.monotonic()
                if left_s <= 0 or (not self.running() and not self._reader.is_alive()):
                    raise AssertionError("{!r} never came:\n{}".format(part, self.log()))
                self._news.wait(min(left_s, 0.5))

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def wait(self, timeout_s: float = 20) -> int:
        code = self._process.wait(timeout_s)
        self._reader.join(5)
        return code

    def end(self, limit_s: float = 5) -> None:
        """End it by SIGTERM, or by SIGKILL when it takes longer."""
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(limit_s)
        self.kill()

    def kill(self) -> None:
        if self.running():
            self._process.kill()
        self._process.wait()
        self._reader.join(5)
        if (
            self._process.stdout is not None and not self._reader.is_alive()
        ):  # a child of it may hold the pipe
            self._process.stdout.close()
        if self._log_file is not None:
            self._log_file.close()

    def rests(self) -> int:
        """How often it has had nothing to do and slept or waited."""
        with open("/proc/{}/status".format(self.pid)) as file:
            return next(
                int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches")
            )

    def rss_kb(self) -> int:
        for line in open("/proc/{}/status".format(self.pid)):
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    def open_files(self) -> int:
        return len(os.listdir("/proc/{}/fd".format(self.pid)))

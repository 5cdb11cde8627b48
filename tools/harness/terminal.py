# SPDX-License-Identifier: GPL-3.0-or-later
"""A program runs in a terminal of our own as a person runs it: Ctrl-C reaches all its group."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

CTRL_C = b"\x03"
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")


class Terminal:
    """Runs a command on a pseudo-terminal; whatever is left of its session is killed at the end of
    the block.
    """

    def __init__(self, command, cwd):
        self.text = ""
        self._fd, program_side = pty.openpty()
        # Ctrl-C ends it also where we were started in the background, with SIGINT ignored;
        # a make that is started within `make test` would take itself for a part of that, and say so
        # in its last line
        environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "env", "--default-signal=INT", *command],
            cwd=cwd,
            env=environment,
            stdin=program_side,
            stdout=program_side,
            stderr=program_side,
        )
        os.close(program_side)

    def read_until(self, wanted: str, limit_s: float) -> None:
        """Read until the text has come; AssertionError with what came if it does not in time or the
        program ends.
        """
        deadline = time.monotonic() + limit_s
        while wanted not in self.text:
            assert self._read(deadline - time.monotonic()), "no {!r} in: {}".format(
                wanted, self.text
            )

    def press(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def finish(self, limit_s: float) -> list[str]:
        """Read until all that it started has ended; return the lines that are not empty."""
        deadline = time.monotonic() + limit_s
        while self._read(deadline - time.monotonic()):
            pass
        assert time.monotonic() < deadline, "it does not end: " + self.text
        self._process.wait(limit_s)
        return [line.rstrip() for line in self.text.splitlines() if line.strip()]

    def _read(self, limit_s: float) -> bool:
        """Take what the program says; False when it has ended or says nothing in time."""
        if not select.select([self._fd], [], [], max(0, limit_s))[0]:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # as Linux tells that the other side is closed
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    @property
    def status(self) -> int | None:
        return self._process.poll()

    def session(self) -> list[int]:
        """The processes that it started, or that these did, and that run still."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                state, _parent, _group, session = (
                    (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                )
                if int(session) == self._process.pid and state != "Z":
                    found.append(int(folder.name))
        return found

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *exc: object) -> None:
        for pid in self.session():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.close(self._fd)
        self._process.wait()

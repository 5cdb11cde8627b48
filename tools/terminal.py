# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C for a program that make starts: it alone hears it, ends what it started, has the last
word.
"""

import contextlib
import os
import select
import signal
from collections.abc import Iterator

# for subprocess.Popen: the terminal's keys do not reach what is started so
APART = {"process_group": 0}


class StopRequest:
    """What a signal handler may set while the main thread waits for it: a `threading.Event` takes a
    lock for either, and its handler then waits for ever for the thread that it interrupted.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def set(self) -> None:
        """Set it, for good."""
        with contextlib.suppress(BlockingIOError):  # set so often that the pipe is full
            os.write(self._writer, b"\0")

    def wait(self, seconds: float) -> bool:
        """Return whether it is set, after so many seconds at the latest."""
        return bool(select.select([self._reader], [], [], seconds)[0])


def stop_request() -> StopRequest:
    """Return what Ctrl-C, a terminal that goes away and SIGTERM set; nothing else happens then."""
    stopped = StopRequest()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


@contextlib.contextmanager
def keys_to_us() -> Iterator[None]:
    """Take the terminal's keys from the group that started us: make would end with a complaint
    after our last line.

    Does nothing without a terminal and in the background. Ctrl-Z does nothing meanwhile, for no
    shell waits for us.
    """
    terminal = _terminal()
    if terminal is None:
        yield
        return
    theirs = os.getpgrp()
    for number in (signal.SIGTTOU, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    try:
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpid())
        yield
    finally:
        with contextlib.suppress(OSError):  # the terminal or those who started us have gone
            os.tcsetpgrp(terminal, theirs)
        os.close(terminal)


def _terminal() -> int | None:
    """Return the terminal whose foreground group we are in without leading it; None if there is
    none such.
    """
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    if os.tcgetpgrp(terminal) == os.getpgrp() != os.getpid():
        return terminal
    os.close(terminal)
    return None

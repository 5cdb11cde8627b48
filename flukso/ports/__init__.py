# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that differs between interpreters and machines; the only place that may ask which interpreter runs."""

import sys


class BusError(OSError):
    """The way to the board is not there: device away, held by another program, simulator gone. Its text is a sentence."""

    def __str__(self):
        return str(self.args[0]) if self.args else "bus"


SYSLOG_LEVELS = {"debug": 7, "info": 6, "notice": 5, "warning": 4, "err": 3, "crit": 2}


class Clock:
    """What a clock has beside wall(), monotonic() and the coroutines sleep(seconds) and sleep_until(mono_s); one that runs by itself."""

    async def start(self):
        """Begin; BusError when there is no such clock."""

    def close(self):
        """End."""

    def real(self, seconds: float) -> float:
        """Return the real seconds that so many of this clock take."""
        return seconds

    def hold(self):
        """A transfer begins, which may move time itself,"""

    def release(self):
        """and ends."""


def load():
    """Return the port module of this interpreter."""
    if sys.implementation.name == "micropython":
        from flukso.ports import micropython

        return micropython
    from flukso.ports import cpython

    return cpython


def load_process():
    """Return the module of this interpreter that runs programs and holds locks."""
    if sys.implementation.name == "micropython":
        from flukso.ports import micropython_process

        return micropython_process
    from flukso.ports import cpython_process

    return cpython_process

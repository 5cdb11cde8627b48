# SPDX-License-Identifier: GPL-3.0-or-later
"""MicroPython's port on our own runtime (docs/design/runtime.md), all that the daemon calls: clocks
and signals here, the rest from files below.
"""

import asyncio
import gc
import posix
import time

from flukso.ports.clock import Clock, boot_id, clock_is_synchronised
from flukso.ports.micropython_files import (  # noqa: F401 - for the daemon
    file_stamp,
    make_folder,
    read_file,
    rename,
    rewrite_durable,
    write_durable,
)
from flukso.ports.micropython_log import log, log_to_syslog  # noqa: F401 - for the daemon
from flukso.ports.micropython_streams import connector, readable
from flukso.ports.simulator import SimClock

SLEEP_MAX_S = 86400  # asyncio counts milliseconds in 30 bits: six days

# Garbage is collected before it has spread over the whole heap: what was never touched is no
# resident memory.
gc.threshold((gc.mem_alloc() + gc.mem_free()) // 4)


class SystemClock(Clock):
    """Wall and monotonic time of the machine."""

    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return posix.monotonic()

    def synchronised(self) -> "bool | None":
        try:
            return clock_is_synchronised(*posix.adjtimex())
        except OSError:
            return None

    def boot(self) -> str:
        return boot_id(read_file)

    async def sleep(self, seconds: float):
        await self.sleep_until(posix.monotonic() + seconds)

    async def sleep_until(self, mono_s: float):
        while True:
            left_ms = int((mono_s - posix.monotonic()) * 1000 + 0.999)
            await asyncio.sleep_ms(min(max(left_ms, 0), SLEEP_MAX_S * 1000))
            if left_ms <= SLEEP_MAX_S * 1000:
                return


def system_clock() -> SystemClock:
    return SystemClock()


def sim_clock(url: str) -> SimClock:
    """Return the clock behind fluksosim's control line, unix:PATH or tcp:HOST:PORT; its start()
    connects.
    """
    return SimClock(connector(url))


def open_bus(url: str, clock):
    """Return the bus of this URL; nothing is opened before the first transfer. ValueError for an
    unknown URL.
    """
    from flukso.ports import micropython_bus

    return micropython_bus.open_bus(url, clock)


def open_https(base_url: str, cacert: str, clock):
    """Return the connection to the server; opened when first used. ValueError for the URL, OSError
    for the CA file.
    """
    from flukso.ports import micropython_https

    return micropython_https.open_https(base_url, cacert, clock)


def check_cacert(cacert: str) -> str:
    """Return what is wrong with a CA file that can be used all the same, "" when nothing is. Raises
    OSError when it cannot be used.
    """
    from flukso.ports import micropython_https

    return micropython_https.check_cacert(cacert)


_watchers = []  # tasks that must not be collected


def end_output():
    """Nothing waits: each writing leaves at once."""


def drop_output():
    """Nothing is left to be dropped."""


def random_bytes(count: int) -> bytes:
    with open("/dev/urandom", "rb") as file:
        return file.read(count)


async def open_line(path: str, baud: int):
    """Open a serial line, raw, 8N1, locked; return (reader, writer). Raises BoardError."""
    from flukso.ports import micropython_bus

    return await micropython_bus.open_serial(path, baud)


def monotonic() -> float:
    """Return the machine's monotonic time in s, whatever clock the daemon runs on."""
    return posix.monotonic()


async def serve_tcp(port: int, handler, backlog: int):
    """Listen on a TCP port, IPv6 and IPv4; return what close() ends. Raises OSError."""
    from flukso.ports import tcp

    return await tcp.serve_tcp(port, handler, backlog)


async def serve_unix(path: str, handler):
    """Listen on a Unix socket; return what close() ends. Raises OSError."""
    from flukso.ports import micropython_local

    return await micropython_local.serve_unix(path, handler)


def open_pipe(path: str):
    """Return the writing end of a named pipe: write(line) -> bool, close(). Raises OSError."""
    from flukso.ports import micropython_local

    return micropython_local.Pipe(path)


class _Announced:
    async def close(self):
        pass


async def announce(service):
    """Return what the coroutine close() ends. On a router the service manager and its mDNS
    responder announce the service.
    """
    return _Announced()


def detach(path: str):
    """Raises OSError: on a router the service manager keeps the daemon in the background."""
    raise OSError("--detach is not for MicroPython: let the service manager start the daemon")


def on_signals(stop, reload):
    """Set the event `stop` on SIGTERM and SIGINT, `reload` on SIGHUP; the loop must be running."""
    handle = posix.signal_fd(posix.SIGTERM, posix.SIGINT, posix.SIGHUP)
    _watchers.append(asyncio.create_task(_watch_signals(handle, stop, reload)))


async def _watch_signals(handle, stop, reload):
    while True:
        await readable(handle)
        number = posix.next_signal(handle)
        if number == posix.SIGHUP:
            reload.set()
        elif number is not None:
            stop.set()

# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython's port, all that the daemon calls: clocks and signals here, the rest from files below."""

import asyncio
import os
import signal
import sys
import time

from flukso.ports.clock import Clock, boot_id
from flukso.ports.cpython_files import (  # noqa: F401 - for the daemon
    file_stamp,
    make_folder,
    read_file,
    rename,
    rewrite_durable,
    write_durable,
)
from flukso.ports.cpython_log import log, log_to_syslog  # noqa: F401 - for the daemon
from flukso.ports.cpython_streams import connector
from flukso.ports.simulator import SimClock


class SystemClock(Clock):
    """Wall and monotonic time of the machine."""

    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def synchronised(self) -> bool | None:
        from flukso.ports import cpython_timex

        return cpython_timex.synchronised()

    def boot(self) -> str:
        return boot_id(read_file)

    async def sleep(self, seconds: float):
        await asyncio.sleep(seconds)

    async def sleep_until(self, mono_s: float):
        await asyncio.sleep(max(mono_s - time.monotonic(), 0))


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
    from flukso.ports import cpython_bus

    return cpython_bus.open_bus(url, clock)


def open_https(base_url: str, cacert: str, clock):
    from flukso.ports import cpython_https

    return cpython_https.open_https(base_url, cacert, clock)


def check_cacert(cacert: str) -> str:
    """Return what is wrong with a CA file that can be used all the same, "" when nothing is. Raises
    OSError when it cannot be used.
    """
    from flukso.ports import cpython_ca

    return cpython_ca.check_cacert(cacert)


def end_output():
    """See that what was written to the standard output has left. Raises OSError, with EPIPE when
    nobody reads it any more.
    """
    sys.stdout.flush()


def drop_output():
    """Let what is still to be written go nowhere: its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def random_bytes(count: int) -> bytes:
    return os.urandom(count)


def on_signals(stop, reload):
    """Set the event `stop` on SIGTERM and SIGINT, `reload` on SIGHUP; the loop must be running."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)


async def open_line(path: str, baud: int):
    """Open a serial line, raw, 8N1, locked; return (reader, writer). Raises BoardError."""
    from flukso.ports import cpython_bus

    return await cpython_bus.open_serial(path, baud)


def monotonic() -> float:
    """Return the machine's monotonic time in s, whatever clock the daemon runs on."""
    return time.monotonic()


async def serve_tcp(port: int, handler, backlog: int):
    """Listen on a TCP port, IPv6 and IPv4; return what close() ends. Raises OSError."""
    from flukso.ports import tcp

    return await tcp.serve_tcp(port, handler, backlog)


async def serve_unix(path: str, handler):
    """Listen on a Unix socket; return what close() ends. Raises OSError."""
    from flukso.ports import cpython_local

    return await cpython_local.serve_unix(path, handler)


def open_pipe(path: str):
    """Return the writing end of a named pipe: write(line) -> bool, close(). Raises OSError."""
    from flukso.ports import cpython_local

    return cpython_local.Pipe(path)


async def announce(service):
    """Announce a discovery.Service by mDNS until its coroutine close(). Raises OSError."""
    from flukso.ports import cpython_mdns

    return await cpython_mdns.announce(service)


def detach(path: str):
    """Go on in the background with this pid file; return what close() ends. Raises OSError."""
    from flukso.ports import cpython_detach

    return cpython_detach.detach(path)

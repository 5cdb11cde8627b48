# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython's port: clocks, files, log, signals; the buses and HTTPS stand in files of their own."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time

from flukso.ports import Clock, boot_id
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


def connector(url: str):
    """Return a coroutine function that connects to unix:PATH or tcp:HOST:PORT and gives (reader,
    writer); ValueError for other URLs.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "unix" and rest:
        return lambda: asyncio.open_unix_connection(rest)
    host, _, port = rest.rpartition(":")
    if scheme != "tcp" or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("{} is neither unix:PATH nor tcp:HOST:PORT".format(url))
    return lambda: asyncio.open_connection(host, int(port))


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


_system_log: list = []  # filled by log_to_syslog


def log_to_syslog():
    """Send the log to the system log from now on; to stderr where there is none."""
    from flukso.ports import syslog

    _system_log.append(syslog.Syslog(_connect_log, time.localtime, "flukso", os.getpid()))


def _connect_log():
    from flukso.ports import syslog

    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(syslog.PATH)
    except OSError:
        sock.close()
        raise
    return sock


def log(level: str, text: str):
    """Write one line of the log; never fails."""
    line = "".join([char if char >= " " else "?" for char in text])
    if _system_log and _system_log[0].write(level, line.encode("utf-8", "replace").decode()):
        return
    try:
        sys.stderr.write("flukso: {}: {}\n".format(level, line))
        sys.stderr.flush()
    except OSError:
        return


def read_file(path: str, limit: int) -> bytes:
    """Return the file's bytes; OSError when it is missing, unreadable or longer than the limit."""
    with open(path, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError("{} is over {} bytes".format(path, limit))
    return data


def write_durable(path: str, data: bytes, mode: int = 0o600, user: str | None = None):
    """Replace the file as a whole, perhaps as another user's: after a power cut it holds the old or
    the new bytes. Raises OSError.
    """
    _replace(path, data, mode, lambda handle: None if user is None else _give(handle, user))


def rewrite_durable(path: str, data: bytes):
    """Replace a file like write_durable, with the mode and the owner that it has; a link stays one.
    Raises OSError.
    """
    path = os.path.realpath(path)
    status = os.stat(path)

    def give(handle):
        os.fchown(handle, status.st_uid, status.st_gid)
        os.fchmod(handle, status.st_mode & 0o7777)

    try:
        _replace(path, data, 0o600, give)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path + ".new")  # in /etc/config it would pass for a configuration
        raise


def _replace(path, data, mode, give):
    fresh = path + ".new"
    handle = os.open(
        fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode
    )
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        give(handle)
        os.fsync(handle)
    finally:
        os.close(handle)
    os.rename(fresh, path)
    folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _give(handle, user):
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise OSError("there is no user {}".format(user)) from None
    os.fchown(handle, entry.pw_uid, entry.pw_gid)


def end_output():
    """See that what was written to the standard output has left. Raises OSError, with EPIPE when
    nobody reads it any more.
    """
    sys.stdout.flush()


def drop_output():
    """Let what is still to be written go nowhere: its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def rename(old: str, new: str):
    os.rename(old, new)


def make_folder(path: str):
    """Make the folder, and those above it, when missing. Raises OSError."""
    os.makedirs(path, mode=0o750, exist_ok=True)


def file_stamp(path: str) -> str:
    """Return what changes when the file is written anew; "" when there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    # the inode tells two writings within one tick of the file system's clock apart
    return "{}-{}-{}".format(status.st_mtime_ns, status.st_size, status.st_ino)


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
    """Announce a discovery.Service by mDNS; return what the coroutine close() ends. Raises OSError."""
    from flukso.ports import cpython_mdns

    return await cpython_mdns.announce(service)


def detach(path: str):
    """Go on in the background with this pid file; return what close() ends. Raises OSError."""
    from flukso.ports import cpython_detach

    return cpython_detach.detach(path)

# SPDX-License-Identifier: GPL-3.0-or-later
"""MicroPython's port, on our own runtime (docs/design/runtime.md): clocks, files, log, signals; the
rest stands in files of its own.
"""

import asyncio
import gc
import os
import posix
import socket
import sys
import time

from flukso.ports import Clock, boot_id, clock_is_synchronised
from flukso.ports.micropython_streams import connector, readable, unix_address
from flukso.ports.simulator import SimClock

SLEEP_MAX_S = 86400  # asyncio counts milliseconds in 30 bits: six days
CHUNK = 1024  # bytes read at once of a file that does not say its length, as those in /proc
MODE, INODE, OWNER, SIZE, MTIME = (
    0,
    1,
    4,
    6,
    8,
)  # places in os.stat(); the group stands behind the owner

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


_system_log = []  # filled by log_to_syslog
_watchers = []  # tasks that must not be collected


def log_to_syslog():
    """Send the log to the system log from now on; to stderr where there is none."""
    from flukso.httpdate import utc
    from flukso.ports import syslog

    _system_log.append(
        syslog.Syslog(_connect_log, lambda: utc(int(time.time())), "flukso", posix.getpid())
    )


def _connect_log():
    from flukso.ports import syslog

    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(unix_address(syslog.PATH))
    except OSError:
        sock.close()
        raise
    return sock


def log(level: str, text: str):
    """Write one line of the log; never fails."""
    line = "".join([char if char >= " " else "?" for char in text])
    if _system_log and _system_log[0].write(level, line):
        return
    try:
        sys.stderr.write("flukso: {}: {}\n".format(level, line))
    except OSError:
        return


def read_file(path: str, limit: int) -> bytes:
    """Return the file's bytes; OSError when it is missing, unreadable or longer than the limit."""
    step = min(os.stat(path)[SIZE], limit) + 1
    if step == 1:
        step = CHUNK
    data = b""
    with open(path, "rb") as file:
        while len(data) <= limit:
            part = file.read(step)
            if not part:
                return data
            data = data + part if data else part
    raise OSError("{} is over {} bytes".format(path, limit))


def write_durable(path: str, data: bytes, mode: int = 0o600, user: "str | None" = None):
    """Replace the file as a whole, perhaps as another user's: after a power cut it holds the old or
    the new bytes. Raises OSError.
    """
    _replace(path, data, mode, lambda handle: None if user is None else _give(handle, user))


def rewrite_durable(path: str, data: bytes):
    """Replace a file like write_durable, with the mode that it has. Raises OSError, also when it is
    not ours or our group's.
    """
    status = os.stat(path)

    def give(handle):
        fresh = path + ".new"
        if os.stat(fresh)[OWNER:SIZE] != status[OWNER:SIZE]:
            raise OSError("{} belongs to another user or group".format(path))
        posix.chmod(fresh, status[MODE] & 0o7777)

    try:
        _replace(path, data, 0o600, give)
    except OSError:
        try:
            os.remove(path + ".new")  # in /etc/config it would pass for a configuration
        except OSError:
            pass
        raise


def _replace(path, data, mode, give):
    fresh = path + ".new"
    handle = posix.open(
        fresh, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW, mode
    )
    try:
        view = memoryview(data)
        while view:
            view = view[posix.write(handle, view) :]
        give(handle)
        posix.fsync(handle)
    finally:
        posix.close(handle)
    os.rename(fresh, path)
    folder = posix.open(
        path.rpartition("/")[0] or ("/" if path[:1] == "/" else "."), posix.O_RDONLY
    )
    try:
        posix.fsync(folder)
    finally:
        posix.close(folder)


def _give(handle, user):
    try:
        posix.fchown(handle, user)
    except KeyError:
        raise OSError("there is no user {}".format(user))


def end_output():
    """Nothing waits: each writing leaves at once."""


def drop_output():
    """Nothing is left to be dropped."""


def rename(old: str, new: str):
    os.rename(old, new)


def make_folder(path: str):
    """Make the folder, and those above it, when missing. Raises OSError."""
    done = ""
    for name in path.split("/"):
        done += name + "/"
        try:
            os.stat(done)
        except OSError:
            os.mkdir(done[:-1])
            posix.chmod(done[:-1], 0o750)


def file_stamp(path: str) -> str:
    """Return what changes when the file is written anew; "" when there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return "{}-{}-{}".format(status[MTIME], status[SIZE], status[INODE])


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

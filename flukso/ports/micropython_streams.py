# SPDX-License-Identifier: GPL-3.0-or-later
"""Byte streams on MicroPython whose close() closes, and the ways to open them; names are looked up
without blocking the loop.
"""

import asyncio
import errno
import posix
import socket
import struct

CHUNK = 512  # bytes asked of the system at once
LINE_MAX = 8192  # bytes of a line; the simulator's longest has half of that
LOOKUP_MAX = 512  # bytes that posix.lookup's child writes at most


def readable(source):
    """Awaitable: a socket, file or descriptor has something to read, or has failed."""
    yield asyncio.core._io_queue.queue_read(source)


def writable(source):
    """Awaitable: a socket, file or descriptor takes bytes, or has failed."""
    yield asyncio.core._io_queue.queue_write(source)


class Stream:
    """Reader and writer over a non-blocking socket or file."""

    def __init__(self, source):
        self._source = source
        self._ahead = b""
        self._out = b""

    async def read(self, count: int) -> bytes:
        """Return 1 to count bytes, b"" at the end."""
        if not self._ahead:
            self._ahead = await self._more()
        data, self._ahead = self._ahead[:count], self._ahead[count:]
        return data

    async def readexactly(self, count: int) -> bytes:
        """Return so many bytes; EOFError when the stream ends before."""
        while len(self._ahead) < count:
            data = await self._more()
            if not data:
                raise EOFError("it was closed")
            self._ahead += data
        data, self._ahead = self._ahead[:count], self._ahead[count:]
        return data

    async def readline(self) -> bytes:
        """Return a line with its end; without it when the stream ends. OSError when it is longer
        than LINE_MAX.
        """
        while b"\n" not in self._ahead:
            data = await self._more()
            if not data:
                data, self._ahead = self._ahead, b""
                return data
            self._ahead += data
            if len(self._ahead) > LINE_MAX:
                raise OSError("a line is over {} bytes".format(LINE_MAX))
        at = self._ahead.find(b"\n") + 1
        data, self._ahead = self._ahead[:at], self._ahead[at:]
        return data

    async def _more(self):
        while True:
            data = self._source.read(CHUNK)
            if data is not None:
                return data
            await readable(self._source)

    def write(self, data: bytes):
        self._out += data

    async def drain(self):
        """Return once everything has been handed to the system."""
        while self._out:
            count = self._source.write(self._out)
            if count is None:
                await writable(self._source)
            else:
                self._out = self._out[count:]

    def close(self):
        self._source.close()


def connector(url: str):
    """Return a coroutine function that connects to unix:PATH or tcp:HOST:PORT and gives (reader,
    writer); ValueError for other URLs.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "unix" and rest:
        return lambda: _open_unix(rest)
    host, _, port = rest.rpartition(":")
    if scheme != "tcp" or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("{} is neither unix:PATH nor tcp:HOST:PORT".format(url))
    return lambda: _open_tcp(host, int(port))


def unix_address(path: str) -> bytes:
    """Return the path as the sockaddr that MicroPython's sockets want."""
    return struct.pack("H", socket.AF_UNIX) + path.encode() + b"\0"


async def _open_unix(path):
    stream = Stream(await connect(unix_address(path)))
    return stream, stream


async def _open_tcp(host, port):
    error = OSError("{} is unknown".format(host))
    for address in await addresses(host, port):
        try:
            stream = Stream(await connect(address))
            return stream, stream
        except OSError as failed:
            error = failed
    raise error


async def connect(address: bytes):
    """Return a non-blocking socket that is connected to a sockaddr. Raises OSError; a cancelled
    attempt leaves nothing open.
    """
    sock = socket.socket(struct.unpack("H", address[:2])[0], socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        while True:
            try:
                sock.connect(address)
                return sock
            except OSError as error:
                if error.errno not in (errno.EINPROGRESS, errno.EALREADY, errno.EAGAIN):
                    raise
            await writable(sock)  # then a second connect() tells how it ended
    except BaseException:
        sock.close()
        raise


async def addresses(host: str, port: int) -> list:
    """Return the sockaddrs of a name, best first; empty when it has none. Raises OSError."""
    if ":" in host or all(c in "0123456789." for c in host):
        return [socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0][-1]]
    child, handle = posix.lookup(host, str(port))
    try:
        data = b""
        while len(data) < LOOKUP_MAX:
            await readable(handle)
            part = posix.read(handle, LOOKUP_MAX)
            if part == b"":
                break
            data += part or b""
    finally:
        posix.close(handle)
        posix.kill(child, posix.SIGKILL)
        posix.wait(child, True)
    return _split(data)


def _split(data):
    addresses = []
    while data:
        end = 1 + data[0]
        addresses.append(data[1:end])
        data = data[end:]
    return addresses

# SPDX-License-Identifier: GPL-3.0-or-later
"""MicroPython's Unix socket and named pipe, for programs of the same machine."""

import asyncio
import os
import posix
import socket

from flukso.ports.micropython_files import make_folder
from flukso.ports.micropython_streams import Stream, readable, unix_address

MODE, TYPE, SOCKET, FIFO = 0, 0o170000, 0o140000, 0o010000  # os.stat()[MODE] & TYPE
BACKLOG = 4
EEXIST = 17  # on every Linux


class UnixServer:
    """A listening Unix socket; close() removes it."""

    def __init__(self, sock, path, handler):
        self._sock = sock
        self._path = path
        self._handler = handler
        self._task = asyncio.create_task(self._run())

    async def _run(self):
        while True:
            await readable(self._sock)
            handle = posix.accept(self._sock.fileno())
            if handle is not None:
                stream = Stream(open(handle, "r+b"))
                asyncio.create_task(self._handler(stream, stream))

    def close(self):
        self._task.cancel()
        self._sock.close()
        try:
            os.unlink(self._path)
        except OSError:
            pass


async def serve_unix(path: str, handler) -> UnixServer:
    """Listen on a Unix socket; handler(reader, writer) is a coroutine function. Raises OSError; a
    dead socket is replaced.
    """
    make_folder(path.rpartition("/")[0] or ".")
    if _kind(path) == SOCKET:
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(unix_address(path))
        sock.listen(BACKLOG)
        posix.chmod(path, 0o660)
    except OSError:
        sock.close()
        raise
    return UnixServer(sock, path, handler)


def _kind(path):
    try:
        return os.stat(path)[MODE] & TYPE
    except OSError:
        return None


class Pipe:
    """The writing end of a named pipe. Nothing waits for a reader: a line that nobody takes is
    dropped.
    """

    def __init__(self, path: str):
        """Make the pipe if it is missing. Raises OSError, also if something else is there."""
        make_folder(path.rpartition("/")[0] or ".")
        try:
            posix.mkfifo(path, 0o660)
        except OSError as error:
            if error.errno != EEXIST:
                raise
            if _kind(path) != FIFO:
                raise OSError("{} is no pipe".format(path))
        self._path = path
        self._handle = -1

    def write(self, line: bytes) -> bool:
        """Write a whole line; False when there is no reader, or it reads too slowly."""
        try:
            if self._handle < 0:
                self._handle = posix.open(self._path, posix.O_WRONLY | posix.O_NONBLOCK)
            return posix.write(self._handle, line) == len(line)
        except OSError:
            self.close()
            return False

    def close(self):
        if self._handle >= 0:
            posix.close(self._handle)
            self._handle = -1

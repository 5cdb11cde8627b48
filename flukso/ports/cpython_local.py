# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython's Unix socket and named pipe, for programs of the same machine."""

import asyncio
import os
import stat

from flukso.ports.cpython_files import make_folder


class UnixServer:
    """A listening Unix socket; close() removes it."""

    def __init__(self, server, path):
        self._server = server
        self._path = path

    def close(self):
        self._server.close()
        try:
            os.unlink(self._path)
        except OSError:
            pass


async def serve_unix(path: str, handler) -> UnixServer:
    """Listen on a Unix socket; handler(reader, writer) is a coroutine function. Raises OSError; a
    dead socket is replaced.
    """
    make_folder(os.path.dirname(path) or ".")
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
    except FileNotFoundError:
        pass
    server = await asyncio.start_unix_server(handler, path)
    os.chmod(path, 0o660)
    return UnixServer(server, path)


class Pipe:
    """The writing end of a named pipe. Nothing waits for a reader: a line that nobody takes is
    dropped.
    """

    def __init__(self, path: str):
        """Make the pipe if it is missing. Raises OSError, also if something else is there."""
        make_folder(os.path.dirname(path) or ".")
        try:
            os.mkfifo(path, 0o660)
        except FileExistsError:
            if not stat.S_ISFIFO(os.lstat(path).st_mode):
                raise OSError("{} is no pipe".format(path)) from None
        self._path = path
        self._handle = -1

    def write(self, line: bytes) -> bool:
        """Write a whole line; False when there is no reader, or it reads too slowly."""
        try:
            if self._handle < 0:
                self._handle = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            return os.write(self._handle, line) == len(line)
        except BlockingIOError:
            return False
        except OSError:
            self.close()
            return False

    def close(self):
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

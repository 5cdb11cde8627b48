# SPDX-License-Identifier: GPL-3.0-or-later
"""rrdcached's protocol (rrdcached(1)), as far as a feeder needs it.

librrd's own client would wait for an answer for ever.
"""

import socket
import time
from collections.abc import Iterator

WAIT_S = 5  # for an answer, which usually takes a moment
# after a call in vain, until the next: fifty sensors must not wait one after the other
DEAF_S = 30
LINE_MAX = 4000  # bytes: rrdcached takes 4,096
ANSWER_MAX = 65_536  # bytes
PORT = 42_217


class CachedError(Exception):
    """rrdcached has refused something; the text is its own."""


class Deaf(CachedError):
    """rrdcached is not there, or does not answer."""


class Cached:
    """The daemon at `unix:/path`, `/path` or `host:port`."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._deaf_until = 0.0

    def ping(self) -> None:
        """Raise Deaf if it does not answer."""
        self._ask("PING")

    def update(self, path: str, values: list[str]) -> None:
        """Hand over values (`time:counter`). Raises CachedError."""
        for part in _parts(values, LINE_MAX - len(_escaped(path).encode())):
            self._ask(f"UPDATE {_escaped(path)} {part}")

    def flush(self, path: str) -> None:
        """Have it write what it holds of a file. Raises Deaf."""
        self._ask_of_known(f"FLUSH {_escaped(path)}")

    def forget(self, path: str) -> None:
        """Have it drop all it knows of a file, also when its last value was. Raises Deaf."""
        self._ask_of_known(f"FORGET {_escaped(path)}")

    def _ask_of_known(self, line: str) -> None:
        """Send a line; a refusal means that it knows nothing of the file, which is right too."""
        try:
            self._ask(line)
        except Deaf:
            raise
        except CachedError:
            pass

    def _ask(self, line: str) -> None:
        """Send a line. Raises Deaf, or CachedError for a refusal."""
        if time.monotonic() < self._deaf_until:
            raise Deaf(f"rrdcached at {self._address} does not answer")
        try:
            with _connect(self._address) as connection:
                connection.sendall(line.encode() + b"\n")
                answer = _answer(connection)
        except OSError as error:
            self._deaf_until = time.monotonic() + DEAF_S
            raise Deaf(f"rrdcached at {self._address} does not answer: {error}") from error
        status = answer.split(" ", 1)[0]
        if status != "0":
            raise CachedError(f"rrdcached: {' '.join(answer.split())}")


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace(" ", "\\ ")


def _parts(values: list[str], most: int) -> Iterator[str]:
    """Yield the values in order, joined to lines of less than `most` bytes."""
    line = ""
    for value in values:
        if line and len(line) + len(value) + 10 > most:
            yield line
            line = ""
        line = f"{line} {value}" if line else value
    if line:
        yield line


def _connect(address: str) -> socket.socket:
    path = address.removeprefix("unix:")
    if path.startswith("/"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(WAIT_S)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            raise
        return connection
    host, _colon, port = address.rpartition(":")
    return socket.create_connection(
        (host.strip("[]") or address, int(port) if host and port.isdigit() else PORT), WAIT_S
    )


def _answer(connection: socket.socket) -> str:
    """Read `status message` and as many lines more as the status says.

    Raises OSError if they do not come within WAIT_S.
    """
    until, text = time.monotonic() + WAIT_S, b""
    while True:
        first, newline, rest = text.partition(b"\n")
        if newline:
            status = first.split(b" ", 1)[0]
            more = int(status) if status.isdigit() else 0
            if rest.count(b"\n") >= more:
                return text.decode("utf-8", "replace")
        left = until - time.monotonic()
        if left <= 0 or len(text) > ANSWER_MAX:
            raise TimeoutError("timed out")
        connection.settimeout(left)
        got = connection.recv(4096)
        if not got:
            raise ConnectionError("it hung up")
        text += got

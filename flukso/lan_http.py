# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves the LAN API over HTTP: connections, limits, kept answers (docs/guide/lan.md)."""

import asyncio
from collections import namedtuple

from flukso.lan_guard import PREFLIGHT, headers_for, is_reading

BACKLOG = 128  # connections that the kernel holds while the loop polls the board
CONNECTIONS_MAX = 64  # at once; a router has 16 MB
PER_ADDRESS_MAX = 56  # of these, so that one client never has them all
# bytes that must be left for the rest of the daemon when a connection is taken: uploads and saving
# come first
RESERVE = 32768
READ = 1024  # bytes at once; most requests are shorter
HEAD_MAX = 4096  # bytes of request line and headers: a browser's are some 700
TARGET_MAX = 512  # bytes of path and query
HEADERS_MAX = 40
HEAD_S = 5  # from the first byte of a request to its last
IDLE_S = 30  # between two requests of a kept connection
SEND_S = 10  # to take an answer
RATE = 20  # answers a second that are made for one address; those that were made already are free
BURST = 40  # of these at once
ADDRESSES_MAX = 256  # remembered for the rate
CACHE_MAX = 64  # answers kept, each until the next poll or second,
CACHED_MAX = 4096  # if it is no longer than this many bytes: not the page
SWEEP_S = 1

REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    414: "URI Too Long",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}
METHODS = ("GET", "HEAD", "OPTIONS")
ALLOW = "Allow: GET, HEAD, OPTIONS\r\n"

# headers: names in lower case; keep: whether the client wants the connection kept
Head = namedtuple("Head", ("method", "target", "headers", "keep"))


class HttpError(ValueError):
    """A request that is refused: .status and a sentence."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def parse_head(raw: bytes) -> Head:
    """Return what the bytes before the empty line say. Raises HttpError and nothing else."""
    lines = raw.split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) != 3 or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise HttpError(400, "this is not HTTP/1.1")
    if len(words[1]) > TARGET_MAX:
        raise HttpError(414, "the URL is longer than {} bytes".format(TARGET_MAX))
    if len(lines) > HEADERS_MAX + 1:
        raise HttpError(431, "more than {} headers".format(HEADERS_MAX))
    method, target = _text(words[0]), _text(words[1])
    if not target.startswith("/"):
        raise HttpError(400, "the URL has no path")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or name.strip() != name:
            raise HttpError(400, "a header cannot be read")
        name = _text(name).lower()
        if name == "host" and name in headers:
            raise HttpError(400, "more than one Host")
        headers[name] = _text(value.strip(), 9)
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise HttpError(400 if method in METHODS else 405, "a request has no body here")
    if method not in METHODS:
        raise HttpError(405, "only GET is served")
    wishes = [wish.strip() for wish in headers.get("connection", "").lower().split(",")]
    keep = "close" not in wishes and (words[2] == b"HTTP/1.1" or "keep-alive" in wishes)
    return Head(method, target, headers, keep)


def _text(raw, least=33):
    """Return bytes of a request as text; HttpError for control characters, high bytes become ?."""
    if not raw:
        return ""
    if min(raw) < least or b"\x7f" in raw:
        raise HttpError(400, "control characters in the request")
    if max(raw) < 128:
        return raw.decode()
    return "".join([chr(byte) if byte < 128 else "?" for byte in raw])


def compose(
    status: int, content_type: str, body: bytes, keep: bool, more: str = "", head_only: bool = False
) -> bytes:
    """Return a whole answer; more are header lines, each with its end."""
    kind = (
        "Content-Type: {}\r\nContent-Length: {}\r\n".format(content_type, len(body))
        if status != 204
        else ""
    )
    kept = "keep-alive" if keep else "close"
    head = (
        "HTTP/1.1 {} {}\r\n{}{}Cache-Control: no-store\r\nX-Content-Type-Options: "
        "nosniff\r\nConnection: {}\r\n\r\n"
    )
    head = head.format(status, REASONS.get(status, "Unknown"), kind, more, kept)
    return head.encode() + (b"" if head_only else body)


def refusal(status: int, text: str, keep: bool = False, more: str = "") -> bytes:
    """Return the answer that refuses with a sentence."""
    if status == 405:
        more += ALLOW
    return compose(status, "text/plain; charset=utf-8", (text + "\n").encode(), keep, more)


class Rate:
    """A bucket of BURST answers for each address, filled by RATE a second."""

    def __init__(self):
        self._spent = {}  # address: (answers beyond what was refilled, when)

    def allows(self, address, mono: float) -> bool:
        spent, when = self._spent.get(address, (0, mono))
        spent = max(0, spent - (mono - when) * RATE)
        if spent > BURST - 1:
            return False
        if len(self._spent) >= ADDRESSES_MAX and address not in self._spent:
            self._spent.clear()
        self._spent[address] = (spent + 1, mono)
        return True


class Connection:
    """What the server knows of one client's connection."""

    def __init__(self, task, address, deadline):
        self.task = task
        self.address = address
        self.deadline = deadline  # monotonic time at which it is cut


class LanServer:
    """Serves what answer(head) returns as (status, content type, body).

    mono() is the monotonic time in real seconds, moment() any value that changes when answers do;
    listen is the port's serve_tcp; failed(error) is told what answer() should not have raised.
    """

    def __init__(self, answer, mono, moment, listen, failed):
        self._answer = answer
        self._mono = mono
        self._moment = moment
        self._listen = listen
        self._failed = failed
        self._connections = {}  # number: Connection
        self._addresses = {}  # address: connections
        self._number = 0
        self._cache = {}  # head as sent: answer
        self._cached_for = None
        self._rate = Rate()
        self._server = None
        self._sweeper: asyncio.Task | None = None
        self.requests = 0
        self.refused = 0

    async def start(self, port: int):
        """Listen. Raises OSError when the port is taken."""
        self._server = await self._listen(port, self._accept, BACKLOG)
        self._sweeper = asyncio.create_task(self._sweep())

    async def close(self):
        """Stop listening and cut every connection."""
        if self._server is None or self._sweeper is None:
            return
        self._server.close()
        self._sweeper.cancel()
        for connection in list(self._connections.values()):
            connection.task.cancel()
        await asyncio.sleep(0)

    def connections(self) -> int:
        return len(self._connections)

    async def _sweep(self):
        """Cut the connections whose time is over."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._mono()
            for connection in list(self._connections.values()):
                if now > connection.deadline:
                    self.refused += 1
                    connection.task.cancel()

    async def _accept(self, reader, writer):
        address = address_of(writer.get_extra_info("peername"))
        here = self._addresses.get(address, 0)
        number = self._number = self._number + 1
        connection = Connection(asyncio.current_task(), address, self._mono() + HEAD_S)
        try:
            if len(self._connections) >= CONNECTIONS_MAX or here >= PER_ADDRESS_MAX or not roomy():
                self.refused += 1
                await self._send(
                    writer, refusal(503, "too many connections", more="Retry-After: 5\r\n")
                )
                return
            self._connections[number] = connection
            self._addresses[address] = here + 1
            await self._talk(reader, writer, connection)
        except (OSError, MemoryError, asyncio.CancelledError):
            pass  # the client went away, its time was over, or memory was
        finally:
            if self._connections.pop(number, None) is not None:
                self._forget(address)
            await close_quietly(writer)

    def _forget(self, address):
        left = self._addresses[address] - 1
        if left:
            self._addresses[address] = left
        else:
            self._addresses.pop(address)

    async def _talk(self, reader, writer, connection):
        """Answer requests until one side wants no more."""
        buffered = b""
        while True:
            end = buffered.find(b"\r\n\r\n")
            if end < 0:
                if len(buffered) >= HEAD_MAX:
                    self.refused += 1
                    await self._send(
                        writer,
                        refusal(431, "the headers are longer than {} bytes".format(HEAD_MAX)),
                    )
                    return
                if not buffered:
                    connection.deadline = self._mono() + IDLE_S
                data = await reader.read(READ)
                if not data:
                    return
                if buffered:
                    buffered += data
                else:
                    buffered = data
                    connection.deadline = self._mono() + HEAD_S
                continue
            raw = buffered[:end]
            buffered = buffered[end + 4 :]
            connection.deadline = self._mono() + SEND_S
            answer, keep = self._respond(raw, connection.address)
            await self._send(writer, answer)
            if not keep:
                return

    @staticmethod
    async def _send(writer, data):
        writer.write(data)
        await writer.drain()

    def _respond(self, raw, address):
        """Return (answer, whether the connection is kept) for one head."""
        self.requests += 1
        moment = self._moment()
        if moment != self._cached_for:
            self._cache.clear()
            self._cached_for = moment
        known = self._cache.get(raw)
        if known is not None:
            return known
        try:
            head = parse_head(raw)
        except HttpError as error:
            self.refused += 1
            return refusal(error.status, str(error)), False
        if not self._rate.allows(address, self._mono()):
            self.refused += 1
            more = "Retry-After: 1\r\n" + headers_for(head.target)
            return refusal(
                429, "more than {} different answers a second".format(RATE), head.keep, more
            ), head.keep
        return self._make(raw, head)

    def _make(self, raw, head):
        more = headers_for(head.target)
        if head.method == "OPTIONS" and is_reading(head.target):
            return compose(204, "", b"", head.keep, more + PREFLIGHT), head.keep
        try:
            status, kind, body = self._answer(head)
        except Exception as error:  # a defect of ours ends one answer, not the daemon
            self._failed(error)
            status, kind, body = 500, "text/plain", "Internal server error"
        if status != 200:
            self.refused += 1
            return refusal(status, body, head.keep, more), head.keep
        if head.method == "OPTIONS":
            return compose(204, "", b"", head.keep, more + ALLOW), head.keep
        made = compose(status, kind, body, head.keep, more, head.method == "HEAD"), head.keep
        if len(self._cache) < CACHE_MAX and len(made[0]) <= CACHED_MAX:
            self._cache[raw] = made
        return made


def roomy() -> bool:
    """Say whether RESERVE bytes of memory can be had."""
    try:
        return len(bytearray(RESERVE)) == RESERVE
    except MemoryError:
        return False


def address_of(peer):
    """Return what stands for the client's machine in what the interpreter calls its address."""
    if isinstance(peer, tuple):
        return peer[0]
    if not peer:
        return None
    return bytes(peer[8:24] if len(peer) > 16 else peer[4:8])  # of a sockaddr_in6, of a sockaddr_in


async def close_quietly(writer):
    try:
        writer.close()
        await writer.wait_closed()
    except (OSError, asyncio.CancelledError):
        pass

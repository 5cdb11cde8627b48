# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 as our client speaks it on both interpreters: the request's bytes, and the reader of
every form of answer; pure.
"""

from flukso.https import BODY_MAX, HEADERS_MAX, LINE_MAX, PROTOCOL, Answer, HttpsError
from flukso.numerals import digits

CLOSED = "the server closed the connection"
INTERIM_MAX = 4  # answers of 1xx before the real one
CHUNKS_MAX = 4096  # pieces of a chunked body; an honest server sends one or two


class Closed(HttpsError):
    """The connection ended: a kept one may simply have grown old."""

    def __init__(self, why=""):
        super().__init__(PROTOCOL, CLOSED + (": " + why if why else ""))


def encode_request(method: str, host: str, path: str, headers: dict, body: bytes) -> bytes:
    """Return the whole request. Raises ValueError when a part would break the lines."""
    lines = ["{} {} HTTP/1.1".format(method, path), "Host: " + host]
    lines += ["{}: {}".format(name, headers[name]) for name in sorted(headers)]
    if body or method != "GET":
        lines.append("Content-Length: {}".format(len(body)))
    for line in lines:
        raw = line.encode()
        if min(raw) < 32 or max(raw) > 126:
            raise ValueError("unusable header: {}".format(line))
    if " " in path or not path.startswith("/"):
        raise ValueError("unusable path: {}".format(path))
    return "\r\n".join(lines + ["", ""]).encode() + body


def _always():
    return True


class AnswerReader:
    """Reads one answer. read is a coroutine function that gives the next bytes, b"" at the end of
    the connection.

    sent() says whether the other machine has the whole request by now: what answers before is no
    answer to it.
    """

    def __init__(self, read, sent=_always):
        self._read = read
        self._sent = sent
        self._ahead = b""
        self._ended = False
        self.begun = False  # whether anything of an answer came
        self.reusable = False  # after answer(): whether the connection may be asked again

    async def head(self) -> "tuple[str, int, dict]":
        """Return version, status and headers of the answer; interim ones (1xx) are passed over.

        Raises HttpsError: Closed when there was none, protocol when it is not to be believed.
        """
        for _ in range(INTERIM_MAX):
            version, status = await self._status()
            if status >= 200 and not self._sent():
                raise HttpsError(PROTOCOL, "the server answers before it has the request")
            headers = await self._headers()
            if status == 101:
                raise HttpsError(PROTOCOL, "the server changes the protocol unasked")
            if status >= 200:
                return version, status, headers
        raise HttpsError(PROTOCOL, "only interim answers")

    async def answer(self) -> Answer:
        """Return the whole answer. Raises HttpsError as head()."""
        version, status, headers = await self.head()
        body = await self._body(status, headers)
        closes = "close" in [
            word.strip() for word in headers.get("connection", "").lower().split(",")
        ]
        framed_twice = "transfer-encoding" in headers and "content-length" in headers
        clean = not self._ended and not self._ahead
        self.reusable = clean and version == "HTTP/1.1" and not closes and not framed_twice
        return Answer(status, headers, body)

    async def _more(self):
        """Append what comes next; HttpsError at the end of the connection."""
        data = b"" if self._ended else await self._read()
        if not data:
            self._ended = True
            raise HttpsError(PROTOCOL, CLOSED + " in the middle of an answer")
        self._ahead += data

    async def _line(self):
        while b"\n" not in self._ahead:
            if len(self._ahead) > LINE_MAX:
                raise HttpsError(PROTOCOL, "a header line is longer than {} bytes".format(LINE_MAX))
            await self._more()
        at = self._ahead.find(b"\n")
        line, self._ahead = self._ahead[:at], self._ahead[at + 1 :]
        line = line.rstrip(b"\r")
        if not line or max(line) < 128:
            return line.decode()
        return "".join([chr(byte) for byte in line])  # Latin-1: no byte is an error

    async def _status(self):
        if not self._ahead:
            self._ahead = await self._read()
            if not self._ahead:
                self._ended = True
                raise Closed()
            self.begun = True
        line = await self._line()
        words = line.split(" ", 2)
        if (
            len(words) < 2
            or words[0] not in ("HTTP/1.0", "HTTP/1.1")
            or digits(words[1], 3) is None
            or not 100 <= int(words[1]) < 600
        ):
            raise HttpsError(PROTOCOL, "unusable answer: {}".format(_shown(line)))
        return words[0], int(words[1])

    async def _headers(self):
        headers: dict[str, str] = {}
        for _ in range(HEADERS_MAX + 1):
            line = await self._line()
            if not line:
                return headers
            name, colon, value = line.partition(":")
            name = name.lower()
            if not colon or not name or name != name.strip():
                raise HttpsError(PROTOCOL, "unusable header: {}".format(_shown(line)))
            value = value.strip()
            if name == "content-length" and headers.get(name, value) != value:
                raise HttpsError(PROTOCOL, "two lengths")
            if name == "transfer-encoding" and name in headers:
                raise HttpsError(PROTOCOL, "two encodings")
            headers[name] = value
        raise HttpsError(PROTOCOL, "more than {} headers".format(HEADERS_MAX))

    async def _body(self, status, headers):
        if status in (204, 304):
            return b""
        if "transfer-encoding" in headers:
            if headers["transfer-encoding"].lower() != "chunked":
                raise HttpsError(
                    PROTOCOL, "unknown encoding: {}".format(_shown(headers["transfer-encoding"]))
                )
            return await self._chunks()
        if "content-length" in headers:
            return await self._exactly(_length(headers["content-length"]))
        return await self._rest()

    async def _exactly(self, count):
        if count <= len(self._ahead):
            body, self._ahead = self._ahead[:count], self._ahead[count:]
            return body
        out = bytearray(self._ahead)
        self._ahead = b""
        while len(out) < count:
            await self._more()
            wanted = count - len(out)
            out.extend(self._ahead[:wanted])
            self._ahead = self._ahead[wanted:]
        return bytes(out)

    async def _rest(self):
        body = bytearray(self._ahead)
        self._ahead = b""
        while True:
            data = await self._read()
            if not data:
                self._ended = True
                return bytes(body)
            body.extend(data)
            if len(body) > BODY_MAX:
                raise HttpsError(PROTOCOL, "the answer is longer than {} bytes".format(BODY_MAX))

    async def _chunks(self):
        body = b""
        for _ in range(CHUNKS_MAX):
            line = await self._line()
            size = line.partition(";")[0].strip()
            if not 1 <= len(size) <= 8 or any(
                char not in "0123456789abcdefABCDEF" for char in size
            ):
                raise HttpsError(PROTOCOL, "unusable chunk: {}".format(_shown(line)))
            if int(size, 16) == 0:
                await self._headers()  # trailers count for nothing
                return body
            if len(body) + int(size, 16) > BODY_MAX:
                raise HttpsError(PROTOCOL, "the answer is longer than {} bytes".format(BODY_MAX))
            body += await self._exactly(int(size, 16))
            if await self._line():
                raise HttpsError(PROTOCOL, "a chunk is longer than it says")
        raise HttpsError(PROTOCOL, "more than {} chunks".format(CHUNKS_MAX))


def _length(text):
    length = digits(text, 10)
    if length is None:
        raise HttpsError(PROTOCOL, "unusable length: {}".format(_shown(text)))
    if length > BODY_MAX:
        raise HttpsError(PROTOCOL, "the answer is longer than {} bytes".format(BODY_MAX))
    return length


def _shown(text):
    """Return the start of what a server sent, fit for a log."""
    return "".join([char if 32 <= ord(char) < 127 else "?" for char in text[:80]])

# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which a server, or the way to it, fails; each by its name."""

import json
import os
import socket
import struct
from collections import namedtuple

from tools.fakes.server_store import Answer

# at: where it strikes. `connect`: before the TLS handshake; `request`: in place of reading it;
# `answer`: the request is judged and stored; `instead`: the request is read and thrown away.
Fault = namedtuple("Fault", "name at options times")
HUGE_BYTES = 4 * 1024 * 1024


def reset(connection) -> None:
    """Close with an RST instead of a FIN."""
    raw = connection.fileno()
    if raw >= 0:
        with socket.socket(fileno=os.dup(raw)) as twin:
            twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def head(status: int, headers: dict[str, str]) -> bytes:
    reasons = {
        200: "OK",
        204: "No Content",
        400: "Bad Request",
        401: "Unauthorized",
        500: "Internal Server Error",
    }
    lines = ["HTTP/1.1 {} {}".format(status, reasons.get(status, "Whatever"))]
    lines += ["{}: {}".format(name, value) for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def plain(answer: Answer) -> bytes:
    """The answer as the historic server gave it."""
    headers = {"Content-Type": "application/json", **answer.headers}
    if answer.status != 204:
        headers["Content-Length"] = str(len(answer.body))
    return head(answer.status, headers) + answer.body


def chunked(answer: Answer) -> bytes:
    size = max(1, len(answer.body) // 3)
    parts = [answer.body[n : n + size] for n in range(0, len(answer.body), size)]
    body = (
        b"".join(b"%x;why=not\r\n%s\r\n" % (len(part), part) for part in parts)
        + b"0\r\nX-Trailer: 1\r\n\r\n"
    )
    return head(answer.status, {"Transfer-Encoding": "chunked", **answer.headers}) + body


def lower_case(answer: Answer) -> bytes:
    headers = {"content-type": "application/json", "content-length": str(len(answer.body))}
    headers.update({name.lower(): value for name, value in answer.headers.items()})
    return head(answer.status, headers) + answer.body


def no_length(answer: Answer) -> bytes:
    """The body ends with the connection."""
    return head(answer.status, {"Connection": "close", **answer.headers}) + answer.body


FORMS = {
    "chunked": chunked,
    "lower-case": lower_case,
    "no-length": no_length,
    "close-keep-alive": plain,
    "slow": plain,
    "plain": plain,
}
CLOSING = (
    "no-length",
    "close-keep-alive",
    "half-status",
    "half-head",
    "half-body",
    "too-short",
    "garbage",
    "huge",
    "empty",
    "two-lengths",
)


def broken(name: str, answer: Answer) -> bytes:
    """What is sent before the connection is closed."""
    whole = plain(answer)
    body_at = whole.index(b"\r\n\r\n") + 4
    return {
        "half-status": whole[:8],
        "half-head": whole[: body_at - 6],
        "half-body": whole[: body_at + len(answer.body) // 2],
        "too-short": head(200, {"Content-Length": "1000"}) + answer.body,
        "garbage": b"\x16\x03\x01 this is no HTTP\r\n\r\n" + bytes(range(256)),
        "huge": head(200, {"Content-Length": str(HUGE_BYTES)}) + b"x" * HUGE_BYTES,
        "empty": b"",
        "two-lengths": head(200, {"Content-Length": "2, 17"}) + answer.body,
    }[name]


def status_answer(options: dict) -> Answer:
    status = options.get("status", 500)
    body = json.dumps({"error": "on command"}).encode() if status != 204 else b""
    return Answer(status, options.get("headers", {}), body)

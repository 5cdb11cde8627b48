# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a request of the hot path: its headers, its origin, and its body within the limits."""

import re
from collections import namedtuple

from flukso_server.hot.answers import Refusal
from flukso_server.project import proxied
from flukso_server.project.networks import Networks, networks

VERSION, DIGEST, SIGN, TOKEN, LENGTH, MATCH, ADDRESS, FORWARDED = range(8)

_PLACES = {
    b"x-version": VERSION,
    b"x-digest": DIGEST,
    b"x-sign": SIGN,
    b"x-token": TOKEN,
    b"content-length": LENGTH,
    b"if-none-match": MATCH,
    b"x-real-ip": ADDRESS,
    b"x-forwarded-for": FORWARDED,
}

# The values are bytes, None where the header is absent; length is an int or None.
Headers = namedtuple(
    "Headers", ("version", "digest", "sign", "token", "length", "match", "address", "forwarded")
)


def _scan(headers: list[tuple[bytes, bytes]]) -> list[bytes | None]:
    """Return the values by place: None for an absent header, the last value of a repeated one.

    Names are in lower case.
    """
    values: list[bytes | None] = [None] * 8
    for name, value in headers:
        place = _PLACES.get(name)
        if place is not None:
            values[place] = value
    return values


def read_headers(scope) -> Headers:
    """Pick out the headers that count. Raises Refusal(400) for a malformed Content-Length."""
    values: list = _scan(scope["headers"])
    length = values[LENGTH]
    if length is not None:
        if not length.isdigit() or len(length) > 18:
            raise Refusal(400, "malformed Content-Length", close=True)
        values[LENGTH] = int(length)
    return Headers(*values)


UNKNOWN = "0.0.0.0"


def origin(scope, headers: Headers, behind_proxy: bool) -> Networks:
    """Return the networks of a request.

    NOWHERE for a request from this machine, where all of them would seem to come from one place.
    Requests with a forged proxy's header share the networks of UNKNOWN.
    """
    if behind_proxy:
        return _forwarded(headers.address, headers.forwarded)
    return networks(scope["client"][0] if scope["client"] else "")


_FORWARDED = re.compile(rb"\r\n(?i:(x-real-ip)|x-forwarded-for):([^\r\n]*)")


def forwarded_from(head: bytes) -> Networks:
    """Return the networks of a request behind a proxy, by the bytes of its head."""
    last: dict[bool, bytes] = {}
    for real, value in _FORWARDED.findall(head):
        last[bool(real)] = value
    return _forwarded(last.get(True), last.get(False))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _forwarded(real: bytes | None, forwarded: bytes | None) -> Networks:
    """Return the networks that a proxy's headers name; NOWHERE without any."""
    try:
        return networks(proxied.client(_text(real), _text(forwarded)))
    except proxied.Doubtful:
        return networks(UNKNOWN)


async def read_body(headers: Headers, receive, most: int) -> bytes:
    """Return the whole body. Raises Refusal(413) if it is longer than `most` bytes.

    A Content-Length that says so is refused before anything is read.
    """
    if headers.length is not None and headers.length > most:
        raise too_large()
    message = await receive()
    body = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body"):
            if size > most:
                raise too_large()
            message = await receive()
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise Gone
    if len(body) > most:
        raise too_large()
    return body


class Gone(Exception):
    """The client closed the connection before its request was complete."""


def too_large() -> Refusal:
    return Refusal(413, "too large", close=True)


def check_version(given: bytes | None) -> None:
    """Refuse another version than 1.0; an absent one is for the caller to judge."""
    if given is not None and given != b"1.0":
        raise Refusal(400, "only version 1.0 is spoken here")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a request of the hot path: its headers, and its body within the limits."""

import ipaddress
from collections import namedtuple

from flukso_server.hot.answers import Refusal
from flukso_server.project import proxied

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

# values are bytes, or None where the header is absent; length is None when no Content-Length tells
# it
Headers = namedtuple(
    "Headers", ("version", "digest", "sign", "token", "length", "match", "address", "forwarded")
)


def _scan(headers: list[tuple[bytes, bytes]]) -> list[bytes | None]:
    """Values by place, None where a header is absent; of a repeated one the last. Names are in
    lower case.
    """
    values: list[bytes | None] = [None] * 8
    for name, value in headers:
        place = _PLACES.get(name)
        if place is not None:
            values[place] = value
    return values


def read_headers(scope) -> Headers:
    """Raises Refusal(400) for a length that is none."""
    values: list = _scan(scope["headers"])
    length = values[LENGTH]
    if length is not None:
        if not length.isdigit() or len(length) > 18:
            raise Refusal(400, "malformed Content-Length", close=True)
        values[LENGTH] = int(length)
    return Headers(*values)


UNKNOWN = "0.0.0.0"


def origin(scope, headers: Headers, behind_proxy: bool) -> str:
    """The network that a request came from: an IPv4 address, or the 64 bits of IPv6 that one
    subscriber has.

    "" where all requests would seem to come from one place: from this machine itself, or through a
    socket of its own. Those that forge what a proxy says share one network, UNKNOWN.
    """
    text = scope["client"][0] if scope["client"] else ""
    if behind_proxy:
        try:
            text = (
                proxied.client(
                    *[
                        value and value.decode("latin-1")
                        for value in (headers.address, headers.forwarded)
                    ]
                )
                or text
            )
        except proxied.Doubtful:
            return UNKNOWN
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return ""
    return (
        str(address)
        if address.version == 4
        else str(ipaddress.ip_network((address, 64), strict=False))
    )


async def read_body(headers: Headers, receive, most: int) -> bytes:
    """The whole body. Raises Refusal(413) when it is too long, before reading when its length is
    known.
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
    """An absent version is taken for 1.0 where a request proves itself by other means."""
    if given is not None and given != b"1.0":
        raise Refusal(400, "only version 1.0 is spoken here")

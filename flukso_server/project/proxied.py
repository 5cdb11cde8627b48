# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the client's address from the headers of a proxy in front (FLUKSO_BEHIND_PROXY); pure."""

import ipaddress


class Doubtful(ValueError):
    """The headers hold no address, or two that differ, of which the client made one up."""


def client(real: str | None, forwarded: str | None) -> str:
    """Return the address in X-Real-IP, or the last one in X-Forwarded-For; "" without either.

    The proxy itself has added the last one; anybody may have written the others. A proxy that sets
    one of the two headers passes on what the client wrote into the other, so both must agree.
    Raises Doubtful.
    """
    texts = [text for text in (real, (forwarded or "").rpartition(",")[2]) if text and text.strip()]
    addresses = {_address(text.strip()) for text in texts}
    if len(addresses) > 1:
        raise Doubtful("X-Real-IP and X-Forwarded-For name two clients")
    return addresses.pop() if addresses else ""


def _address(text: str) -> str:
    """Return the address without the port that some proxies add."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise Doubtful(f"{text[:50]!r} is no address") from error

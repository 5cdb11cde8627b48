# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks, where a proxy stands in front (FLUKSO_BEHIND_PROXY); pure."""

import ipaddress


class Doubtful(ValueError):
    """What the headers say is no address, or two that differ: one of them is the client's own
    invention.
    """


def client(real: str | None, forwarded: str | None) -> str:
    """The address in X-Real-IP or the last in X-Forwarded-For, "" where neither is there.

    The proxy itself has added the last one, the others may be anybody's. A proxy that sets one of
    the two headers passes on what the client wrote into the other, so two must agree. Raises
    Doubtful.
    """
    told = [text for text in (real, (forwarded or "").rpartition(",")[2]) if text and text.strip()]
    addresses = {_address(text.strip()) for text in told}
    if len(addresses) > 1:
        raise Doubtful("X-Real-IP and X-Forwarded-For name two clients")
    return addresses.pop() if addresses else ""


def _address(text: str) -> str:
    """The address without the port that some proxies write behind it."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise Doubtful(f"{text[:50]!r} is no address") from error

# SPDX-License-Identifier: GPL-3.0-or-later
"""The keyed digests of docs/design/protocols.md §3 and §8; pure.

A key is its 32 hex digits as ASCII text.
"""

import base64
import hmac


def x_digest(key: bytes, body: bytes) -> str:
    return hmac.digest(key, body, "sha1").hex()


def x_sign(key: bytes, path: bytes, body: bytes) -> str:
    """path: as sent, with its leading slash, without host and query."""
    return hmac.digest(key, path + b"\n" + body, "sha256").hex()


def same(given: bytes | None, wanted: str) -> bool:
    """Compare two digests in constant time; None equals nothing."""
    return given is not None and hmac.compare_digest(given, wanted.encode())


def claim_code(key: bytes, device: str, number: int = 0) -> str:
    """Return the code that claims a device: 40 bits of an HMAC in 8 characters of base32 (§8.3).

    number: how often the device was given on (devices/lives.py).
    """
    text = f"claim {device} {number}" if number else f"claim {device}"
    return base64.b32encode(hmac.digest(key, text.encode(), "sha256")[:5]).decode()

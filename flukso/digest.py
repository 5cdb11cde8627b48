# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyed digests (RFC 2104) over hashlib alone, since MicroPython has no hmac
(docs/design/protocols.md §3, §8).
"""

import hashlib
from binascii import hexlify

BLOCK = 64  # bytes, of SHA-1 and SHA-256


def hmac(algorithm, key: bytes, data: bytes) -> bytes:
    """Return the HMAC of the data with a constructor of hashlib (sha1 or sha256)."""
    if len(key) > BLOCK:
        key = algorithm(key).digest()
    key = key + bytes(BLOCK - len(key))
    inner = algorithm(_xored(key, b"\x36"))
    inner.update(data)
    outer = algorithm(_xored(key, b"\x5c"))
    outer.update(inner.digest())
    return outer.digest()


def _xored(block, byte):
    mask = int.from_bytes(byte * BLOCK, "big")
    return (int.from_bytes(block, "big") ^ mask).to_bytes(BLOCK, "big")


def x_digest(key: str, body: bytes) -> str:
    """Return the X-Digest of a body; the key is the device's, as its hex text."""
    return hexlify(hmac(hashlib.sha1, key.encode(), body)).decode()


def x_sign(key: str, path: str, body: bytes) -> str:
    """Return the X-Sign of a post to this path (as sent, without host and query)."""
    return hexlify(hmac(hashlib.sha256, key.encode(), path.encode() + b"\n" + body)).decode()


def same(first: str, other: str) -> bool:
    """Return whether two digests are equal, in a time that does not tell where they differ."""
    if len(first) != len(other):
        return False
    difference = 0
    for a, b in zip(first.encode(), other.encode()):  # noqa: B905
        difference |= a ^ b
    return not difference

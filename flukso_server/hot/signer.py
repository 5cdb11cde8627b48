# SPDX-License-Identifier: GPL-3.0-or-later
"""The digests of docs/design/protocols.md §3, computed with one key as fast as CPython can.

Each HMAC starts from hashes that have seen the key already. They are CPython's own where those are
built in. For a message of some hundred bytes OpenSSL's set-up costs twice as much, and its one-shot
HMAC releases the interpreter's lock: the store's thread then takes it in the middle of a request.
"""

try:
    from _sha1 import sha1
except ImportError:
    from hashlib import sha1
try:
    from _sha256 import sha256  # Python 3.11
except ImportError:
    try:
        from _sha2 import sha256  # from Python 3.12 on
    except ImportError:
        from hashlib import sha256

_BLOCK = 64  # bytes, of both hashes
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Signer:
    """Computes the hex digests that a request must carry. It takes about 600 bytes."""

    __slots__ = ("_inner_1", "_inner_256", "_outer_1", "_outer_256")

    def __init__(self, key: bytes):
        if len(key) > _BLOCK:
            raise ValueError("a key is at most 64 bytes")
        block = key.ljust(_BLOCK, b"\0")
        inner, outer = block.translate(_INNER), block.translate(_OUTER)
        self._inner_1, self._outer_1 = sha1(inner), sha1(outer)
        self._inner_256, self._outer_256 = sha256(inner), sha256(outer)

    def digest(self, body: bytes) -> str:
        """Return the X-Digest of a body."""
        inner, outer = self._inner_1.copy(), self._outer_1.copy()
        inner.update(body)
        outer.update(inner.digest())
        return outer.hexdigest()

    def sign(self, path: bytes, body: bytes) -> str:
        """Return the X-Sign of a request; path: as sent."""
        inner, outer = self._inner_256.copy(), self._outer_256.copy()
        inner.update(path + b"\n" + body)
        outer.update(inner.digest())
        return outer.hexdigest()

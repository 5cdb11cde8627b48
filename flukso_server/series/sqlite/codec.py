# SPDX-License-Identifier: GPL-3.0-or-later
"""A compressed block of points: a header that sums it up, then deflated differences.

Both have a checksum that covers the block's key as well, so that a damaged block, or one that lies
in another's place, is told from a whole one: header and body, or the header alone.
"""

import struct
import zlib
from binascii import crc_hqx

import numpy as np

from flukso_server.series.plausible import calm
from flukso_server.series.points import EMPTY, Points, steps, summed
from flukso_server.series.rule import COUNTER
from flukso_server.series.terms import PLAIN, Terms

HEADER = struct.Struct("<BBHIIIIIQII")
HEAD = np.dtype(
    [
        ("form", "u1"),
        ("widths", "u1"),
        ("check", "<u2"),  # of the key and the other fields of the header
        ("size", "<u4"),  # points
        ("ts0", "<u4"),
        ("counter0", "<u4"),
        ("ts1", "<u4"),
        ("counter1", "<u4"),
        ("energy", "<u8"),  # Wh between the first point and the last, if all of the block fits
        ("known", "<u4"),  # s
        ("body", "<u4"),  # checksum of the key and what follows the header
    ]
)
# the first byte of a block: steps of the counter by zigzag, because some do not fit, or as they are
FALLS, RISES = 0xF1, 0xF2
# what it was until schema 2, without checksums. No flip of fewer than four bits makes a block of
# today one of those.
UNCHECKED = {1: FALLS, 2: RISES}
UNCHECKED_BYTES = 36  # of their header, which had nothing of the body
OLD_FORMS = (b"\1", b"\2")
WIDTHS = (1, 2, 4, 8)  # bytes of one difference, two bits each in the second byte
LEVEL = 6  # of deflate: 9 saves another 2 % for twice the time


class CodecError(ValueError):
    """The bytes are no block, or not the one of this key as it was written."""


def encode(points: Points, key: int, terms: Terms | None = PLAIN) -> bytes:
    """Return the block of at least one point that is to be kept under a key (0 … 2^63 - 1).

    terms: of its sensor; None where nobody asks if the block fits, because its header is not read.
    """
    ts, counter = points
    width_ts, planes_ts = _planes(steps(ts))
    rises = steps(counter)
    if terms is None or terms.rule.held:
        whole = not len(rises) or bool(rises.min() >= 0)
    else:
        whole = calm(points, terms._replace(corrections=()))
    form = RISES if whole else FALLS
    width_c, planes_c = _planes(rises if form == RISES else (rises << 1) ^ (rises >> 63))
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -15, 9)
    parts = [deflate.compress(planes_ts[0])]
    for plane in planes_ts[1:] + planes_c:
        # a code of its own for each plane: they have little in common
        parts += (deflate.flush(zlib.Z_BLOCK), deflate.compress(plane))
    fields = (
        form,
        width_ts | width_c << 2,
        0,
        len(ts),
        int(ts[0]),
        int(counter[0]),
        int(ts[-1]),
        int(counter[-1]),
        max(int(counter[-1] - counter[0]), 0),
        int(ts[-1] - ts[0]),
    )
    return _checked(fields, b"".join(parts) + deflate.flush(), key)


def decode(block: bytes, key: int) -> Points:
    """Return the points of the block that was found under a key. Raises CodecError."""
    if not block:
        return EMPTY
    try:
        form, widths, _check, count, ts0, counter0, ts1, counter1 = struct.unpack_from(
            "<BBHIIIII", block
        )
        form, cut = _form(block, key)
        body = zlib.decompress(memoryview(block)[cut:], -15)
    except (struct.error, zlib.error) as error:
        raise CodecError(str(error))
    wide_ts, wide_c = WIDTHS[widths & 3], WIDTHS[widths >> 2 & 3]
    if len(body) != (count - 1) * (wide_ts + wide_c):
        raise CodecError("not a block")
    cut = (count - 1) * wide_ts
    rises = _unplane(body[cut:], wide_c, count - 1)
    if form == FALLS:
        rises = (rises >> 1) ^ -(rises & 1)
    points = Points(summed(_unplane(body[:cut], wide_ts, count - 1), ts0), summed(rises, counter0))
    if points.ts[-1] != ts1 or points.counter[-1] != counter1:
        raise CodecError("not the end that the header has")
    return points


def _form(block: bytes, key: int) -> tuple[int, int]:
    """Return the form of a block, and where its body begins. Raises CodecError."""
    form = block[0]
    if form in UNCHECKED:
        return UNCHECKED[form], UNCHECKED_BYTES
    if not is_header(block[: HEADER.size], key):
        raise CodecError("the header's checksum differs")
    if HEADER.unpack_from(block)[-1] != _body_check(memoryview(block)[HEADER.size :], key):
        raise CodecError("the checksum differs")
    return form, HEADER.size


def is_whole(block: bytes, key: int) -> bool:
    """Return whether the block is as it was written under this key, as far as its form tells."""
    try:
        if block[:1] in OLD_FORMS:
            decode(block, key)
        elif block:
            _form(block, key)
        return True
    except (CodecError, struct.error):
        return False


def is_header(head: bytes, key: int) -> bool:
    """Return whether the bytes (at most HEADER.size) are the header of the block of this key."""
    if head[:1] in OLD_FORMS:
        return len(head) >= UNCHECKED_BYTES
    if len(head) != HEADER.size or head[0] not in (FALLS, RISES):
        return False
    return head[2] | head[3] << 8 == _head_check(head, key)


def checked(block: bytes, key: int) -> bytes:
    """Return the block with the checksums that blocks until schema 2 do not have.

    Raises CodecError.
    """
    decode(block, key)
    if block[0] not in UNCHECKED:
        return block
    form, *fields = struct.unpack_from("<BBHIIIIIQI", block)
    return _checked((UNCHECKED[form], *fields), block[UNCHECKED_BYTES:], key)


def fits(heads: np.ndarray) -> np.ndarray:
    """Tell of records of HEAD which block fits as a whole, so that both ends stand for it.

    Until schema 2 only a fall kept a block from that; what its ends cannot have counted is told.
    """
    old = [form for form, now in UNCHECKED.items() if now == RISES]
    rises = np.isin(heads["form"], [RISES, *old])
    elapsed = heads["ts1"].astype(np.int64) - heads["ts0"] + 60
    rise = heads["counter1"].astype(np.int64) - heads["counter0"]
    fitting: np.ndarray = rises & (rise <= COUNTER.most * elapsed)
    return fitting


def _checked(fields: tuple[int, ...], body: bytes, key: int) -> bytes:
    """Return a block from its header's fields but the last."""
    head = HEADER.pack(*fields, _body_check(body, key))
    return b"".join((head[:2], _head_check(head, key).to_bytes(2, "little"), head[4:], body))


def _head_check(head: bytes, key: int) -> int:
    return crc_hqx(b"".join((key.to_bytes(8, "little"), head[:2], head[4:])), 0xFFFF)


def _body_check(body: bytes | memoryview, key: int) -> int:
    return zlib.crc32(body, zlib.crc32(key.to_bytes(8, "little")))


def summaries(headers: bytes) -> np.ndarray:
    """Return joined headers as records of HEAD: the first HEADER.size bytes of blocks.

    Check each with is_header() first. One without checksums is shorter; fill it up.
    """
    return np.frombuffer(headers, HEAD)


def _planes(values: np.ndarray) -> tuple[int, list[bytes]]:
    """Return which of WIDTHS the values need, and their bytes by plane, the lowest first."""
    top = int(values.max()) if len(values) else 0
    code = 0 if top < 1 << 8 else 1 if top < 1 << 16 else 2 if top < 1 << 32 else 3
    wide = WIDTHS[code]
    if wide == 1:
        return code, [values.astype(np.uint8).tobytes()]
    return code, [
        plane.tobytes() for plane in values.astype(f"<u{wide}").view(np.uint8).reshape(-1, wide).T
    ]


def _unplane(data: bytes, wide: int, count: int) -> np.ndarray:
    """Return the values of planes that _planes() made."""
    flat = np.frombuffer(data, np.uint8)
    if wide == 1:
        return flat.astype(np.int64)
    return (
        np.ascontiguousarray(flat.reshape(wide, count).T)
        .view(f"<u{wide}")
        .reshape(-1)
        .astype(np.int64)
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""A compressed block of points: a header that sums it up, then deflated differences."""

import struct
import zlib

import numpy as np

from flukso_server.series.points import EMPTY, Points, spans, steps, summed

HEADER = struct.Struct("<BBxxIIIIIQI")
HEAD = np.dtype(
    [
        ("form", "u1"),
        ("widths", "u1"),
        ("pad", "V2"),
        ("size", "<u4"),  # points
        ("ts0", "<u4"),
        ("counter0", "<u4"),
        ("ts1", "<u4"),
        ("counter1", "<u4"),
        ("energy", "<u8"),  # Wh between the first point and the last
        ("known", "<u4"),  # s
    ]
)
# the first byte of a block: steps of the counter by zigzag, or as they are because none falls
FALLS, RISES = 1, 2
WIDTHS = (1, 2, 4, 8)  # bytes of one difference, two bits each in the second byte
LEVEL = 6  # of deflate: 9 saves another 2 % for twice the time


class CodecError(ValueError):
    """The bytes are not a block."""


def encode(points: Points) -> bytes:
    """Return the block of at least one point."""
    ts, counter = points
    energy, known = spans(points)
    width_ts, planes_ts = _planes(steps(ts))
    rises = steps(counter)
    form = FALLS if len(rises) and rises.min() < 0 else RISES
    width_c, planes_c = _planes(rises if form == RISES else (rises << 1) ^ (rises >> 63))
    head = HEADER.pack(
        form,
        width_ts | width_c << 2,
        len(ts),
        int(ts[0]),
        int(counter[0]),
        int(ts[-1]),
        int(counter[-1]),
        int(energy.sum()),
        int(known.sum()),
    )
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -15, 9)
    parts = [head, deflate.compress(planes_ts[0])]
    for plane in planes_ts[1:] + planes_c:
        # a code of its own for each plane: they have little in common
        parts += (deflate.flush(zlib.Z_BLOCK), deflate.compress(plane))
    return b"".join(parts) + deflate.flush()


def decode(block: bytes) -> Points:
    """Return the points of a block. Raises CodecError."""
    if not block:
        return EMPTY
    try:
        form, widths, count, ts0, counter0 = struct.unpack_from("<BBxxIII", block)
        body = zlib.decompress(memoryview(block)[HEADER.size :], -15)
        wide_ts, wide_c = WIDTHS[widths & 3], WIDTHS[widths >> 2 & 3]
        if form not in (FALLS, RISES) or len(body) != (count - 1) * (wide_ts + wide_c):
            raise CodecError("not a block")
    except (struct.error, zlib.error) as error:
        raise CodecError(str(error))
    cut = (count - 1) * wide_ts
    rises = _unplane(body[cut:], wide_c, count - 1)
    if form == FALLS:
        rises = (rises >> 1) ^ -(rises & 1)
    return Points(summed(_unplane(body[:cut], wide_ts, count - 1), ts0), summed(rises, counter0))


def summaries(headers: bytes) -> np.ndarray:
    """Return joined headers (the first HEADER.size bytes of blocks) as records of HEAD.

    Raises CodecError.
    """
    if len(headers) % HEAD.itemsize:
        raise CodecError("not a block's header")
    heads = np.frombuffer(headers, HEAD)
    if ((heads["form"] != RISES) & (heads["form"] != FALLS)).any():
        raise CodecError("not a block")
    return heads


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

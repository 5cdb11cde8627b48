# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of POST /sensor/<id> (docs/design/protocols.md §3); pure."""

from math import floor
from typing import Annotated, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

UINT32_MAX = 0xFFFFFFFF
UInt32 = Annotated[int, msgspec.Meta(ge=0, le=UINT32_MAX)]


class UploadBody(msgspec.Struct):
    """One of the two members is set. Others are tolerated, as some writers add a version."""

    measurements: list[tuple[UInt32, UInt32]] | UnsetType = UNSET
    config: dict | UnsetType = UNSET


class _Loose(msgspec.Struct):
    measurements: list[tuple[int | float, int | float]]
    config: UnsetType = UNSET


class Sifted(NamedTuple):
    """The tuples of an upload that can be stored, and how many others it had."""

    measurements: list[tuple[int, int]]
    odd: int


class Malformed(ValueError):
    """The body is not what the protocol says."""


_loose = msgspec.json.Decoder(_Loose)
_decoder = msgspec.json.Decoder(UploadBody)
_objects = msgspec.json.Decoder(dict)


def decode_upload(body: bytes) -> UploadBody:
    """Raises Malformed, nothing else, whatever the bytes."""
    decoded = _decode(_decoder, body)
    if (decoded.measurements is UNSET) == (decoded.config is UNSET):
        raise Malformed("either measurements or config")
    return decoded


def sift(body: bytes) -> Sifted:
    """Read an upload whose pairs of numbers are not all tuples.

    Fractions are floored. A pair is set aside if either number is below 0 or above 2^32 - 1.
    Raises Malformed, nothing else, for a body without a list of pairs of numbers.
    """
    numbers = _decode(_loose, body).measurements
    pairs = [(floor(stamp), floor(counter)) for stamp, counter in numbers]
    kept = [pair for pair in pairs if min(pair) >= 0 and max(pair) <= UINT32_MAX]
    return Sifted(kept, len(pairs) - len(kept))


def decode_object(body: bytes) -> dict:
    """Decode a JSON object. Raises Malformed, nothing else."""
    return _decode(_objects, body)


def _decode(decoder, body: bytes):
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from error

# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of POST /sensor/<id> (docs/protocols.md §3); pure."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

UInt32 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]


class Upload(msgspec.Struct):
    """One of the two is set. Other members are tolerated: some writers add a version."""

    measurements: list[tuple[UInt32, UInt32]] | UnsetType = UNSET
    config: dict | UnsetType = UNSET


class Malformed(ValueError):
    """The body is not what the protocol says."""


_decoder = msgspec.json.Decoder(Upload)
_objects = msgspec.json.Decoder(dict)


def decode_upload(body: bytes) -> Upload:
    """Raises Malformed, nothing else, whatever the bytes."""
    try:
        upload = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from error
    if (upload.measurements is UNSET) == (upload.config is UNSET):
        raise Malformed("either measurements or config")
    return upload


def decode_object(body: bytes) -> dict:
    """A JSON object. Raises Malformed, nothing else."""
    try:
        return _objects.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from error

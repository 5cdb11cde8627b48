# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognises, in one look at the bytes received, a small upload that is all there; pure."""

import re
from collections import namedtuple

# Headers that change how a message is read, or that the quick way judges itself, must be one of the
# forms spelled out below.
_OTHER = rb"(?!(?i:transfer-encoding|content-length|connection|expect|upgrade|te|trailer|keep-alive|x-digest|x-sign|x-version):)"
_LINES = rb"|".join(
    (
        rb"Content-Length: ([0-9]{1,4}+)",
        rb"X-Digest: ([0-9a-f]{40})",
        rb"X-Sign: ([0-9a-f]{64})",
        rb"X-Version: 1\.0",
        rb"Connection: [Kk]eep-[Aa]live",
        _OTHER + rb"[A-Za-z0-9-]++:[\t\x20-\x7e]*+",
    )
)
# possessive throughout: whatever the bytes, the time is linear in their number
_HEAD = re.compile(
    rb"POST (/sensor/([0-9a-f]{32})) HTTP/1\.1\r\n(?:(?:" + _LINES + rb")\r\n)++\r\n"
)
BYTES_MAX = 16_384  # head and body; a longer one goes the usual way

Upload = namedtuple("Upload", ("path", "sensor", "digest", "sign", "body"))


def read_upload(data: bytes) -> "Upload | int | None":
    """The upload that `data` is; how many bytes of its body are still to come; or None when it is
    not one of the usual form.

    What is not taken here is parsed by httptools, from its first byte.
    """
    found = _HEAD.match(data) if len(data) <= BYTES_MAX else None
    if found is None:
        return None
    path, sensor, length, digest, sign = found.groups()
    head = found.end()
    if length is None or data.count(b"Content-Length:", 0, head) != 1:
        return None
    missing = head + int(length) - len(data)
    if missing:
        return missing if missing > 0 and head + int(length) <= BYTES_MAX else None
    return Upload(path, sensor.decode(), digest, sign, data[head:])

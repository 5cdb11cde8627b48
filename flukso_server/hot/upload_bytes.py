# SPDX-License-Identifier: GPL-3.0-or-later
"""Recognises a small, complete upload by one look at the bytes received; pure."""

import re

from flukso_server.hot.upload_rules import Post

# A header that changes how a message is read, or that the rules for uploads judge, counts only in
# one of the forms spelled out below.
_JUDGED = (
    rb"transfer-encoding|content-length|connection|expect|upgrade|te|trailer|keep-alive"
    rb"|x-digest|x-sign|x-version"
)
_LINES = rb"|".join(
    (
        rb"Content-Length: ([0-9]{1,4}+)",
        rb"X-Digest: ([0-9a-f]{40})",
        rb"X-Sign: ([0-9a-f]{64})",
        rb"X-Version: 1\.0",
        rb"Connection: [Kk]eep-[Aa]live",
        rb"(?!(?i:" + _JUDGED + rb"):)[A-Za-z0-9-]++:[\t\x20-\x7e]*+",
    )
)
# The repetitions are possessive, so the time is linear in the number of bytes, whatever they are.
_HEAD = re.compile(
    rb"POST (/sensor/([0-9a-f]{32})) HTTP/1\.1\r\n(?:(?:" + _LINES + rb")\r\n)++\r\n"
)
BYTES_MAX = 16_384  # head and body; httptools parses a longer request


def read_upload(data: bytes) -> Post | int | None:
    """Return the upload that `data` is, or how many bytes of its body are missing.

    Returns None for anything that is not exactly one upload of the usual form: httptools then
    parses it from its first byte.
    """
    match = _HEAD.match(data) if len(data) <= BYTES_MAX else None
    if match is None:
        return None
    path, sensor, length, digest, sign = match.groups()
    head = match.end()
    if length is None or data.count(b"Content-Length:", 0, head) != 1:
        return None
    missing = head + int(length) - len(data)
    if missing:
        return missing if missing > 0 and head + int(length) <= BYTES_MAX else None
    return Post(path, sensor.decode(), digest, sign, data[head:])

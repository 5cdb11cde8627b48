# SPDX-License-Identifier: GPL-3.0-or-later
"""The headers that the hot path looks at, by place; pure."""

VERSION, DIGEST, SIGN, TOKEN, LENGTH, MATCH, ADDRESS, FORWARDED = range(8)

_PLACES = {
    b"x-version": VERSION,
    b"x-digest": DIGEST,
    b"x-sign": SIGN,
    b"x-token": TOKEN,
    b"content-length": LENGTH,
    b"if-none-match": MATCH,
    b"x-real-ip": ADDRESS,
    b"x-forwarded-for": FORWARDED,
}


def scan(headers: list[tuple[bytes, bytes]]) -> list[bytes | None]:
    """Values by place, None where a header is absent; of a repeated one the last. Names are in
    lower case.
    """
    values: list[bytes | None] = [None] * 8
    for name, value in headers:
        place = _PLACES.get(name)
        if place is not None:
            values[place] = value
    return values

# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict reader of tar: what opkg would silently misread is an error here."""

import zlib
from collections import namedtuple

BLOCK = 512
UNPACKED_MAX = 64 * 1024 * 1024  # bytes: more than any router's flash holds
# of one archive: the largest package of a router has some thousand; each costs us a kilobyte of
# memory
MEMBERS_MAX = 20000
NAME_MAX = 4096  # bytes of a path
OCTAL = frozenset(b"01234567")

# name: as stored; kind: "file", "folder" or "link"; target: of a link
Member = namedtuple("Member", ("name", "kind", "mode", "uid", "gid", "target", "data"))

KINDS = {b"0": "file", b"\0": "file", b"5": "folder", b"2": "link"}
REFUSED = {
    b"x": "it is a PAX tar, whose long names opkg loses",
    b"g": "it is a PAX tar, whose long names opkg loses",
    b"1": "it has a hard link",
    b"3": "it has a character device",
    b"4": "it has a block device",
    b"6": "it has a named pipe",
}
LONG = {b"L": "name", b"K": "target"}  # GNU's long names and link targets


class TarError(ValueError):
    """A tar or gzip stream that opkg would not read as meant."""


def unpack(data: bytes) -> bytes:
    """The content of one whole gzip stream. Raises TarError for a damaged, cut or too large one,
    and for what follows it.
    """
    engine = zlib.decompressobj(31)
    try:
        out = engine.decompress(data, UNPACKED_MAX)
    except zlib.error as error:
        raise TarError("it is no intact gzip stream ({})".format(error)) from None
    if engine.unconsumed_tail:
        raise TarError("it unpacks to more than {} bytes".format(UNPACKED_MAX))
    if not engine.eof:
        raise TarError("its gzip stream is cut off")
    if engine.unused_data:
        raise TarError("something follows its gzip stream")
    return out


def _number(field: bytes, what: str) -> int:
    text = field.strip(b" \0")
    if not OCTAL.issuperset(
        text
    ):  # int() would take a sign, too: a size below 0 leads back to the same header for ever
        raise TarError("the {} in a header is not octal".format(what))
    return int(text or b"0", 8)


def _text(field: bytes) -> str:
    try:
        return field.split(b"\0", 1)[0].decode("utf-8")
    except UnicodeDecodeError:
        raise TarError("a name is not UTF-8") from None


def _header(block: bytes) -> None:
    stored = _number(block[148:156], "checksum")
    if sum(block[:148] + b" " * 8 + block[156:]) != stored:
        raise TarError("a header is damaged")


def members(data: bytes) -> list[Member]:
    """Every member in its order. Raises TarError for PAX, devices, hard links, damage, too many,
    and a missing end.
    """
    found, place, long = [], 0, {}
    while True:
        block = data[place : place + BLOCK]
        if len(block) < BLOCK:
            raise TarError("it ends without its two empty blocks")
        if not block.strip(b"\0"):
            if data[place:].strip(b"\0"):
                raise TarError("something follows its end")
            return found
        _header(block)
        size, flag = _number(block[124:136], "size"), block[156:157]
        content = data[place + BLOCK : place + BLOCK + size]
        if len(content) < size:
            raise TarError("a file is cut off")
        place += BLOCK + (size + BLOCK - 1) // BLOCK * BLOCK
        if flag in LONG:
            if size > NAME_MAX:
                raise TarError("a name is over {} bytes".format(NAME_MAX))
            long[LONG[flag]] = _text(content)
            continue
        if len(found) == MEMBERS_MAX:
            raise TarError("it has more than {} members".format(MEMBERS_MAX))
        found.append(_member(block, flag, content, long))
        long = {}


def _member(block, flag, content, long):
    if flag not in KINDS:
        raise TarError(REFUSED.get(flag, "it has a member of unknown type {!r}".format(flag)))
    name = long.get("name") or _text(block[0:100])
    if block[257:263] == b"ustar\0" and block[345:346] != b"\0" and "name" not in long:
        name = _text(block[345:500]) + "/" + name
    mode, uid, gid = (
        _number(block[at : at + 8], what)
        for at, what in ((100, "mode"), (108, "owner"), (116, "group"))
    )
    return Member(
        name, KINDS[flag], mode, uid, gid, long.get("target") or _text(block[157:257]), content
    )

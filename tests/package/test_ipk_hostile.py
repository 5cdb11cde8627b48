# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/ipk.py check against packages made to harm: hostile members, lying headers, and mutations
in every layer.
"""

import gzip
import random
import sys
import tarfile
import tracemalloc

import pytest

from tests.package.test_ipk import (
    added,
    put_together,
    refused,
    repacked,
    rewritten,
    small,  # noqa: F401
    taken_apart,
)
from tools.openwrt import archive, check, tar

CASES = 400  # 3 s of CPU; 1,500 were run by hand
CALLS_MAX = 5_000  # of functions, for one file; the most of these cases was 1,055
MEMORY_MAX = 16 * 1024 * 1024  # bytes, for files of a few kB
BLOCK = tar.BLOCK
SIZE, CHECKSUM = slice(124, 136), slice(148, 156)

MEMBERS = [  # id, a member beside ./usr/share/small, what is said
    ("below-a-link", added("./etc/config/small/x"), "/etc/config/small is no folder"),
    ("the-same-otherwise", added("./etc/./config/network"), "not a plain path"),
    ("two-slashes", added("./etc//config/network"), "not a plain path"),
    ("dots-first", added("././etc/config/network"), "not a plain path"),
    ("escape", added("./usr/\x1b[2Jx"), "/usr/\\x1b[2Jx: not a plain path"),
    ("open-folder", added("./usr/open", tarfile.DIRTYPE, mode=0o777), "writable by everybody"),
    ("set-gid-folder", added("./usr/open", tarfile.DIRTYPE, mode=0o2755), "set-id"),
]


@pytest.mark.parametrize("change, said", [pytest.param(*row[1:], id=row[0]) for row in MEMBERS])
def test_refuses_members(small, change, said):  # noqa: F811
    path = small()
    rewritten(path, "data", change)
    assert said in refused(path)


def test_refuses_to_write_through_a_link(small):  # noqa: F811
    def change(member, content):
        if member.name != "./usr/share/small":
            return [(member, content)]
        link, below = tarfile.TarInfo("./usr/lib"), tarfile.TarInfo("./usr/lib/x")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        return [(member, content), (link, b""), (below, b"x")]

    path = small()
    rewritten(path, "data", change)
    assert "/usr/lib/x: /usr/lib is no folder" in refused(path)


def signed(block: bytes) -> bytes:
    """A header with the checksum that it needs."""
    blank = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(blank) + block[156:]


def with_data(path, raw: bytes) -> None:
    parts = taken_apart(path)
    put_together({**parts, "./data.tar.gz": archive.packed(raw)}.items(), path)


SIZES = [  # id, the field, what is said
    ("negative", b"-0000002000\0", "not octal"),  # back to the header itself
    ("base-256", b"\x80" + bytes(10) + b"\x01", "not octal"),
    ("not-octal", b"00000000008\0", "not octal"),
    ("huge", b"77777777777\0", "cut off"),
]


@pytest.mark.parametrize("field, said", [pytest.param(*row[1:], id=row[0]) for row in SIZES])
def test_refuses_lying_sizes(small, field, said):  # noqa: F811
    path = small()
    raw = bytearray(gzip.decompress(taken_apart(path)["./data.tar.gz"]))
    raw[SIZE] = field
    with_data(path, signed(bytes(raw[:BLOCK])) + bytes(raw[BLOCK:]))
    assert said in refused(path)


def test_refuses_more_members_than_a_router_holds(small, monkeypatch):  # noqa: F811
    monkeypatch.setattr(tar, "MEMBERS_MAX", 3)
    assert "more than 3 members" in refused(small())


def mutated(data: bytes, dice: random.Random) -> bytes:
    """The data with a few bytes changed, blocks doubled, dropped or swapped, or its end cut off;
    headers with right checksums, often.
    """
    out = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at, kind = dice.randrange(len(out)), dice.randrange(5)
        block = at - at % BLOCK
        if kind == 0:
            out[at] = dice.choice(
                (0, 0x2D, 0x2E, 0x2F, 0x31, 0x4C, 0x78, 0x80, 0xFF, dice.randrange(256))
            )
        elif kind == 1:
            out[block:block] = out[block : block + BLOCK]
        elif kind == 2 and len(out) > BLOCK:
            del out[block : block + BLOCK]
        elif kind == 3:
            field = dice.choice(
                (
                    slice(0, 100),
                    slice(100, 108),
                    SIZE,
                    slice(156, 157),
                    slice(157, 257),
                    slice(345, 500),
                )
            )
            width = len(out[block : block + BLOCK][field])
            out[block + field.start : block + field.start + width] = dice.randbytes(width)
        elif dice.random() < 0.1:
            del out[at + 1 :]
    if dice.random() < 0.8:
        for block in range(0, len(out) - BLOCK + 1, BLOCK):
            if out[block + 257 : block + 262] == b"ustar":
                out[block : block + BLOCK] = signed(bytes(out[block : block + BLOCK]))
    return bytes(out)


def hostile(parts: dict[str, bytes], dice: random.Random, path) -> None:
    """Write a package with a mutation in one of its layers."""
    name = dice.choice(("outer", "gzip", "./data.tar.gz", "./control.tar.gz", "text"))
    parts = dict(parts)
    if name in parts:
        parts[name] = archive.packed(mutated(gzip.decompress(parts[name]), dice))
    elif name == "text":
        parts["./control.tar.gz"] = repacked(
            parts["./control.tar.gz"], lambda member, text: [(member, mutated(text or b"x", dice))]
        )
    put_together(parts.items(), path)
    if name == "outer":
        path.write_bytes(archive.packed(mutated(gzip.decompress(path.read_bytes()), dice)))
    elif name == "gzip":
        path.write_bytes(mutated(path.read_bytes(), dice))


def test_any_mutation_is_taken_or_refused_with_a_sentence_within_bounds_of_work_and_memory(small):  # noqa: F811
    path, dice = small(), random.Random(7)
    parts, taken = taken_apart(path), 0
    tracemalloc.start()
    for number in range(CASES):
        hostile(parts, dice, path)
        calls = []
        sys.setprofile(
            lambda frame, event, function, calls=calls: "call" in event and calls.append(event)
        )
        try:
            check.check(path)
            taken += 1
        except check.IpkError as error:
            assert str(error) and str(error).replace("\n", "").isprintable(), (number, str(error))
        finally:
            sys.setprofile(None)
        assert len(calls) < CALLS_MAX, number
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY_MAX and taken < CASES // 2

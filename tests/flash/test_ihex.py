# SPDX-License-Identifier: GPL-3.0-or-later
"""Intel hex files: what PyPI's intelhex writes is read alike, and what is damaged is refused with
its line.
"""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intelhex import IntelHex

from flukso.flash.ihex import HexError, read, write

SIZE = 1024
END = b":00000001FF\n"


@given(st.dictionaries(st.integers(0, SIZE - 1), st.integers(0, 255)), st.integers(1, 255))
def test_reads_what_intelhex_writes(cells, per_line):
    image = IntelHex(cells)
    out = io.StringIO()
    image.write_hex_file(out, byte_count=per_line)
    memory = read(out.getvalue().encode(), SIZE)
    assert {at: memory[at] for at in cells} == cells
    assert all(value == 0xFF for at, value in enumerate(memory) if at not in cells)


@given(st.binary(max_size=SIZE))
def test_intelhex_reads_what_it_writes(memory):
    image = IntelHex(io.StringIO(write(memory).decode()))
    assert bytes(image[at] for at in range(SIZE)) == memory.ljust(SIZE, b"\xff")


BAD = [
    ("colon", b"0000000000\n" + END, "line 1: not a record"),
    ("character", b":0100000G00FF\n" + END, "line 1: not hex"),
    ("odd", b":010000000FF\n" + END, "line 1: length"),
    ("short", b":0200000001FD\n" + END, "line 1: length"),
    ("checksum", b":0100000001FD\n" + END, "line 1: checksum"),
    ("type", b":0000000AF6\n" + END, "line 1: type 10"),
    ("end-with-data", b":0100000101FD\n", "line 1: type 1"),
    ("past", b":0103FF0001FC\n:01040000FFFC\n" + END, "line 2: address 0x400 is past"),
    ("far", b":020000040001F9\n:0100000001FE\n" + END, "line 2: address 0x10000 is past"),
    ("twice", b":0100000001FE\n:0100000002FD\n" + END, "line 2: address 0x0 is given twice"),
    ("after-end", END + b":0100000001FE\n", "line 2: text after"),
    ("no-end", b":0100000001FE\n", "no end record"),
    ("empty", b"", "no end record"),
    ("endless", b"\n" * 5000, "more than 4096 lines"),
]


@pytest.mark.parametrize(
    "text, words", [pytest.param(text, words, id=name) for name, text, words in BAD]
)
def test_refuses(text, words):
    with pytest.raises(HexError, match=words):
        read(text, SIZE)


@given(st.binary(max_size=200))
def test_raises_only_hex_error(text):
    try:
        read(text, SIZE)
    except HexError:
        pass


def test_segments_and_line_ends():
    text = b":020000020010EC\r\n:0100000042BD\r\n\r\n:00000001FF\r\n"
    assert read(text, SIZE)[0x100] == 0x42

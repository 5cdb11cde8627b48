# SPDX-License-Identifier: GPL-3.0-or-later
"""A firmware image is believed only when its descriptor and checksum say that it is whole, and
ours.
"""

import struct

import pytest

from flukso.flash import cli, ihex, image
from tools import avrdude_wrap


def made(board=2, version=(2, 3), length=2000, magic=b"FLXD", layout=1, flip=None):
    memory = bytearray(at * 7 & 0xFF for at in range(2000))
    struct.pack_into(
        image.FORM, memory, image.DESCRIPTOR_AT, magic, layout, board, *version, length, 0xFFFF, 0
    )
    struct.pack_into("<I", memory, image.CRC_AT, image.checksum(memory[: min(length, 2000)]))
    if flip is not None:
        memory[flip] ^= 0x10
    return ihex.write(memory)


@pytest.mark.parametrize("number, board", [(1, "uart"), (2, "spi")])
def test_an_intact_image_says_what_it_is(number, board):
    found = image.load(made(board=number))
    assert (found.board, found.version, len(found.memory)) == (board, (2, 3), 2000)


BAD = [
    ("no-descriptor", {"magic": b"FLXX"}, "no descriptor"),
    ("other-layout", {"layout": 2}, "layout 2"),
    ("other-board", {"board": 3}, "board 3"),
    ("length", {"length": 30}, "30 bytes"),
    ("cut", {"length": 0xFFFF}, "65535 bytes"),
    ("code", {"flip": 1500}, "checksum"),
    ("version", {"flip": image.DESCRIPTOR_AT + 6}, "checksum"),
]


@pytest.mark.parametrize(
    "change, words", [pytest.param(change, words, id=name) for name, change, words in BAD]
)
def test_refuses(change, words):
    with pytest.raises(image.ImageError, match=words):
        image.load(made(**change))


def test_the_command_says_it_and_its_exit_status_too(tmp_path, capsys):
    file = tmp_path / "new.hex"
    file.write_bytes(made())
    assert avrdude_wrap.main(["check", str(file)]) == 0
    assert "firmware 2.3 for the spi board, 2000 bytes, intact" in capsys.readouterr().out
    file.write_bytes(made()[:-30])
    assert avrdude_wrap.main(["check", str(file)]) == cli.BAD_IMAGE
    assert ": line " in capsys.readouterr().err

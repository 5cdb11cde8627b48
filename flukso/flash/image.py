# SPDX-License-Identifier: GPL-3.0-or-later
"""A firmware image and the descriptor that says what it is (docs/design/firmware.md). Pure, for
both interpreters.
"""

import struct
from binascii import crc32
from collections import namedtuple

from flukso.flash import avrdude, ihex

DESCRIPTOR_AT = 0x68  # behind the vectors of an ATmega168
FORM = "<4sBBBBHHI"  # magic, layout, board, major, minor, length, digits of a delta, CRC-32
MAGIC = b"FLXD"
LAYOUT = 1
LENGTH_AT = DESCRIPTOR_AT + 8
CRC_AT = DESCRIPTOR_AT + 12
BOARDS = {1: "uart", 2: "spi"}  # generation: name

# memory: the image's bytes from address 0; board: "spi" or "uart"; version: (major, minor);
# form: digits of a delta on a board that has no other setting, 0 on a UART board, 65535 when the
# image does not say
Image = namedtuple("Image", ("memory", "board", "version", "form"))


class ImageError(ValueError):
    """Not an intact firmware image of ours."""


def checksum(memory: "bytes | bytearray") -> int:
    """Return the CRC-32 of an image without the four bytes of its own CRC."""
    return crc32(memory[CRC_AT + 4 :], crc32(memory[:CRC_AT])) & 0xFFFFFFFF


def filled(memory: "bytes | bytearray") -> bytes:
    """Return the image without the erased cells at its end, with length and CRC in its descriptor.
    Raises ImageError when there is none.
    """
    made = bytearray(bytes(memory).rstrip(b"\xff"))
    if (
        len(made) < DESCRIPTOR_AT + struct.calcsize(FORM)
        or made[DESCRIPTOR_AT : DESCRIPTOR_AT + len(MAGIC)] != MAGIC
    ):
        raise ImageError("no descriptor at 0x{:02x}".format(DESCRIPTOR_AT))
    struct.pack_into("<H", made, LENGTH_AT, len(made))
    struct.pack_into("<I", made, CRC_AT, checksum(made))
    return bytes(made)


def load(text: bytes) -> Image:
    """Return the Image in an Intel hex file. Raises ImageError (damaged file, no descriptor, wrong
    length or CRC, unknown board).
    """
    try:
        memory = ihex.read(text, avrdude.FLASH_SIZE)
    except ihex.HexError as error:
        raise ImageError(str(error))
    return described(memory)


def described(memory: "bytes | bytearray") -> Image:
    """Return the Image that stands at the start of a flash memory, or raise ImageError."""
    magic, layout, board, major, minor, length, form, crc = struct.unpack_from(
        FORM, memory, DESCRIPTOR_AT
    )
    if magic != MAGIC:
        raise ImageError("no descriptor: not a firmware of ours")
    if layout != LAYOUT or board not in BOARDS:
        raise ImageError(
            "descriptor of layout {} for board {}: not known here".format(layout, board)
        )
    if not DESCRIPTOR_AT + struct.calcsize(FORM) <= length <= len(memory):
        raise ImageError("the descriptor says {} bytes".format(length))
    if checksum(memory[:length]) != crc:
        raise ImageError("checksum of the image")
    return Image(bytes(memory[:length]), BOARDS[board], (major, minor), form)

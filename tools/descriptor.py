#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills length and CRC into the descriptor of a firmware image (docs/firmware.md), or checks them.

usage: descriptor.py fill IN.hex OUT.hex | descriptor.py check FILE.hex
"""

import struct
import sys
import zlib

ADDRESS = 0x68  # behind the interrupt vectors
FORMAT = "<4sBBBBHHI"  # magic, layout, board, major, minor, length, reserved, crc
MAGIC = b"FLXD"
LAYOUT = 1
SIZE = struct.calcsize(FORMAT)
CRC_AT = ADDRESS + SIZE - 4
FLASH_BYTES = 16384
RECORD_BYTES = 16


class DescriptorError(ValueError):
    """The image is not Intel hex, or has no descriptor where it must be."""


def read_hex(text: str) -> bytes:
    """Return the image from address 0, gaps filled with 0xff. Raises DescriptorError."""
    image = bytearray()
    for number, line in enumerate(text.split(), 1):
        try:
            record = bytes.fromhex(line[1:])
        except ValueError:
            raise DescriptorError("line {}: not hex".format(number)) from None
        if line[0] != ":" or len(record) < 5 or len(record) != record[0] + 5 or sum(record) & 0xFF:
            raise DescriptorError("line {}: damaged".format(number))
        address, kind = struct.unpack(">HB", record[1:4])
        if kind == 1:
            return bytes(image)
        if kind == 0:
            end = address + record[0]
            if end > FLASH_BYTES:
                raise DescriptorError("line {}: beyond the flash".format(number))
            image.extend(b"\xff" * (end - len(image)))
            image[address:end] = record[4:-1]
        elif kind not in (3, 5):
            raise DescriptorError("line {}: record type {}".format(number, kind))
    raise DescriptorError("no end record")


def write_hex(image: bytes) -> str:
    """Return the image as Intel hex."""
    lines = []
    for at in range(0, len(image), RECORD_BYTES):
        data = image[at : at + RECORD_BYTES]
        record = struct.pack(">BHB", len(data), at, 0) + data
        lines.append(":{}{:02X}\n".format(record.hex().upper(), -sum(record) & 0xFF))
    return "".join(lines) + ":00000001FF\n"


def image_crc(image: bytes) -> int:
    """CRC-32 (zlib's) of the image without the four bytes that hold it."""
    return zlib.crc32(image[CRC_AT + 4 :], zlib.crc32(image[:CRC_AT]))


def descriptor(image: bytes) -> tuple:
    """Return the descriptor's fields. Raises DescriptorError when there is none of our layout."""
    if len(image) < ADDRESS + SIZE:
        raise DescriptorError("too short for a descriptor")
    fields = struct.unpack(FORMAT, image[ADDRESS : ADDRESS + SIZE])
    if fields[0] != MAGIC or fields[1] != LAYOUT:
        raise DescriptorError("no descriptor at 0x{:02x}".format(ADDRESS))
    return fields


def fill(image: bytes) -> bytes:
    """Return the image with length and CRC filled in. Raises DescriptorError."""
    fields = list(descriptor(image))
    fields[5] = len(image)
    tail = image[ADDRESS + SIZE :]
    image = image[:ADDRESS] + struct.pack(FORMAT, *fields) + tail  # the CRC leaves its own place out
    return image[:CRC_AT] + struct.pack("<I", image_crc(image)) + tail


def check(image: bytes) -> str:
    """Return a sentence about a good image. Raises DescriptorError for any other."""
    fields = descriptor(image)
    if fields[5] != len(image):
        raise DescriptorError("length {} in the descriptor, {} in the file".format(fields[5], len(image)))
    if fields[7] != image_crc(image):
        raise DescriptorError("CRC does not match")
    return "board {}, version {}.{}, {} bytes, CRC {:08x}".format(fields[2], fields[3], fields[4], fields[5], fields[7])


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) == 3 and arguments[0] == "fill":
            with open(arguments[1]) as source:
                image = fill(read_hex(source.read()))
            with open(arguments[2], "w") as target:
                target.write(write_hex(image))
        elif len(arguments) == 2 and arguments[0] == "check":
            with open(arguments[1]) as source:
                image = read_hex(source.read())
        else:
            sys.stderr.write(__doc__)
            return 2
        sys.stdout.write("descriptor: {}\n".format(check(image)))
    except (DescriptorError, OSError) as error:
        sys.stderr.write("descriptor: {}\n".format(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

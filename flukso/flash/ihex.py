# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads Intel hex files and refuses what is damaged, with its line; pure, for both interpreters."""

from binascii import hexlify, unhexlify

DATA, END, SEGMENT, START_SEGMENT, LINEAR, START_LINEAR = 0, 1, 2, 3, 4, 5
LENGTHS = {END: 0, SEGMENT: 2, START_SEGMENT: 4, LINEAR: 2, START_LINEAR: 4}
LINES_MAX = 4096  # 16 KiB in records of 16 bytes are 1,024
LINE_MAX = 1 + 2 * (5 + 255)  # characters of the longest record
FILE_MAX = LINES_MAX * 48  # bytes; lines of 16 bytes have 45 characters
BLANK = 0xFF  # an erased cell


class HexError(ValueError):
    """A file that is no intact image."""


def read(text: bytes, size: int) -> bytearray:
    """Return `size` bytes of memory as the file fills it, 0xFF where it says nothing.

    Raises HexError with the number of the line for a bad character, length, checksum, type, an
    address past `size`, a byte given twice with different values, text after the end record, or a
    file without one.
    """
    memory = bytearray(bytes([BLANK]) * size)
    known = bytearray((size + 7) // 8)
    base = 0
    ended = False
    lines = text.split(b"\n")
    if len(lines) > LINES_MAX:
        raise HexError("more than {} lines".format(LINES_MAX))
    for number in range(len(lines)):
        line = lines[number].strip()
        if not line:
            continue
        if ended:
            raise HexError("line {}: text after the end record".format(number + 1))
        try:
            kind, address, data = _record(line)
            if kind == DATA:
                _place(memory, known, base + address, data)
            elif kind == END:
                ended = True
            elif kind == SEGMENT:
                base = (data[0] << 8 | data[1]) << 4
            elif kind == LINEAR:
                base = (data[0] << 8 | data[1]) << 16
        except HexError as error:
            raise HexError("line {}: {}".format(number + 1, error))
    if not ended:
        raise HexError("no end record: the file is cut off")
    return memory


def _record(line):
    """Return type, address and data of one line."""
    if line[:1] != b":" or len(line) > LINE_MAX:
        raise HexError("not a record")
    for byte in line[1:]:
        if byte not in b"0123456789abcdefABCDEF":
            raise HexError("not hex")
    if len(line) % 2 == 0 or len(line) < 11:
        raise HexError("length")
    raw = unhexlify(line[1:])
    if len(raw) != raw[0] + 5:
        raise HexError("length")
    if sum(raw) & 0xFF:
        raise HexError("checksum")
    kind = raw[3]
    if kind != DATA and LENGTHS.get(kind) != raw[0]:
        raise HexError("type {}".format(kind))
    return kind, raw[1] << 8 | raw[2], raw[4:-1]


def _place(memory, known, address, data):
    if address + len(data) > len(memory):
        raise HexError(
            "address 0x{:x} is past the end of the memory".format(address + len(data) - 1)
        )
    for at in range(len(data)):
        cell = address + at
        if known[cell >> 3] >> (cell & 7) & 1 and memory[cell] != data[at]:
            raise HexError("address 0x{:x} is given twice".format(cell))
        known[cell >> 3] |= 1 << (cell & 7)
        memory[cell] = data[at]


def write(memory: bytes, per_line: int = 16) -> bytes:
    """Return the Intel hex text of a memory from address 0 (at most 64 KiB); lines of nothing but
    0xFF are left out.
    """
    lines = []
    for at in range(0, len(memory), per_line):
        data = bytes(memory[at : at + per_line])
        if data.strip(b"\xff"):
            lines.append(_line(at, DATA, data))
    lines.append(_line(0, END, b""))
    return b"\n".join(lines) + b"\n"


def _line(address, kind, data):
    raw = bytes([len(data), address >> 8 & 0xFF, address & 0xFF, kind]) + data
    return b":" + hexlify(raw + bytes([-sum(raw) & 0xFF])).upper()

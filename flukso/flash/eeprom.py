# SPDX-License-Identifier: GPL-3.0-or-later
"""What a board's EEPROM holds: our journal (docs/firmware.md) or a historic layout (docs/protocols.md §1). Pure, for both interpreters."""

import struct
from collections import namedtuple

from flukso.spi import crc8

SENSORS = 6
U32 = 1 << 32
SHORT_AT, SHORT_SIZE, SHORT_SLOTS = 1, 14, 6
FULL_AT, FULL_SIZE, FULL_SLOTS = 85, 28, 11
CRC_SEED = 0xFFFF
GUARD = 0xBE
HISTORIC_HARDWARE_MAJOR = 2

# layout: words; counters: six, or () when nothing here tells them; records: (valid full, valid short, newest sequence), () unless a journal
Found = namedtuple("Found", ("layout", "counters", "records"))
BLANK = Found("blank", (), ())
UNKNOWN = Found("unknown", (), ())

# words, bytes a sensor, places of guard, version and sensors
HISTORIC = (
    ("historic, hardware 2.0", 6, 0x00, 0x01, 0x11),
    ("historic, hardware 2.1", 8, 0x00, 0x01, 0x11),
    ("historic reversed, hardware 2.0", 6, 0x34, 0x2F, 0x00),
    ("historic reversed, hardware 2.1", 8, 0x40, 0x3B, 0x00),
)


def read(memory: bytes) -> Found:
    """Return what 512 bytes of a generation-2 board say. A historic image counts for more than a journal, as for the firmware."""
    if not memory.strip(b"\xff"):
        return BLANK
    return _historic(memory) or _journal(memory) or UNKNOWN


def _historic(memory):
    for words, size, guard, version, sensors in HISTORIC:
        major, minor = struct.unpack_from("<HB", memory, version)
        if memory[guard] != GUARD or major != HISTORIC_HARDWARE_MAJOR or minor > 2 or (minor == 0) != (size == 6):
            continue
        counters = [struct.unpack_from("<I", memory, sensors + n * size)[0] for n in range(SENSORS)]
        return Found(words, tuple(counters), ())
    return None


def crc16(data: bytes) -> int:
    """Return the journal's CRC-16 (CCITT, 0x1021, most significant bit first, seed 0xffff)."""
    crc = CRC_SEED
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


def _sealed(byte):
    """The last byte of a record never looks erased."""
    return 0 if byte == 0xFF else byte


def _journal(memory):
    newest = None
    valid = 0
    for slot in range(FULL_SLOTS):
        record = memory[FULL_AT + slot * FULL_SIZE : FULL_AT + (slot + 1) * FULL_SIZE]
        crc = crc16(record[:-2])
        if record[-2] != crc & 0xFF or record[-1] != _sealed(crc >> 8):
            continue
        valid += 1
        fields = struct.unpack("<HIIIIII", record[:-2])
        if newest is None or (fields[0] - newest[0]) & 0x8000 == 0:
            newest = fields
    if newest is None:
        return None
    shorts = _shorts(memory, newest[0])
    counters = newest[1:]
    if shorts:
        counters = tuple([_extended(counters[n], shorts[-1][1][n]) for n in range(SENSORS)])
    return Found("journal", counters, (valid, len(shorts), newest[0]))


def _shorts(memory, sequence):
    """Return (number, low halves) of the short records on a full one, by rising number."""
    seed = struct.pack("<H", sequence)
    found = []
    for slot in range(SHORT_SLOTS):
        record = memory[SHORT_AT + slot * SHORT_SIZE : SHORT_AT + (slot + 1) * SHORT_SIZE]
        number = record[0] & 0x0F
        if record[0] >> 4 == sequence & 0x0F and number and record[-1] == _sealed(crc8(seed + record[:-1])):
            found.append((number, struct.unpack("<HHHHHH", record[1:-1])))
    return sorted(found)


def _extended(counter, low):
    return (counter + (low - counter & 0xFFFF)) % U32

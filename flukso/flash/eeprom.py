# SPDX-License-Identifier: GPL-3.0-or-later
"""What a board's EEPROM holds: our journal (docs/design/firmware.md) or a historic layout
(docs/design/protocols.md §1). Pure, for both interpreters.
"""

import struct
from binascii import hexlify
from collections import namedtuple

from flukso.spi import crc8

U32 = 1 << 32
CRC_SEED = 0xFFFF
GUARD = 0xBE
HISTORIC_HARDWARE_MAJOR = 2

# layout: words; counters: six, of generation 1 four, or () when nothing here tells them; ids: of
# generation 1's sensors in hex, else (); records: (valid full, slots for them, valid short, newest
# sequence), () unless a journal
Found = namedtuple("Found", ("layout", "counters", "ids", "records"))
BLANK = Found("blank", (), (), ())
UNKNOWN = Found("unknown", (), (), ())

# words, bytes a sensor, places of guard, version and sensors
GENERATION_2 = (
    ("historic, hardware 2.0", 6, 0x00, 0x01, 0x11),
    ("historic, hardware 2.1", 8, 0x00, 0x01, 0x11),
    ("historic reversed, hardware 2.0", 6, 0x34, 0x2F, 0x00),
    ("historic reversed, hardware 2.1", 8, 0x40, 0x3B, 0x00),
)
SENSORS, SENSORS_1 = 6, 4  # of a board of generation 2, and 1
# a sensor of historic generation 1: id in lower-case hex, a zero, counter
SENSOR_1_SIZE, ID_DIGITS = (37, 32)

# sensors; places of short and full records; slots of full ones; places and size of the settings'
# two copies, place of the ids in them or 0
Shape = namedtuple(
    "Shape",
    (
        "words",
        "sensors",
        "short_at",
        "full_at",
        "full_slots",
        "settings",
        "settings_size",
        "ids_at",
    ),
)
SHAPES = (
    Shape("journal", SENSORS, 1, 85, 11, (416, 464), 48, 0),
    Shape("journal, generation 1", SENSORS_1, 1, 61, 15, (368, 440), 72, 4),
)
SHORT_SLOTS = 6
ID_SIZE = 16


def read(memory: bytes) -> Found:
    """Return what 512 bytes of a board say. A historic image counts for more than a journal, as for
    the firmware.
    """
    if not memory.strip(b"\xff"):
        return BLANK
    return (
        _historic(memory) or _journal(memory, SHAPES[0]) or _journal(memory, SHAPES[1]) or UNKNOWN
    )


def with_counters(memory: bytes, counters: tuple) -> "bytes | None":
    """Return a historic image with these counters in it, None for any other memory or number of
    counters.
    """
    places = _image(memory)[1]
    if not counters or len(places) != len(counters):
        return None
    made = bytearray(memory)
    for n in range(len(places)):
        struct.pack_into("<I", made, places[n], counters[n])
    return bytes(made)


def _historic(memory):
    words, places = _image(memory)
    if not places:
        return None
    counters = tuple([struct.unpack_from("<I", memory, place)[0] for place in places])
    return Found(
        words, counters, tuple(_historic_ids(memory)) if len(places) == SENSORS_1 else (), ()
    )


def _image(memory):
    """Return words and the places of the counters of a historic image; "" and [] for any other
    memory.
    """
    for words, size, guard, version, sensors in GENERATION_2:
        major, minor = struct.unpack_from("<HB", memory, version)
        if (
            memory[guard] == GUARD
            and major == HISTORIC_HARDWARE_MAJOR
            and minor <= 2
            and (minor == 0) == (size == 6)
        ):
            return words, [sensors + n * size for n in range(SENSORS)]
    if len(_historic_ids(memory)) == SENSORS_1:
        return "historic, generation 1", [
            n * SENSOR_1_SIZE + ID_DIGITS + 1 for n in range(SENSORS_1)
        ]
    return "", []


def _historic_ids(memory):
    """The ids of a historic image of generation 1, as far as they are ids."""
    ids = []
    for n in range(SENSORS_1):
        text = memory[n * SENSOR_1_SIZE : n * SENSOR_1_SIZE + ID_DIGITS]
        if memory[n * SENSOR_1_SIZE + ID_DIGITS] or text.strip(b"0123456789abcdef"):
            break
        ids.append(str(text, "ascii"))
    return ids


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


def _journal(memory, shape):
    form, size = "<H" + "I" * shape.sensors, 4 * shape.sensors + 4
    newest = None
    valid = 0
    for slot in range(shape.full_slots):
        record = memory[shape.full_at + slot * size : shape.full_at + (slot + 1) * size]
        crc = crc16(record[:-2])
        if record[-2] != crc & 0xFF or record[-1] != _sealed(crc >> 8):
            continue
        valid += 1
        fields = struct.unpack(form, record[:-2])
        if newest is None or (fields[0] - newest[0]) & 0x8000 == 0:
            newest = fields
    if newest is None:
        return None
    shorts = _shorts(memory, shape, newest[0])
    counters = newest[1:]
    if shorts:
        counters = tuple([_extended(counters[n], shorts[-1][1][n]) for n in range(shape.sensors)])
    return Found(
        shape.words,
        counters,
        _ids(memory, shape),
        (valid, shape.full_slots, len(shorts), newest[0]),
    )


def _shorts(memory, shape, sequence):
    """Return (number, low halves) of the short records on a full one, by rising number."""
    form, size = "<" + "H" * shape.sensors, 2 * shape.sensors + 2
    seed = struct.pack("<H", sequence)
    numbered = []
    for slot in range(SHORT_SLOTS):
        record = memory[shape.short_at + slot * size : shape.short_at + (slot + 1) * size]
        number = record[0] & 0x0F
        if (
            record[0] >> 4 == sequence & 0x0F
            and number
            and record[-1] == _sealed(crc8(seed + record[:-1]))
        ):
            numbered.append((number, struct.unpack(form, record[1:-1])))
    return sorted(numbered)


def _extended(counter, low):
    return (counter + (low - counter & 0xFFFF)) % U32


def _ids(memory, shape):
    """The sensors' ids out of the newer one of the settings' valid copies; () when there is none,
    or no id in it.
    """
    newest = None
    for place in shape.settings if shape.ids_at else ():
        copy = memory[place : place + shape.settings_size]
        if struct.unpack("<H", copy[-2:])[0] == crc16(copy[:-2]) and (
            newest is None or 0 < (copy[-3] - newest[-3]) & 0xFF < 0x80
        ):
            newest = copy
    if newest is None:
        return ()
    places = [shape.ids_at + n * ID_SIZE for n in range(shape.sensors)]
    return tuple([str(hexlify(newest[at : at + ID_SIZE]), "ascii") for at in places])

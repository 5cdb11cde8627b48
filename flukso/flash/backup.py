# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup of a board before its firmware is changed: a JSON line, the memories, a CRC-32. Pure,
for both interpreters.
"""

import json
from binascii import crc32, hexlify, unhexlify
from collections import namedtuple

from flukso.flash import avrdude, eeprom

FORMAT = 1
MEMORIES = ("flash", "eeprom", "image")
FILE_MAX = 2 * avrdude.FLASH_SIZE + avrdude.EEPROM_SIZE + 2048  # bytes: the JSON line has 300
TAIL = 9  # characters of the CRC and its line's end

# date: unix s; fuses: low, high, extended; flash, eeprom: the chip's; counters: six, of generation
# 1 four, () when nobody told them; firmware, hardware: (major, minor) or (); image: bytes of the
# new firmware from address 0, b"" when nothing new was to come
Backup = namedtuple(
    "Backup",
    ("date", "signature", "fuses", "flash", "eeprom", "counters", "firmware", "hardware", "image"),
)


class BackupError(ValueError):
    """A backup file that cannot be believed, or cannot be written."""


def dump(backup: Backup) -> bytes:
    """Return the file's bytes."""
    head = {
        "flukso-backup": FORMAT,
        "date": backup.date,
        "signature": hexlify(backup.signature).decode(),
        "fuses": list(backup.fuses),
        "counters": list(backup.counters),
        "firmware": list(backup.firmware),
        "hardware": list(backup.hardware),
        "sizes": [len(getattr(backup, name)) for name in MEMORIES],
    }
    body = (
        json.dumps(head).encode()
        + b"\n"
        + bytes(backup.flash)
        + bytes(backup.eeprom)
        + bytes(backup.image)
    )
    return body + "{:08x}\n".format(crc32(body) & 0xFFFFFFFF).encode()


def load(data: bytes) -> Backup:
    """Return the Backup that dump() wrote. Raises BackupError for anything else, whatever the
    bytes.
    """
    body, tail = data[:-TAIL], data[-TAIL:]
    if len(data) > FILE_MAX or tail != "{:08x}\n".format(crc32(body) & 0xFFFFFFFF).encode():
        raise BackupError("the backup is damaged, or no backup at all")
    line, _, rest = body.partition(b"\n")
    try:
        head = json.loads(line)
        if head["flukso-backup"] != FORMAT:
            raise BackupError("a backup of format {}".format(head["flukso-backup"]))
        memories = []
        for size in head["sizes"]:
            memories.append(rest[: int(size)])
            rest = rest[int(size) :]
        numbers = [
            tuple([int(number) for number in head[name]])
            for name in ("fuses", "counters", "firmware", "hardware")
        ]
        fuses, counters, firmware, hardware = numbers
        flash, eeprom, image = memories
        backup = Backup(
            int(head["date"]),
            unhexlify(head["signature"]),
            fuses,
            flash,
            eeprom,
            counters,
            firmware,
            hardware,
            image,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BackupError(
            str(error) if isinstance(error, BackupError) else "the backup is incomplete"
        )
    if rest or not whole(backup):
        raise BackupError("the backup is incomplete")
    return backup


def whole(backup: Backup) -> bool:
    """Return whether memories and fuses have their sizes; else nothing may be written."""
    return (
        len(backup.signature) == avrdude.SIGNATURE_SIZE
        and len(backup.fuses) == 3
        and len(backup.flash) == avrdude.FLASH_SIZE
        and len(backup.eeprom) == avrdude.EEPROM_SIZE
        and len(backup.image) <= avrdude.FLASH_SIZE
        and len(backup.counters) in (0, eeprom.SENSORS_1, eeprom.SENSORS)
    )

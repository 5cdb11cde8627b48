# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup of a board before its firmware is changed: one JSON line and its CRC-32. Pure, for both interpreters."""

import json
from binascii import crc32, hexlify, unhexlify
from collections import namedtuple

from flukso.flash import avrdude

FORMAT = 1
FILE_MAX = 64 * 1024  # bytes: 16 KiB of flash and 512 bytes of EEPROM in hex, and the rest
STAGES = ("saved", "fuses", "flash")  # what may have begun when the tool was cut off

# date: unix s; flash: bytes, or b"" when lock bits hide it; counters: six, or (); firmware: (major, minor) or ();
# image: the hex text of the new firmware; stage: one of STAGES
Backup = namedtuple("Backup", ("date", "signature", "fuses", "flash", "eeprom", "counters", "firmware", "image", "stage"))


class BackupError(ValueError):
    """A backup file that cannot be believed."""


def dump(backup: Backup) -> bytes:
    """Return the file's bytes."""
    body = json.dumps(
        {
            "flukso-backup": FORMAT,
            "date": backup.date,
            "signature": hexlify(backup.signature).decode(),
            "fuses": list(backup.fuses),
            "flash": hexlify(backup.flash).decode(),
            "eeprom": hexlify(backup.eeprom).decode(),
            "counters": list(backup.counters),
            "firmware": list(backup.firmware),
            "image": backup.image.decode(),
            "stage": backup.stage,
        }
    ).encode()
    return body + "\n{:08x}\n".format(crc32(body) & 0xFFFFFFFF).encode()


def load(data: bytes) -> Backup:
    """Return the Backup that dump() wrote. Raises BackupError for anything else, whatever the bytes."""
    body, _, tail = data.partition(b"\n")
    if len(data) > FILE_MAX or tail != "{:08x}\n".format(crc32(body) & 0xFFFFFFFF).encode():
        raise BackupError("the backup is damaged")
    try:
        read = json.loads(body)
        if read["flukso-backup"] != FORMAT:
            raise BackupError("a backup of format {}".format(read["flukso-backup"]))
        found = Backup(
            int(read["date"]),
            unhexlify(read["signature"]),
            tuple([int(fuse) for fuse in read["fuses"]]),
            unhexlify(read["flash"]),
            unhexlify(read["eeprom"]),
            tuple([int(counter) for counter in read["counters"]]),
            tuple([int(part) for part in read["firmware"]]),
            read["image"].encode(),
            read["stage"],
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BackupError(str(error) if isinstance(error, BackupError) else "the backup is incomplete")
    if not whole(found):
        raise BackupError("the backup is incomplete")
    return found


def whole(backup: Backup) -> bool:
    """True when memories and fuses have their sizes and the stage is known: only then may anything be written to the chip."""
    return (
        len(backup.signature) == avrdude.SIGNATURE_SIZE
        and len(backup.fuses) == 3
        and len(backup.flash) in (0, avrdude.FLASH_SIZE)
        and len(backup.eeprom) == avrdude.EEPROM_SIZE
        and backup.stage in STAGES
    )


def at_stage(backup: Backup, stage: str) -> Backup:
    """Return the same backup with another stage."""
    return Backup(*(tuple(backup[:-1]) + (stage,)))

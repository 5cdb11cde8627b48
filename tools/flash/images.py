# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of our firmware under other versions."""

import struct

from flukso.flash import ihex, image
from tools.harness.simulator import FIRMWARE


def versioned(major: int, minor: int, board: str = "spi") -> bytes:
    """The hex text of our firmware, said to be this version for that board."""
    memory = bytearray(image.load(FIRMWARE.read_bytes()).memory)
    memory[image.DESCRIPTOR_AT + 5 : image.DESCRIPTOR_AT + 8] = bytes(
        [{"uart": 1, "spi": 2}[board], major, minor]
    )
    struct.pack_into("<I", memory, image.CRC_AT, image.checksum(memory))
    return ihex.write(memory)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills length and CRC into the descriptor of a firmware image (docs/design/firmware.md), or checks
them.

usage: descriptor.py fill IN.hex OUT.hex | descriptor.py check FILE.hex
"""

import os
import sys

# the build has no virtual environment
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from flukso.flash import avrdude, ihex, image


def fill(source: str, target: str) -> None:
    """Write the image with its descriptor filled in. Raises ImageError, HexError or OSError; then
    nothing is written.
    """
    with open(source, "rb") as file:
        made = image.filled(ihex.read(file.read(ihex.FILE_MAX), avrdude.FLASH_SIZE))
    image.described(made)
    with open(target, "wb") as file:
        file.write(ihex.write(made))


def check(source: str) -> str:
    """Return a sentence about a good image. Raises ImageError or OSError for any other."""
    with open(source, "rb") as file:
        found = image.load(file.read(ihex.FILE_MAX))
    crc = image.checksum(found.memory)
    return "board {}, version {}.{}, {} bytes, CRC {:08x}".format(
        found.board, *found.version, len(found.memory), crc
    )


def main(words: list[str]) -> int:
    try:
        if len(words) == 3 and words[0] == "fill":
            fill(*words[1:])
            sentence = check(words[2])
        elif len(words) == 2 and words[0] == "check":
            sentence = check(words[1])
        else:
            sys.stderr.write(__doc__ or "")
            return 2
    except (ValueError, OSError) as error:
        sys.stderr.write("descriptor: {}\n".format(error))
        return 1
    sys.stdout.write("descriptor: {}\n".format(sentence))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

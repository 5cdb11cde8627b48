# SPDX-License-Identifier: GPL-3.0-or-later
"""flukso-flash on a PC: flukso.flash.cli, and what only CPython's intelhex does with images.

flukso-flash diff A.hex B.hex             the bytes in which two images differ
flukso-flash merge OUT.hex A.hex B.hex…   one image of several that do not overlap
"""

import sys

from flukso.flash import cli

try:
    from intelhex import HexRecordError, IntelHex, IntelHexError
except ModuleNotFoundError:  # everything but diff and merge goes without it
    IntelHex = None

DIFFERENCES_MAX = 16  # lines that are shown


def diff(files: list[str]) -> int:
    """Print where two images differ; exit status 0 when nowhere, as `verify` otherwise."""
    one, other = (IntelHex(file) for file in files)
    differing = [at for at in sorted({*one.addresses(), *other.addresses()}) if one[at] != other[at]]
    for at in differing[:DIFFERENCES_MAX]:
        print("0x{:04x}: {:02x} {:02x}".format(at, one[at], other[at]))
    print("{} bytes differ".format(len(differing)))
    return cli.EXITS["verify"] if differing else cli.DONE


def merge(files: list[str]) -> int:
    """Write one image of several; none of them may say another byte where one before it says something."""
    whole = IntelHex()
    for file in files[1:]:
        part = IntelHex(file)
        part.start_addr = None  # where a program starts is nothing that a chip with vectors knows
        whole.merge(part, overlap="error")
    whole.write_hex_file(files[0])
    return cli.DONE


def main(words: list[str] | None = None) -> int:
    words = sys.argv[1:] if words is None else words
    command = {"diff": (diff, 2, 2), "merge": (merge, 3, 99)}.get(words[0] if words else "")
    if command is None:
        return cli.main(words)
    what, least, most = command
    if not least <= len(words) - 1 <= most:
        print(__doc__, file=sys.stderr)
        return cli.USAGE_WRONG
    if IntelHex is None:
        print("flukso-flash: {} needs intelhex: pip install 'flukso[flash]'".format(words[0]), file=sys.stderr)
        return cli.USAGE_WRONG
    try:
        return what(words[1:])
    except (IntelHexError, HexRecordError, OSError) as error:
        print("flukso-flash: {}".format(error), file=sys.stderr)
        return cli.BAD_IMAGE


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""flukso-flash on a PC: flukso.flash.cli, and what only CPython's intelhex does with images."""

import sys

from flukso.arguments import HELP_WORDS
from flukso.flash import cli
from flukso.messages import trouble

try:
    from intelhex import HexRecordError, IntelHex, IntelHexError
except ModuleNotFoundError:  # everything but diff and merge goes without it
    IntelHex = None

HELP = """  diff A.hex B.hex           the bytes in which two images differ
  merge OUT.hex A.hex B.hex...
                             one image of several that do not overlap
"""
DIFFERENCES_MAX = 16  # lines that are shown


def diff(files: list[str]) -> int:
    """Print where two images differ; exit status 0 when nowhere, as `verify` otherwise."""
    one, other = (IntelHex(file) for file in files)
    differing = [
        at for at in sorted({*one.addresses(), *other.addresses()}) if one[at] != other[at]
    ]
    for at in differing[:DIFFERENCES_MAX]:
        print("0x{:04x}: {:02x} {:02x}".format(at, one[at], other[at]))
    print("{} bytes differ".format(len(differing)))
    return cli.EXITS["verify"] if differing else cli.DONE


def merge(files: list[str]) -> int:
    """Write one image of several; none of them may say another byte where one before it says
    something.
    """
    whole = IntelHex()
    for file in files[1:]:
        part = IntelHex(file)
        part.start_addr = None  # where a program starts is nothing that a chip with vectors knows
        whole.merge(part, overlap="error")
    whole.write_hex_file(files[0])
    return cli.DONE


COMMANDS = {
    "diff": (diff, 2, 2, "two files"),
    "merge": (merge, 3, 99, "a file to be written and two or more to be read"),
}


def main(words: list[str] | None = None) -> int:
    words = sys.argv[1:] if words is None else words
    topic = words[1] if words[:1] == ["help"] and len(words) > 1 else words[0] if words else ""
    if topic not in COMMANDS:
        return cli.main(words, HELP)
    if words[0] == "help" or set(words) & set(HELP_WORDS):
        print("usage: flukso-flash COMMAND\n" + HELP, end="")
        return cli.DONE
    what, least, most, needed = COMMANDS[topic]
    unknown = [word for word in words[1:] if word.startswith("-")]
    if unknown or not least <= len(words) - 1 <= most:
        wrong = (
            "has no option {}".format(unknown[0])
            if unknown
            else "needs {}, not {}".format(needed, len(words) - 1)
        )
        print(
            "flukso-flash: {} {}\nusage: flukso-flash COMMAND\n{}".format(topic, wrong, HELP),
            end="",
            file=sys.stderr,
        )
        return cli.USAGE_WRONG
    if IntelHex is None:
        print(
            "flukso-flash: {} needs intelhex: pip install 'flukso[flash]'".format(topic),
            file=sys.stderr,
        )
        return cli.USAGE_WRONG
    try:
        return what(words[1:])
    except (IntelHexError, HexRecordError) as error:
        print("flukso-flash: {}".format(error), file=sys.stderr)
        return cli.BAD_IMAGE
    except OSError as error:
        print("flukso-flash: {}".format(trouble(error)), file=sys.stderr)
        return cli.BAD_IMAGE


if __name__ == "__main__":
    sys.exit(main())

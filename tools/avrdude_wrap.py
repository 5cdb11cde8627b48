# SPDX-License-Identifier: GPL-3.0-or-later
"""flukso-flash: looks at the sensor board's chip through avrdude, and at firmware images before they go there.

flukso-flash check FILE.hex                                   is this an intact firmware of ours, and for which board?
flukso-flash info [-c PROGRAMMER] [-P PORT] [--pins RESET,SCK,MOSI,MISO]    signature and fuses in words
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

from flukso.flash import avrdude, fuses, image

RUN_S = 120  # avrdude needs seconds
FILE_MAX = 256 * 1024  # bytes of a hex file; 16 KiB of flash are 46 kB of text
EXITS = {"missing": 3, "device": 4, "silent": 5, "signature": 6, "verify": 7, "failed": 8}  # docs/flashing.md
BAD_IMAGE = 9


def run(words: list[str]) -> str:
    """avrdude's output; AvrdudeError when it fails, is missing or hangs."""
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=RUN_S, check=False)
    except FileNotFoundError:
        raise avrdude.AvrdudeError("missing", "avrdude is not installed") from None
    except subprocess.TimeoutExpired:
        raise avrdude.AvrdudeError("silent", "avrdude took over {} s".format(RUN_S)) from None
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise avrdude.failure(done.returncode, text)
    return text


def programmer(options: argparse.Namespace) -> avrdude.Programmer:
    if options.programmer == "linuxgpio":
        pins = avrdude.Pins(*options.pins.split(",")) if options.pins else avrdude.FIELD_PINS
        return avrdude.Programmer(avrdude.ROUTER, None, pins, ())
    return avrdude.Programmer(options.programmer, options.port, None, ())


def read_chip(chosen: avrdude.Programmer, folder: pathlib.Path) -> dict[str, bytes]:
    """Signature and fuses, as avrdude reads them. It is told a part before it knows: a wrong one is an error that names the signature."""
    config = None
    if chosen.pins:
        config = folder / "pins.conf"
        version = avrdude.version(subprocess.run(["avrdude", "-?"], capture_output=True, text=True, timeout=RUN_S).stderr)
        config.write_bytes(avrdude.configuration(chosen.pins, version))
    names = ("signature", "lfuse", "hfuse", "efuse")
    reads = ["{}:r:{}:r".format(name, folder / name) for name in names]
    run(avrdude.command(chosen, "m168p", str(config) if config else None, reads, force=True))
    return {name: (folder / name).read_bytes() for name in names}


def info(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read = read_chip(programmer(options), pathlib.Path(folder))
    part, words = avrdude.part_of(read["signature"])
    low, high, extended = (read[name][0] for name in ("lfuse", "hfuse", "efuse"))
    print("chip: {} ({})".format(words, part))
    print("fuses: low 0x{:02x}, high 0x{:02x}, extended 0x{:02x}".format(low, high, extended & fuses.EXTENDED_BITS))
    for line in fuses.describe(low, high, extended):
        print("  " + line)


def check(options: argparse.Namespace) -> None:
    with open(options.file, "rb") as file:
        found = image.load(file.read(FILE_MAX))
    version = "{}.{}".format(*found.version)
    print("{}: firmware {} for the {} board, {} bytes, intact".format(options.file, version, found.board, len(found.memory)))


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="flukso-flash", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    checked = commands.add_parser("check", help="look at a firmware image")
    checked.add_argument("file")
    looked = commands.add_parser("info", help="look at the chip")
    looked.add_argument("-c", dest="programmer", default="linuxgpio", help="avrdude's programmer; default: the router's pins")
    looked.add_argument("-P", dest="port", help="avrdude's port")
    looked.add_argument(
        "--pins", help="GPIO numbers for linuxgpio, ~ before an inverted one; default {}".format(",".join(avrdude.FIELD_PINS))
    )
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """The entry point; exit status 0 done, else as EXITS says."""
    options = arguments(words)
    try:
        {"check": check, "info": info}[options.command](options)
    except avrdude.AvrdudeError as error:
        print("flukso-flash: {}".format(error), file=sys.stderr)
        return EXITS[error.reason]
    except (image.ImageError, OSError) as error:
        print("flukso-flash: {}: {}".format(getattr(options, "file", ""), error), file=sys.stderr)
        return BAD_IMAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())

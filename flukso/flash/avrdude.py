# SPDX-License-Identifier: GPL-3.0-or-later
"""What avrdude is asked, and what its answers mean. Pure, for both interpreters: nothing is run
here.
"""

from collections import namedtuple

PARTS = {  # signature -> avrdude's name, words; only these have the memory for our firmware
    b"\x1e\x94\x0b": ("m168p", "ATmega168P"),
    b"\x1e\x94\x06": ("m168", "ATmega168"),
}
PART = "m168p"  # what avrdude is told before the signature is known
KNOWN_SIGNATURES = {
    b"\x1e\x92\x05": "ATmega48: its memory is too small",
    b"\x1e\x93\x0a": "ATmega88",
    b"\x1e\x95\x0f": "ATmega328P",
}
SIGNATURE_SIZE = 3
FLASH_SIZE = 16384
EEPROM_SIZE = 512
SIGNALS = 128  # an exit status above it is a signal's number
OUTPUT_MAX = 64 * 1024  # of avrdude's own words that are kept

# id: avrdude's -c; port: its -P or None; pins: of linuxgpio, four texts like "~3", or None; extra:
# further words, e.g. ("-B", "10")
Programmer = namedtuple("Programmer", ("id", "port", "pins", "extra"))
Pins = namedtuple("Pins", ("reset", "sck", "mosi", "miso"))
ROUTER = "flukso-linuxgpio"  # the name of our programmer in the generated configuration
GPIO_MAX = 400  # of avrdude 7; 6 takes 255


class AvrdudeError(ValueError):
    """avrdude failed; .reason is one of REASONS."""

    def __init__(self, reason, text):
        super().__init__(text)
        self.reason = reason


# what avrdude says (any of its versions 6.3 to 8) -> why it failed; the first that fits counts
REASONS = (
    ("missing", ("avrdude: not found", "avrdude: command not found")),
    (
        "device",
        ("can't open device", "cannot open", "unable to open", "ser_open", "connection refused"),
    ),
    (
        "device",
        (
            "can't export gpio",
            "cannot export gpio",
            "could not find usb",
            "cannot find usb",
            "find programmer id",
        ),
    ),
    ("verify", ("verification error", "verification mismatch", "content mismatch")),
    (
        "silent",
        (
            "not in sync",
            "target doesn't answer",
            "initialization failed",
            "not responding",
            "programmer is not",
        ),
    ),
    ("signature", ("expected signature", "device signature")),
)


def configuration(pins: Pins, version: tuple) -> bytes:
    """Return the text of a configuration file with our linuxgpio programmer; ValueError for an
    impossible pin.

    `version` is avrdude's (major, minor): from 7.1 on a programmer must say its modes, which 6 does
    not know; 8 no longer knows mosi and miso, which are sdo and sdi since 7.1.
    """
    newer = tuple(version) >= (7, 1)
    words = {"mosi": "sdo", "miso": "sdi"} if newer else {}
    lines = [
        "programmer",
        '  id = "{}";'.format(ROUTER),
        '  desc = "sensor board on the router\'s pins";',
        '  type = "linuxgpio";',
    ]
    if newer:
        lines.append("  prog_modes = PM_ISP;")
    for name in ("reset", "sck", "mosi", "miso"):
        pin = getattr(pins, name)
        check_pin(name, pin)
        lines.append("  {} = {};".format(words.get(name, name), pin))
    return ("\n".join(lines) + "\n;\n").encode()


def check_pin(name: str, pin: str):
    """Raises ValueError for what is no pin."""
    number = pin[1:] if pin[:1] == "~" else pin
    if not number.isdigit() or int(number) > GPIO_MAX:
        raise ValueError(
            "{} pin {!r}: a GPIO number, with ~ before it when it is inverted".format(name, pin)
        )


def version(text: str) -> tuple:
    """Return avrdude's (major, minor) out of its usage text; (0, 0) when it does not say."""
    at = text.find("avrdude version ")
    if at < 0:
        return (0, 0)
    parts = text[at + 16 :].split(",", 1)[0].split(".")
    try:
        return (int(parts[0]), int(parts[1].split("-")[0]))
    except (ValueError, IndexError):
        return (0, 0)


def command(
    programmer: Programmer, part: str, config: "str | None", operations: list, force: bool = False
) -> list[str]:
    """Return the words of one avrdude run: the operations (memory:direction:file:format) in their
    order.

    Nothing is erased but by the operation "erase"; nothing is written that no operation names.
    """
    words = ["avrdude", "-p", part, "-c", programmer.id, "-D"]
    if config:
        words += ["-C", "+" + config]
    if programmer.port:
        words += ["-P", programmer.port]
    words += list(programmer.extra)
    if force:
        words.append("-F")
    for operation in operations:
        words += ["-e"] if operation == "erase" else ["-U", operation]
    return words


def failure(status: int, text: str) -> AvrdudeError:
    """Return what a run with an exit status other than 0 means."""
    if status > SIGNALS:
        return AvrdudeError("failed", "avrdude was ended by signal {}".format(status - SIGNALS))
    low = text[-OUTPUT_MAX:].lower()
    for reason, phrases in REASONS:
        for phrase in phrases:
            if phrase in low and reason == "missing":
                return AvrdudeError(reason, "avrdude is not installed")
            if phrase in low:
                return AvrdudeError(reason, last_words(text))
    return AvrdudeError("failed", "exit status {}: {}".format(status, last_words(text)))


def last_words(text: str) -> str:
    """Return the last line that says what went wrong."""
    lines = [line.strip() for line in text.split("\n")]
    telling = [line for line in lines if line and "done." not in line and "Thank you" not in line]
    for line in telling:
        low = line.lower()
        if "error" in low or "can't" in low or "cannot" in low or "failed" in low or "not " in low:
            return line
    return telling[-1] if telling else "no output"


def part_of(signature: bytes) -> tuple:
    """Return avrdude's name and words for a chip that can hold our firmware;
    AvrdudeError("signature") for any other.
    """
    if signature in PARTS:
        return PARTS[signature]
    text = " ".join(["{:02X}".format(byte) for byte in signature])
    raise AvrdudeError(
        "signature",
        "signature {}: {}".format(
            text, KNOWN_SIGNATURES.get(signature, "not a chip of a Flukso board")
        ),
    )

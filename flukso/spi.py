# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames, commands and dialogue of the SPI board (docs/design/protocols.md §1); pure.

Nothing here clocks bytes or sleeps.
"""

import struct
from binascii import hexlify, unhexlify
from collections import namedtuple

from flukso.boards import Delta

SENSORS = 6  # of the board
UNUSED = 0xFF  # in the port map
FRACTION_MAX = 999  # a constant's fraction is in 1/1000

GAP_US = 300  # between two bytes; the board is clean from 250 µs on
OURS_WAIT_S = 0.016  # our firmware has its reply ready after 15 ms at most
# the historic one needs 24 ms for `gd`; 30 ms is the least that may be waited
HISTORIC_WAIT_S = 0.035
OURS_COMMIT_S = 0.42  # `ct` writes EEPROM: within 400 ms
HISTORIC_COMMIT_S = 0.52  # the historic router waits 500 ms
RESYNC_WAIT_S = 0.05  # lets a board that is still busy finish before it is asked again

ZEROS_MAX = 8  # leading zeros: two are normal, more than these are a silent board
CONTROL_MAX = 4 + SENSORS * 22 + 2 + 1  # `l`, command, deltas, CRC, `.` with a byte to spare
UART_MAX = 512  # hex digits of one reply; the board's receive buffer is smaller
REPLY_MAX = CONTROL_MAX + 1 + UART_MAX
# bytes for the board's UART in one message: it holds 31, and may be busy with the reply meanwhile
UART_SEND_MAX = 24
TRIES = 4  # a historic board whose master died in a message is in step at the third command

# command: struct codes of its arguments and of its reply, §1
COMMANDS: "dict[str, tuple]" = {
    "gh": ("", "HB"),
    "sh": ("HB", "HB"),
    "gs": ("", "BB"),
    "ss": ("BB", "BB"),
    "ge": ("B", "BB"),
    "se": ("BB", "BB"),
    "gp": ("", "BBBBBB"),
    "sp": ("BBBBBB", "BBBBBB"),
    "gc": ("B", "BI"),
    "sc": ("BI", "BI"),
    "gm": ("B", "BH"),
    "sm": ("BH", "BH"),
    "gf": ("B", "BH"),
    "sf": ("BH", "BH"),
    "gw": ("", "H"),
    "sw": ("H", "H"),
    "gb": ("", "H"),
    "sb": ("H", "H"),
    "ga": ("", "B"),  # from here to `gv`: firmware 2.1 of ours
    "sa": ("B", "B"),
    "gn": ("B", "BHH"),
    "sn": ("BHH", "BHH"),
    "go": ("B", "BH"),
    "so": ("BH", "BH"),
    "gx": ("B", "BHHHH"),
    "gv": ("", "HBBBB"),
    "gd": ("", None),  # see Delta
    "ct": ("", ""),
}
REFUSALS = ("zz", "zy")
DIGITS = {"B": 2, "H": 4, "I": 8}
SHORT, LONG = 18, 22  # hex digits of a delta entry: hardware 2.0, hardware 2.1
DELTA_DIGITS = sorted(
    [n * SHORT for n in range(SENSORS + 1)] + [n * LONG for n in range(1, SENSORS + 1)]
)

# values: a tuple of integers, for `gd` of Deltas; uart: bytes that the board's UART received
Reply = namedtuple("Reply", ("command", "values", "uart"))


class SpiError(ValueError):
    """A message that cannot be sent or a reply that cannot be believed; .refused: the board itself
    said no (zz, zy).
    """

    def __init__(self, text, refused=False):
        super().__init__(text)
        self.refused = refused


def _crc_table():
    table = bytearray(256)
    for index in range(256):
        crc = index
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8C if crc & 1 else crc >> 1
        table[index] = crc
    return bytes(table)


_CRC = _crc_table()


def crc8(data: bytes) -> int:
    """Return the board's CRC-8 (Dallas/Maxim, reflected 0x8C, start 0) of the bytes."""
    crc = 0
    table = _CRC
    for byte in data:
        crc = table[crc ^ byte]
    return crc


def encode(command: str, *values: int) -> bytes:
    """Return the control message from `l` to `.`; SpiError for an unknown command, a wrong number
    of values or one out of range.
    """
    if command not in COMMANDS:
        raise SpiError("unknown command {}".format(command))
    codes = COMMANDS[command][0]
    if len(values) != len(codes):
        raise SpiError("{} takes {} values, not {}".format(command, len(codes), len(values)))
    text = command
    for code, value in zip(codes, values):  # noqa: B905
        digits = DIGITS[code]
        if not isinstance(value, int) or not 0 <= value < 1 << (4 * digits):
            raise SpiError("{}: {} is out of range".format(command, value))
        text += "{:0{}x}".format(value, digits)
    body = text.encode()
    return b"l" + body + "{:02x}.".format(crc8(body)).encode()


def encode_uart(data: bytes) -> bytes:
    """Return the message that sends 1 to UART_SEND_MAX bytes to the board's UART."""
    if not 0 < len(data) <= UART_SEND_MAX:
        raise SpiError("{} bytes for the UART".format(len(data)))
    return b"u" + hexlify(data)


def decode(wire: bytes) -> Reply:
    """Return the Reply held by the bytes that were read: leading zeros, `l` … `.u` …, its
    terminator and zeros after it.

    Raises SpiError for everything that is damaged, unknown or out of range; nothing else, whatever
    the bytes.
    """
    control, uart = _split(wire)
    command = control[:2]
    if crc8(control[:-2]) != _unhex(control[-2:])[0]:
        raise SpiError("CRC of the reply")
    digits = control[2:-2]
    if command == b"gd":
        return Reply("gd", _deltas(digits), uart)
    name = str(command, "utf-8") if command.isalpha() else ""
    if name in REFUSALS and not digits:
        return Reply(name, (), uart)
    if name not in COMMANDS:
        raise SpiError("unknown reply")
    return Reply(name, _values(name, digits), uart)


def _split(wire):
    """Return control characters (command to CRC) and UART bytes of a whole reply."""
    start = 0
    while start < len(wire) and wire[start] == 0:
        start += 1
    end = wire.find(b"\0", start)
    if start > ZEROS_MAX or end < 0 or wire[end:] != bytes(len(wire) - end):
        raise SpiError("no terminator, or no reply")
    stop = wire.find(b".", start, end)
    if (
        wire[start : start + 1] != b"l"
        or stop < 0
        or wire[stop + 1 : stop + 2] != b"u"
        or stop - start < 5
    ):
        raise SpiError("form of the reply")
    if stop - start > CONTROL_MAX:
        raise SpiError("length of the reply")
    control = wire[start + 1 : stop]
    for byte in control:
        if not 0x30 <= byte <= 0x7A:
            raise SpiError("character of the reply")
    return control, _unhex(wire[stop + 2 : end])


def _unhex(digits):
    try:
        data = unhexlify(digits)
    except ValueError:
        raise SpiError("not hex")
    if 2 * len(data) != len(digits):  # MicroPython passes over line ends
        raise SpiError("not hex")
    return data


def _values(name, digits):
    codes = COMMANDS[name][1]
    raw = _unhex(digits)
    if len(raw) != struct.calcsize(">" + codes):
        raise SpiError("{}: length of the reply".format(name))
    values = struct.unpack(">" + codes, raw)
    if name[1] in "ecmfnox" and values[0] >= SENSORS:
        raise SpiError("{}: no such sensor".format(name))
    if name[1] == "f" and values[1] > FRACTION_MAX:
        raise SpiError("{}: fraction".format(name))
    return values


def _deltas(digits):
    """Return the tuple of Deltas. The whole length tells whether entries have 18 or 22 digits."""
    if len(digits) not in DELTA_DIGITS:
        raise SpiError("gd: length of the reply")
    raw = _unhex(digits)
    size, form = (SHORT // 2, ">BII") if len(digits) % SHORT == 0 else (LONG // 2, ">BIHI")
    deltas = []
    last = -1
    for at in range(0, len(raw), size):
        values = struct.unpack(form, raw[at : at + size])
        delta = Delta(values[0], values[1], None, values[2]) if len(values) == 3 else Delta(*values)
        if not last < delta.sensor < SENSORS or (delta.milli or 0) > FRACTION_MAX:
            raise SpiError("gd: range")
        last = delta.sensor
        deltas.append(delta)
    return tuple(deltas)


def still_due(text: bytes, command: str) -> int:
    """Return how many bytes can be clocked at least until the reply's terminator and the one zero
    after it are in.

    `text` is what came since `l` (it included). More would make the board begin another reply.
    """
    stop = text.find(b".")
    if stop >= 0 or text[1:2] == b"u":
        odd = (
            len(text) - max(stop, 0)
        ) & 1  # then `u` or the second digit of a pair is due as well
        return 2 + odd
    if len(text) < 2:
        return 4 - len(text)  # an empty reply is `lu`
    control = 1 + 2 + 2  # `l`, command, CRC
    if text[1:3] == command.encode():
        control += _digits_due(command, len(text) - control)
    return max(control - len(text), 0) + 4  # `.`, `u`, terminator, the zero after it


def _digits_due(command, have):
    codes = COMMANDS[command][1]
    if codes is not None:
        return sum([DIGITS[code] for code in codes])
    for digits in DELTA_DIGITS:
        if digits >= have:
            return digits
    return have


def exchange(command: str, values: tuple = (), historic: bool = True, uart: bytes = b""):
    """Ask the board once: a generator of ("transfer", bytes) and ("sleep", seconds).

    Expects each transfer's answer from send(); returns the Reply. Raises SpiError when the reply is
    damaged, missing, a refusal or belongs to another command. `uart` are bytes for the board's UART
    that go along.
    """
    message = encode(command, *values)
    if uart:
        message += encode_uart(uart)
    yield ("transfer", message + b"\0\0")
    yield ("sleep", _wait_s(command, historic))
    wire = yield from _read(command)
    reply = decode(wire)
    if reply.command in REFUSALS:
        raise SpiError("the board refused {}: {}".format(command, reply.command), True)
    if reply.command != command:
        raise SpiError("{} was answered as {}".format(command, reply.command))
    if command[0] == "s" and reply.values != tuple(values):
        raise SpiError("{} was answered with other values".format(command))
    if values and reply.values[:1] != tuple(values[:1]):
        raise SpiError("{} was answered for another sensor".format(command))
    return reply


def forward(uart: bytes = b"", historic: bool = True):
    """Send bytes to the board's UART and return those that it received: a generator like exchange,
    without any command.
    """
    yield ("transfer", (encode_uart(uart) if uart else b"") + b"\0\0")
    yield ("sleep", _wait_s("", historic))
    wire = yield from _read("")
    start = wire.find(b"lu")
    if start < 0 or wire[:start] != bytes(start):
        raise SpiError("form of the UART's reply")
    return Reply("", (), _unhex(wire[start + 2 : -1]))


def _wait_s(command, historic):
    if command == "ct":
        return HISTORIC_COMMIT_S if historic else OURS_COMMIT_S
    return HISTORIC_WAIT_S if historic else OURS_WAIT_S


def _read(command):
    """Clock a reply in, never past the one zero after its terminator; return it from `l` to the
    terminator.
    """
    text = b""
    zeros = 0
    while True:
        got = yield ("transfer", bytes(still_due(text, command)))
        at = 0
        while not text and at < len(got) and got[at] == 0:
            at += 1
        zeros += at
        if zeros > ZEROS_MAX:
            raise SpiError("the board is silent")
        text += got[at:]
        end = text.find(b"\0")
        if end >= 0:
            if end == len(text) - 1:
                yield ("transfer", b"\0")
            return text[: end + 1]
        if text[:ZEROS_MAX] == b"\xff" * ZEROS_MAX:
            raise SpiError("the board has no power, or there is none")
        if len(text) > REPLY_MAX:
            raise SpiError("the reply does not end")


def dialogue(command: str, values: tuple = (), historic: bool = True, tries: int = TRIES):
    """Like exchange, but ask again after damage, up to `tries` times; each time yields ("fault",
    sentence) first.

    Asking again brings a board into step that lost it. Not for `gd` of a historic board, whose
    flags are gone.
    """
    while True:
        try:
            return (yield from exchange(command, values, historic))
        except SpiError as error:
            tries -= 1
            yield ("fault", str(error))
            if tries <= 0:
                raise
        yield ("sleep", RESYNC_WAIT_S)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of the UART sensor board, generation 1 (docs/design/protocols.md §2); pure."""

from collections import namedtuple

BAUD = 4800
LINE_MAX = 96  # bytes; the longest good line has 58
TEXT_MAX = 80
U32_MAX = 0xFFFFFFFF
ID_DIGITS, NUMBER_DIGITS = 32, 10

# kind "pls": counter in Wh, board_ms its clock or None; "pwr": power_w; "msg": text. What a line
# does not carry is None
Line = namedtuple("Line", ("kind", "sensor", "counter", "board_ms", "power_w", "text"))


class UartError(ValueError):
    """A line that cannot be believed."""


def parse(line: bytes) -> Line:
    """Return what one line without its end says. Raises UartError; nothing else, whatever the
    bytes.
    """
    if len(line) > LINE_MAX:
        raise UartError("length")
    for byte in line:
        if not 32 <= byte < 127:
            raise UartError("not text")
    text = str(line, "utf-8")
    if text[:4] == "msg " and 4 < len(text) <= 4 + TEXT_MAX:
        return Line("msg", None, None, None, None, text[4:])
    parts = text[4:].split(":")
    if len(parts) < 2 or not _id(parts[0]):
        raise UartError("form")
    if text[:4] == "pwr " and len(parts) == 2:
        return Line("pwr", parts[0], None, None, _number(parts[1]), None)
    if text[:4] == "pls " and len(parts) in (2, 3):
        clock = parts[2] if len(parts) == 3 else ""
        return Line(
            "pls", parts[0], _number(parts[1]), _number(clock) if clock else None, None, None
        )
    raise UartError("form")


def _id(text):
    return len(text) == ID_DIGITS and all([c in "0123456789abcdef" for c in text])


def _number(text):
    if len(text) != NUMBER_DIGITS or not all(["0" <= c <= "9" for c in text]):
        raise UartError("number")
    value = int(text)
    if value > U32_MAX:
        raise UartError("over 32 bits")
    return value


class Splitter:
    """Cuts a byte stream into lines, however it comes; counts what is damaged."""

    def __init__(self):
        self.good = 0
        self.bad = 0
        self._rest = b""
        self._skip = False  # inside an overlong line

    def feed(self, data: bytes) -> "list[Line]":
        """Return the good lines that these bytes end."""
        lines: list[Line] = []
        pieces = (self._rest + data).split(b"\n")
        for piece in pieces[:-1]:
            if self._skip:
                self._skip = False
                continue
            self._take(piece[:-1] if piece[-1:] == b"\r" else piece, lines)
        self._rest = pieces[-1]
        if len(self._rest) > LINE_MAX + 1:
            self._rest = b""
            self.bad += not self._skip
            self._skip = True
        return lines

    def _take(self, piece, lines):
        try:
            lines.append(parse(piece))
            self.good += 1
        except UartError:
            self.bad += 1

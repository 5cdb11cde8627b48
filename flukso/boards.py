# SPDX-License-Identifier: GPL-3.0-or-later
"""States what a sensor board is, and opens one by its URL.

Readings, identity, the one error: docs/design/architecture.md, "A new kind of board".
"""

from collections import namedtuple

# sensor from 0; counter in Wh (or l), None when it is not known yet; milli in 1/1000 of it or None;
# extra: W of an analog sensor, ms of the board's clock of another one, None when it said neither
Delta = namedtuple("Delta", ("sensor", "counter", "milli", "extra"))
# deltas: a tuple of Delta, sensors rising; whole: False when the reply was damaged and only
# `counters`, pairs of sensor and counter, can be believed
Poll = namedtuple("Poll", ("deltas", "counters", "whole"))
Identity = namedtuple("Identity", ("hw_major", "hw_minor", "sw_major", "sw_minor", "historic"))
# What a pulse input has seen since the board's power-on, numbers modulo 65536: hold in force (10
# µs); pulses counted, those that 1 ms of hold would have counted, and those that were too short.
Input = namedtuple("Input", ("port", "hold", "count", "former", "short"))
# falls: starts that took an older record than the newest, and by how many (age) at the last one;
# worn: slots; trial_h: hours for which Input.former is still compared
Damage = namedtuple("Damage", ("falls", "age", "worn", "trial_h"))

# kinds of BoardError
AWAY = "away"  # there is no way to the board: no device, a closed line, no simulator
HELD = "held"  # another program has the board; the text names it
DAMAGED = "damaged"  # the board gave no answer that can be believed
REFUSED = "refused"  # the board answers, and cannot or does not want to do this


class BoardError(OSError):
    """The only error that a board raises. `kind` is one of the four above, the text a sentence."""

    def __init__(self, text, kind=AWAY):
        super().__init__(text)
        self.kind = kind

    def __str__(self):
        return str(self.args[0])


class Board:
    """What the daemon needs of a board; a kind of board overrides what it can do.

    Each coroutine may raise BoardError and nothing else. After an error the next call tries anew.
    """

    # True: the board only talks. It cannot be asked or set, constants and ids are its own, and a
    # reading may lack its counter or its power. False: it can lose its settings, which sync() gives
    # back, and each reading is complete.
    listens = True
    identity: "Identity | None" = None  # None until identify() has learned it, if it ever does
    exact = False  # it counts pulses exactly, has holds, and tells of damage
    fractions = False  # it takes constants in 1/1000
    inputs: tuple = ()  # of Input and
    damage: "Damage | None" = None  # as look() saw them last
    polls = 0  # calls of poll()
    faults = 0  # replies and lines that were damaged or missing

    def __init__(self):
        # what the board's own UART received; whoever hands it out clears it
        self.uart_in = bytearray()

    async def identify(self) -> "Identity | None":
        """Open the way to the board and ask who it is, as far as it can be asked."""

    def describe(self) -> str:
        """Return who the board is, in words for the log."""
        raise NotImplementedError

    async def sync(self, settings) -> "list[str]":
        """Bring the board's settings in line; return what was changed, in words."""
        return []

    async def look(self) -> None:
        """Ask what the pulse inputs saw and what the EEPROM suffered, if the board knows."""

    async def counters(self, sensors: "list[int]") -> tuple:
        """Return (sensor, counter) of each of these sensors, as far as it is known."""
        raise NotImplementedError

    async def poll(self, sensors: "list[int]", uart: bytes = b"") -> Poll:
        """Return what changed since the last poll; `uart` goes to the board's UART on the way."""
        raise NotImplementedError

    async def forward(self, uart: bytes) -> None:
        """Send bytes to the board's UART, where it has one, and add to uart_in what it received."""

    async def reset_counters(self) -> None:
        """Set all counters to 0, lastingly."""
        raise BoardError("the counters of this board cannot be reset", REFUSED)

    def close(self) -> None:
        raise NotImplementedError


# What a URL alone tells of a board. listens: as Board.listens; sensors: how many it has, numbered
# from 1; open: function (Opening, port, clock, log) -> Board
Kind = namedtuple("Kind", ("listens", "sensors", "open"))
# url: with all that opening needs; indexes: sensor id -> index from 0, of a board that says ids
Opening = namedtuple("Opening", ("url", "indexes"))


def _open_spi(opening, port, clock, log):
    from flukso.spiboard import SpiBoard

    return SpiBoard(port.open_bus(opening.url, clock), clock)


def _open_uart(opening, port, clock, log):
    from flukso import uart
    from flukso.uartboard import UartBoard

    path = opening.url.partition(":")[2]
    return UartBoard(lambda: port.open_line(path, uart.BAUD), clock, log, opening.indexes)


SPI = Kind(False, 6, _open_spi)
UART = Kind(True, 6, _open_uart)
KINDS = (("spidev:", SPI), ("unix:", SPI), ("tcp:", SPI), ("tty:", SPI), ("uart:", UART))
SCHEMES = tuple([scheme for scheme, _ in KINDS])


def known(url: str) -> bool:
    """Return whether this is a board's URL: one of SCHEMES and something behind it."""
    return any([url.startswith(scheme) and len(url) > len(scheme) for scheme in SCHEMES])


def kind_of(url: str) -> Kind:
    """Return the Kind of board behind a URL; that of an SPI board for a URL that is not known."""
    for scheme, kind in KINDS:
        if url.startswith(scheme):
            return kind
    return SPI


def url_with_mode(url: str, spi_mode: int) -> str:
    """Return the URL with the mode of the SPI bus, where it is a kernel device's and not mode 0."""
    return "{}?mode={}".format(url, spi_mode) if spi_mode and url.startswith("spidev:") else url


def opening(settings, url: "str | None" = None) -> Opening:
    """Return how the board of these settings is opened; `url` overrides the configured one.

    Two equal Openings open the same board in the same way.
    """
    url = url or settings.bus
    listens = kind_of(url).listens
    indexes = {sensor.id: sensor.number - 1 for sensor in settings.sensors} if listens else {}
    return Opening(url_with_mode(url, settings.spi_mode), indexes)


def open_board(how: Opening, port, clock, log=None) -> Board:
    """Return the Board, whose first call opens the way to it. Raises ValueError for a bad URL."""
    return kind_of(how.url).open(how, port, clock, log)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A board on a programmer: one chip, which avrdude programs while RESET is held and which runs when
it is let go.

What runs is what the flash holds: our firmware, or half of it, in fluksosim; the model of the
historic board; nothing.
"""

import asyncio
import contextlib
import functools
import os
import socket
import subprocess
import threading
from pathlib import Path

from flukso import ports
from flukso.flash import avrdude, eeprom, ihex
from flukso.spiboard import SpiBoard
from tools.fakes.isp_chip import Chip
from tools.fakes.oldboard import OldBoard
from tools.fakes.stk500 import Line, Programmer
from tools.harness import ROOT
from tools.harness.interpreters import interpreter
from tools.harness.processes import Program
from tools.harness.simulator import FIRMWARE, UART_FIRMWARE, start_fluksosim

# stands for the historic firmware, whose bytes are not ours to keep
HISTORIC_FLASH = bytes(range(1, 255)) * 24
LAYOUTS = ("declared-0", "declared-1", "reversed-0", "reversed-1")
COUNTERS = (1, 255, 65_536, 4_294_967_290, 123_456_789, 0)
CONSTANTS, FRACTIONS, MAP, ENABLED = (
    (5163, 5163, 10327, 1, 2, 0),
    (500, 0, 7, 0, 667, 0),
    (0, 1, 2, 3, 4, 0xFF),
    0x1B,
)
UART_WORDS = ("--board", "uart")
RUN_S = 120  # of one command


def historic_eeprom(layout: str, counters) -> bytes:
    """What a historic board leaves behind (docs/design/protocols.md §1)."""
    order, minor = layout.split("-")
    sensors = b""
    for counter, constant, fraction in zip(counters, CONSTANTS, FRACTIONS, strict=True):
        sensors += counter.to_bytes(4, "little") + constant.to_bytes(2, "little")
        sensors += b"" if minor == "0" else fraction.to_bytes(2, "little")
    version, events, enabled = (
        bytes([2, 0, int(minor), 1, 0]),
        bytes([3, 0, 7, 0]),
        bytes([ENABLED]),
    )
    cells = bytearray(b"\xff" * avrdude.EEPROM_SIZE)
    if order == "declared":
        image = b"\xbe" + version + events + enabled + bytes(MAP) + sensors
    else:
        image = sensors + bytes(MAP) + enabled + events + version
        cells[0x34 if minor == "0" else 0x40] = 0xBE
    cells[: len(image)] = image
    return bytes(cells)


UART_IDS = tuple("fedcba9876543210fedcba987654321{}".format(n) for n in range(4))


def uart_eeprom(counters) -> bytes:
    """What a historic board of generation 1 leaves behind."""
    image = b"".join(
        text.encode() + b"\0" + value.to_bytes(4, "little")
        for text, value in zip(UART_IDS, counters, strict=True)
    )
    return image.ljust(avrdude.EEPROM_SIZE, b"\xff")


def historic_chip(layout: str, counters, hfuse: int = 0xDE) -> Chip:
    chip = Chip(hfuse=hfuse)
    chip.flash[: len(HISTORIC_FLASH)] = HISTORIC_FLASH
    chip.eeprom[:] = historic_eeprom(layout, counters)
    return chip


def our_chip(text: bytes | None = None) -> Chip:
    """A chip with our firmware and an EEPROM that nobody has written yet."""
    chip = Chip(hfuse=0xD6)
    chip.flash[:] = ihex.read(text or FIRMWARE.read_bytes(), avrdude.FLASH_SIZE)
    return chip


@functools.cache
def _interpreter(runtime: str) -> tuple[list[str], dict[str, str]]:
    """The same for all commands of a run: looking whether the runtime is built takes as long as
    running it.
    """
    return interpreter(runtime)


class Station:
    """The programmer's `port`, and the board's `bus_url` and `control_url`, as long as it runs.

    `layout` is of the historic EEPROM on the chip, or "uart": a board of generation 1, which has a
    control_url only.
    """

    def __init__(
        self,
        folder: Path,
        chip: Chip,
        layout: str | None = None,
        listen: bool = True,
        env: dict | None = None,
    ):
        self.folder = folder
        self.env = env or {}  # of the tool
        self.chip = chip
        self.layout = layout
        self.bus_url = "unix:{}/bus".format(folder)
        self.control_url = "unix:{}/control".format(folder)
        self.sessions = 0
        self._board: Program | OldBoard | None = None
        self._programmer = Programmer(chip)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = "net:127.0.0.1:{}".format(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._idle = threading.Lock()  # not held while somebody programs the chip
        self.start_board()
        if listen:
            self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                self.session(lambda link=connection: Line(link, self._programmer).serve())

    def session(self, program) -> None:
        """The board stands still while somebody programs it."""
        with self._idle:
            self.stop_board()
            self.sessions += 1
            try:
                program()
            finally:
                self.chip.power_on()
                self.start_board()

    # the board

    def start_board(self) -> None:
        flash = bytes(self.chip.flash)
        old = flash.rstrip(b"\xff") == HISTORIC_FLASH
        if not flash.strip(b"\xff") or (old and self.layout == "uart"):
            return
        if self.layout == "uart":
            self._board = self._simulated(UART_FIRMWARE, UART_WORDS)
        else:
            self._board = self._historic() if old else self._simulated()

    def _simulated(self, firmware: Path = FIRMWARE, words=()) -> Program:
        image, cells = self.folder / "flash.hex", self.folder / "eeprom.bin"
        image.write_bytes(ihex.write(self.chip.flash))
        cells.write_bytes(self.chip.eeprom)
        options = [*words, "--elf", firmware.with_suffix(".elf"), "--eeprom", cells]
        options += ["--speed", "0", "--control", self.control_url]
        if not words:
            options += ["--listen", self.bus_url]
        return start_fluksosim(*options, image=image)

    def _historic(self) -> OldBoard:
        board = OldBoard(self.folder, 18 if str(self.layout).endswith("0") else 22)
        model = board.board
        stored = eeprom.read(bytes(self.chip.eeprom))
        model.counter, model.constant = list(stored.counters or (0,) * 6), list(CONSTANTS)
        model.fraction = list(FRACTIONS)
        model.values["p"] = list(MAP)
        model.enabled = [ENABLED >> sensor & 1 for sensor in range(6)]
        model.brown_out()
        return board

    def stop_board(self) -> None:
        if isinstance(self._board, Program):
            self._board.kill()
            self.chip.eeprom[:] = (self.folder / "eeprom.bin").read_bytes()
        elif self._board is not None:
            if self._board.board.commits:
                self.chip.eeprom[:] = historic_eeprom(
                    str(self.layout), self._board.board._saved["counter"]
                )
            self._board.close()
        self._board = None

    def cut_supply(self) -> None:
        """The board's power fails and comes back, whatever it or its programmer is doing."""
        if self._idle.acquire(blocking=False):
            self.stop_board()
            self.start_board()
            self._idle.release()
        else:
            self.chip.dead = True  # until the programmer lets go

    async def _ask(self, what):
        with self._idle:
            return await self._talk(what)

    async def _talk(self, what):
        port = ports.load()
        clock = port.sim_clock(self.control_url)
        await clock.start()
        bus = port.open_bus(self.bus_url, clock)
        try:
            await clock.sleep(3)
            board = SpiBoard(bus, clock)
            await board.identify()
            return await what(board)
        finally:
            bus.close()
            clock.close()

    def firmware(self) -> tuple:
        """What the board says: the firmware's version, and the counters."""

        async def ask(board):
            return (board.identity.sw_major, board.identity.sw_minor), tuple(
                counter for _, counter in await board.counters(range(6))
            )

        return asyncio.run(self._ask(ask))

    def version(self) -> tuple:
        return self.firmware()[0]

    def counters(self) -> tuple:
        return self.firmware()[1]

    def settings(self) -> tuple:
        async def ask(board):
            constants = [(await board.ask("gm", n))[1] for n in range(6)]
            return (
                await board.ask("gp"),
                constants,
                [(await board.ask("ge", n))[1] for n in range(6)],
            )

        return asyncio.run(self._ask(ask))

    def form(self) -> int:
        """Digits of a delta."""

        async def ask(board):
            return (await board.ask("ga"))[0]

        return asyncio.run(self._ask(ask))

    def set_counters(self, values) -> None:
        async def put(board):
            for n, value in enumerate(values):
                await board.ask("sc", n, value)
            await board.ask("ct")

        asyncio.run(self._ask(put))

    # the tool

    def options(self) -> list[str]:
        """What every command needs; a board of generation 1 has no bus to ask it over."""
        bus = (
            ("--bus", "none")
            if self.layout == "uart"
            else ("--bus", self.bus_url, "--clock", "sim:" + self.control_url)
        )
        (self.folder / "config").touch()
        return [
            *("--config", str(self.folder / "config"), "-c", "stk500v1", "-P", self.port),
            *bus,
            *("--backup", str(self.folder / "board.backup"), "--run", str(self.folder / "run")),
        ]

    def command(
        self, *words, runtime: str = "cpython", options: list[str] | None = None
    ) -> tuple[list[str], dict[str, str]]:
        """The words that run flukso-flash on this station, and their environment."""
        start, env = _interpreter(runtime)
        given = [*words, *(self.options() if options is None else options)]
        return [*start[:-1], "flukso.flash", *[str(word) for word in given]], {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            **env,
            **self.env,
        }

    def flash(
        self, *words, runtime: str = "cpython", options: list[str] | None = None, **more
    ) -> subprocess.CompletedProcess:
        command, env = self.command(*words, runtime=runtime, options=options)
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=RUN_S,
            env={**env, **more},
            cwd=self.folder,
        )

    @property
    def backup(self) -> Path:
        return self.folder / "board.backup"

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        if self._thread.is_alive():
            self._thread.join(10)
        self.stop_board()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

# SPDX-License-Identifier: GPL-3.0-or-later
"""One fluksosim under test, with small programs for the chip or the real firmware."""

import re
import subprocess
from pathlib import Path

from tools.harness import simulator
from tools.harness.bus import Bus, Control

ROOT = Path(__file__).parents[2]
FIRMWARE = {"spi": simulator.FIRMWARE, "uart": simulator.UART_FIRMWARE}
PERIPHERALS = Path(__file__).with_name("peripherals.c")
HZ = 3_686_400


def build(name: str, folder: Path) -> Path:
    """Compile PROGRAM_name of peripherals.c; the hex file."""
    elf, image = folder / (name + ".elf"), folder / (name + ".hex")
    if not image.exists():
        flags = [
            "-mmcu=atmega168",
            "-Os",
            "-std=gnu99",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-DPROGRAM_" + name,
        ]
        subprocess.run(["avr-gcc", *flags, "-DF_CPU=3686400UL", PERIPHERALS, "-o", elf], check=True)
        subprocess.run(["avr-objcopy", "-O", "ihex", "-R", ".eeprom", elf, image], check=True)
    return image


class Sim:
    """A running fluksosim at speed 0: time passes only by `run` and by transfers."""

    def __init__(self, folder: Path, image: Path, *options: str):
        self.folder = folder
        self.control_url = "unix:{}/control".format(folder)
        self.bus_url = "unix:{}/bus".format(folder)
        where = ("--control", self.control_url, "--listen", self.bus_url)
        self.program = simulator.start_fluksosim("--speed", "0", *where, *options, image=image)
        self.control = Control(self.control_url)

    def ask(self, command: str) -> str:
        return self.control.ask(command)

    def run(self, seconds: float) -> None:
        self.control.ask("advance {:.9f}".format(seconds), timeout_s=600)

    def words(self, symbol: str, count: int, size: int = 2) -> list[int]:
        """Little-endian numbers of the firmware's RAM."""
        data = bytes.fromhex(self.ask("symbol {} {}".format(symbol, count * size)))
        return [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]

    def stat(self, name: str, command: str = "stats") -> int:
        for word in self.ask(command).split():
            key, _, value = word.partition("=")
            if key == name:
                return int(value, 0)
        raise KeyError(name)

    def bus(self) -> Bus:
        return Bus(self.bus_url)

    def close(self) -> None:
        self.control.close()
        self.program.kill()


def vectors(board: str) -> tuple[set[int], dict[int, int]]:
    """Return the interrupts that a board's firmware serves, and the cycles it allows each."""
    elf = FIRMWARE[board].with_suffix(".elf")
    table = subprocess.run(["avr-nm", elf], check=True, capture_output=True, text=True).stdout
    served = {int(number) for number in re.findall(r" T __vector_(\d+)$", table, re.M)}
    budgets = re.findall(r"^(\w+) A cycles_max__vector_(\d+)$", table, re.M)
    return served, {int(number): int(cycles, 16) for cycles, number in budgets}


def live(sim: Sim) -> list[int]:
    """The counters in the firmware's memory."""
    return sim.control.counters()

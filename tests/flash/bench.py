# SPDX-License-Identifier: GPL-3.0-or-later
"""A board on the bench: its chip's memories in a folder, programmed by the real avrdude, run by fluksosim in between."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from flukso import ports
from flukso.board import Board
from flukso.flash import avrdude, backup, ihex
from flukso.flash.update import Chip, State
from tests.e2e.chain import FIRMWARE, FLUKSOSIM
from tests.fakes.stk500 import load, save
from tests.processes import Program

RUN_S = 60  # real; avrdude needs seconds
CUT_RUN_S = 6  # it never gives up on a programmer that has gone silent


def run_bounded(words, limit_s):
    """One avrdude run; AvrdudeError when it hangs."""
    try:
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise avrdude.AvrdudeError("silent", "avrdude took over {} s".format(limit_s)) from None


class Bench:
    """The effects that flukso.flash.update asks for. `cut_at` cuts the board's supply in the nth write of the next avrdude run."""

    def __init__(self, folder: Path, chip):
        self.folder = folder
        self.chip_folder = folder / "chip"
        save(chip, self.chip_folder)
        self.chip = chip
        self.cut_at = 0
        self.runs = 0
        self.said: list[str] = []
        self.daemon = "running"

    # the control port

    async def _ask(self, what):
        load(self.chip, self.chip_folder)
        image = self.folder / "flash.hex"
        image.write_bytes(ihex.write(self.chip.flash))
        sim = Program([
            *(FLUKSOSIM, "--hex", image, "--elf", FIRMWARE.with_suffix(".elf"), "--eeprom", self.chip_folder / "eeprom.bin"),
            *("--listen", "unix:{}".format(self.folder / "bus"), "--control", "unix:{}".format(self.folder / "control"), "--speed", "max"),
        ])  # fmt: skip
        try:
            sim.wait_for_line("fluksosim: ready")
            port = ports.load()
            clock = port.sim_clock("unix:{}".format(self.folder / "control"))
            await clock.start()
            bus = port.open_bus("unix:{}".format(self.folder / "bus"), clock)
            try:
                await clock.sleep(0.2)
                return await what(Board(bus, clock))
            finally:
                bus.close()
                clock.close()
        finally:
            sim.kill()

    async def state(self):
        if not self.chip.flash.strip(b"\xff"):
            return None

        async def ask(board):
            who = await board.identify()
            counters = tuple(counter for _, counter in await board.counters(list(range(6))))
            settings = [await board.ask("gp"), *[await board.ask("gm", n) for n in range(6)], *[await board.ask("ge", n) for n in range(6)]]
            return State((who.sw_major, who.sw_minor), (who.hw_major, who.hw_minor), counters, settings)

        try:
            return await self._ask(ask)
        except (ValueError, OSError):
            return None

    async def commit(self):
        await self._ask(lambda board: board.ask("ct"))

    def run(self, coroutine):
        return asyncio.run(coroutine)

    def set_counters(self, *values):
        async def put(board):
            await board.identify()
            for n, value in enumerate(values):
                await board.ask("sc", n, value)
            await board.ask("ct")

        asyncio.run(self._ask(put))

    # the programmer

    def avrdude(self, operations):
        self.runs += 1
        command = [sys.executable, "-m", "tests.fakes.stk500", "--image", str(self.chip_folder)]
        if self.cut_at:
            command += ["--cut-at", str(self.cut_at)]
        programmer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            address = programmer.stdout.readline().split()[-1]
            words = avrdude.command(avrdude.Programmer("stk500v1", "net:" + address, None, ()), "m168p", None, operations)
            done = run_bounded(words, CUT_RUN_S if self.cut_at else RUN_S)
            if done.returncode:
                raise avrdude.failure(done.returncode, done.stdout)
        finally:
            time.sleep(0.2)  # the programmer writes the memories once avrdude has left
            programmer.terminate()
            programmer.wait()
            programmer.stdout.close()
            load(self.chip, self.chip_folder)

    def read_chip(self):
        names = ("signature", "lfuse", "hfuse", "efuse", "flash", "eeprom")
        self.avrdude(["{}:r:{}:r".format(name, self.folder / name) for name in names])
        read = {name: (self.folder / name).read_bytes() for name in names}
        whole = read["flash"].ljust(avrdude.FLASH_SIZE, b"\xff")
        return Chip(read["signature"], tuple(read[name][0] for name in names[1:4]), whole, read["eeprom"])

    def file(self, name, data):
        (self.folder / name).write_bytes(data)
        return self.folder / name

    # the backup, the daemon, the user

    def keep(self, saved):
        (self.folder / "backup").write_bytes(backup.dump(saved))

    def kept(self):
        path = self.folder / "backup"
        return backup.load(path.read_bytes()) if path.exists() else None

    def drop(self):
        (self.folder / "backup").unlink()

    def stop_daemon(self):
        self.daemon = "stopped"

    def start_daemon(self):
        self.daemon = "running"

    def seconds(self):
        return time.monotonic()

    def now(self):
        return int(time.time())

    def say(self, text):
        self.said.append(text)

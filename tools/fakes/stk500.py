# SPDX-License-Identifier: GPL-3.0-or-later
"""An STK500 version 1 programmer on a TCP port, with the chip model of isp_chip behind it: for
avrdude's `-c stk500v1 -P net:`.

    python -m tools.fakes.stk500 [--part NAME] [--lfuse N] [--hfuse N] [--efuse N] [--image FOLDER]
    [--cut-at N]

FOLDER holds the chip (`flash.bin`, `eeprom.bin`, `fuses.json`); it is read at the start when it is
there and written whenever a connection ends, which a line `stk500: saved` says. `--cut-at N` cuts
the board's supply in the middle of the Nth write; the programmer has its own. The commands are
those of Atmel's application note AVR061.
"""

import argparse
import json
import pathlib
import socket
import sys

from tools.fakes.isp_chip import FLASH_PAGE, Chip, PowerCut

OK, FAILED, INSYNC, NOSYNC, EOP = 0x10, 0x11, 0x14, 0x15, 0x20
SYNC, SET_PARAMETER, GET_PARAMETER, SET_DEVICE, SET_DEVICE_EXT = 0x30, 0x40, 0x41, 0x42, 0x45
ENTER, LEAVE, ERASE, ADDRESS, UNIVERSAL, PROG_PAGE, READ_PAGE, READ_SIGN = (
    0x50,
    0x51,
    0x52,
    0x55,
    0x56,
    0x64,
    0x74,
    0x75,
)
ARGUMENTS = {
    SYNC: 0,
    SET_PARAMETER: 2,
    GET_PARAMETER: 1,
    SET_DEVICE: 20,
    ENTER: 0,
    LEAVE: 0,
    ERASE: 0,
    ADDRESS: 2,
    UNIVERSAL: 4,
    READ_PAGE: 3,
    READ_SIGN: 0,
}
PARAMETERS = {0x80: 2, 0x81: 1, 0x82: 18}  # hardware 2, software 1.18
MAX_PAGE = 256  # bytes: the largest page that the programmer's RAM holds
INSTRUCTION_MS = 0.064  # four bytes at 500 kHz
POLLS_MAX = 200  # 20 ms: twice the longest write
# avrdude begins with two whose answers it drains for 250 ms each; it reads the answer to the next
SYNCS_DRAINED = 2


class Programmer:
    """Turns STK500 commands into SPI instructions; its clock is the chip's and runs only with the
    instructions.
    """

    def __init__(self, chip: Chip):
        self.chip = chip
        self._ms = 0.0
        self._address = 0
        chip.now_ms = lambda: self._ms

    def instruct(self, *instruction: int) -> int:
        out = [self.chip.transfer(byte) for byte in instruction]
        self._ms += INSTRUCTION_MS
        return out[-1]

    def _wait(self) -> bool:
        """False when the chip stays busy, since it has no supply."""
        for _ in range(POLLS_MAX):
            if not self.instruct(0xF0, 0, 0, 0) & 1:
                return True
            self._ms += 0.1
        return False

    def execute(self, command: int, data: bytes) -> bytes | None:
        """The answer between INSYNC and OK; None for FAILED."""
        if command in (SYNC, SET_PARAMETER, SET_DEVICE, SET_DEVICE_EXT):
            return b""
        if command == GET_PARAMETER:
            return bytes([PARAMETERS.get(data[0], 0)])
        if command == ENTER:
            self.chip.reset(False)
            self.chip.reset(True)
            self.instruct(0xAC, 0x53, 0, 0)
            return b""
        if command == LEAVE:
            self.chip.reset(False)
            return b""
        if command == ERASE:
            self.instruct(0xAC, 0x80, 0, 0)
            return b"" if self._wait() else None
        if command == ADDRESS:
            self._address = data[0] | data[1] << 8
            return b""
        if command == UNIVERSAL:
            answer = self.instruct(*data)
            if data[0] in (0xAC, 0x4C, 0xC0, 0xC2):
                self._wait()
            return bytes([answer])
        if command == READ_SIGN:
            return bytes(self.instruct(0x30, 0, at, 0) for at in range(3))
        if command == READ_PAGE:
            return self._read(data[0] << 8 | data[1], chr(data[2]))
        if command == PROG_PAGE:
            return self._program(chr(data[2]), data[3:])
        return None

    def _read(self, size: int, kind: str) -> bytes | None:
        if size > MAX_PAGE or kind not in "FE":
            return None
        if kind == "E":
            return bytes(
                self.instruct(0xA0, at >> 8, at & 0xFF, 0)
                for at in range(self._address, self._address + size)
            )
        words = range(self._address, self._address + (size + 1) // 2)
        return bytes(
            self.instruct(op, at >> 8, at & 0xFF, 0) for at in words for op in (0x20, 0x28)
        )[:size]

    def _program(self, kind: str, data: bytes) -> bytes | None:
        if kind == "E":
            for at, value in enumerate(data, self._address):
                self.instruct(0xC0, at >> 8, at & 0xFF, value)
                if not self._wait():
                    return None
            return b""
        if kind != "F" or len(data) > FLASH_PAGE:
            return None
        for at, value in enumerate(data):
            self.instruct(0x48 if at & 1 else 0x40, 0, self._address + at // 2 & 0xFF, value)
        self.instruct(0x4C, self._address >> 8, self._address & 0xFF, 0)
        return b"" if self._wait() else None


class Line:
    """One connection: framing of the commands.

    Silent on the syncs that avrdude drains: on a busy machine their answers would come after the
    drain and pass for the next one's.
    """

    def __init__(self, connection: socket.socket, programmer: Programmer):
        self._file = connection.makefile("rwb")
        self._programmer = programmer
        self._drained = 0

    def _take(self, count: int) -> bytes:
        data = self._file.read(count)
        if len(data) != count:
            raise EOFError
        return data

    def _arguments(self, command: int) -> bytes:
        if command == PROG_PAGE:
            head = self._take(3)
            return head + self._take(min(head[0] << 8 | head[1], MAX_PAGE))
        if command == SET_DEVICE_EXT:
            size = self._take(1)
            return size + self._take(max(size[0] - 1, 0))
        return self._take(ARGUMENTS.get(command, 0))

    def serve(self) -> None:
        """Answers commands until the other side leaves."""
        try:
            while True:
                command = self._take(1)[0]
                data = self._arguments(command)
                if self._take(1)[0] != EOP:
                    self._file.write(bytes([NOSYNC]))
                elif command == SYNC and self._drained < SYNCS_DRAINED:
                    self._drained += 1
                else:
                    answer = self._programmer.execute(command, data)
                    self._file.write(
                        bytes([INSYNC, FAILED])
                        if answer is None
                        else bytes([INSYNC]) + answer + bytes([OK])
                    )
                self._file.flush()
        except (EOFError, OSError):
            return
        finally:
            self._programmer.chip.reset(False)


def load(chip: Chip, folder: pathlib.Path) -> None:
    """Takes memories and fuses out of a folder that save() wrote; what is missing there stays."""
    if (folder / "flash.bin").exists():
        chip.flash[:] = (folder / "flash.bin").read_bytes()
    if (folder / "eeprom.bin").exists():
        chip.eeprom[:] = (folder / "eeprom.bin").read_bytes()
    if (folder / "fuses.json").exists():
        kept = json.loads((folder / "fuses.json").read_text())
        chip.fuses.update(kept["fuses"])
        chip.lock = kept["lock"]


def save(chip: Chip, folder: pathlib.Path) -> None:
    """Writes memories and fuses, as a power-off leaves them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flash.bin").write_bytes(chip.flash)
    (folder / "eeprom.bin").write_bytes(chip.eeprom)
    (folder / "fuses.json").write_text(json.dumps({"fuses": chip.fuses, "lock": chip.lock}))


def cut_at(chip: Chip, nth: int) -> None:
    """Makes the nth write from now fail half-way, and every instruction after it."""
    left = [nth]

    def hook(kind: str, address: int) -> None:
        left[0] -= 1
        if left[0] <= 0:
            raise PowerCut(f"{kind} {address:#x}")

    chip.hook = hook


def main() -> int:
    parser = argparse.ArgumentParser(description="STK500 v1 programmer with a simulated ATmega168P")
    parser.add_argument("--part", default="atmega168p")
    for fuse, value in (("lfuse", 0xEC), ("hfuse", 0xDE), ("efuse", 0x01)):
        parser.add_argument(f"--{fuse}", type=lambda text: int(text, 0), default=value)
    parser.add_argument("--image", type=pathlib.Path)
    parser.add_argument("--cut-at", type=int, default=0)
    options = parser.parse_args()
    chip = Chip(options.part, options.lfuse, options.hfuse, options.efuse)
    if options.image:
        load(chip, options.image)
    if options.cut_at:
        cut_at(chip, options.cut_at)
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(f"stk500: ready 127.0.0.1:{server.getsockname()[1]}", flush=True)
        while True:
            connection, _ = server.accept()
            try:
                with connection:
                    Line(connection, Programmer(chip)).serve()
            finally:
                if options.image:
                    save(chip, options.image)
                    print("stk500: saved", flush=True)


if __name__ == "__main__":
    sys.exit(main())

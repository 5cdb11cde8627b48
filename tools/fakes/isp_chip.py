# SPDX-License-Identifier: GPL-3.0-or-later
"""Model of an ATmega168P in serial programming mode, byte by byte as its data sheet describes it
(Atmel-8271, chapter 28.8).
"""

from collections.abc import Callable

FLASH_SIZE = 16384
FLASH_PAGE = 128  # bytes: 64 words
EEPROM_SIZE = 512
EEPROM_PAGE = 4
SIGNATURES = {
    "atmega168p": b"\x1e\x94\x0b",
    "atmega168": b"\x1e\x94\x06",
    "atmega48": b"\x1e\x92\x05",
}
CALIBRATION = 0x9C
LOCK_UNUSED = 0xC0  # bits that read as one

# Table 28-13, minimum wait before the next instruction
FUSE_MS = 4.5
FLASH_MS = 4.5
EEPROM_MS = 3.6
ERASE_MS = 9.0

EESAVE = 0x08  # of the high fuse byte; programmed (0): a chip erase leaves the EEPROM alone
SPIEN = 0x20


class PowerCut(Exception):
    """Raised by a hook: the supply failed inside an instruction; what the memories hold now is what
    stays.
    """


class Chip:
    """The memories, fuses and the programming state machine behind RESET, SCK, MOSI and MISO.

    `now_ms` is the chip's clock: instructions that come while a write is under way are ignored, but
    for the RDY/BSY poll. `hook(kind, address)` is called in the middle of each write; it may raise
    PowerCut, which leaves the memory half-written and the chip dead until power_on().
    """

    def __init__(
        self, part: str = "atmega168p", lfuse: int = 0xEC, hfuse: int = 0xDE, efuse: int = 0x01
    ):
        self.signature = SIGNATURES[part]
        self.flash = bytearray(b"\xff" * FLASH_SIZE)
        self.eeprom = bytearray(b"\xff" * EEPROM_SIZE)
        self.fuses = {"lfuse": lfuse, "hfuse": hfuse, "efuse": efuse & 0x07}
        self.lock = 0xFF
        self.now_ms: Callable[[], float] = lambda: 0.0
        self.hook: Callable[[str, int], None] = lambda kind, address: None
        self.erases = self.page_writes = self.eeprom_writes = self.fuse_writes = 0
        self.in_reset = False
        self.power_on()

    # pins
    # ------------------------------------------------------------------------

    def power_on(self) -> None:
        """The supply returns: page buffers are lost, programming is off."""
        self.dead = False
        self._forget()

    def _forget(self) -> None:
        self._page = bytearray(b"\xff" * FLASH_PAGE)
        self._eeprom_page: dict[int, int] = {}
        self._enabled = False
        self._busy_until_ms = -1.0
        self._instruction = bytearray()

    def reset(self, active: bool) -> None:
        """RESET is pulled (True) or let go; letting go ends programming mode."""
        if not active:
            self._forget()
        self.in_reset = active
        self._instruction = bytearray()

    def transfer(self, data: int) -> int:
        """One byte in on MOSI; the byte that stands on MISO meanwhile."""
        if self.dead or not self.in_reset:
            return 0xFF
        self._instruction.append(data)
        taken = self._instruction
        if len(taken) == 4:
            self._instruction = bytearray()
            try:
                return self._execute(taken)
            except PowerCut:
                self.dead = True
                return 0xFF
        return taken[-2] if len(taken) > 1 else 0x00  # each byte is echoed one byte later

    def next_out(self) -> int:
        """The byte that stands on MISO for the next transfer: the last one, or what the instruction
        under way reads.
        """
        taken = self._instruction
        if self.dead or not self.in_reset:
            return 0xFF
        if len(taken) < 3:
            return taken[-1] if taken else 0x00
        a, b, c = taken
        if (a, b) != (0xAC, 0x53) and not self._enabled:
            return 0xFF
        if a == 0xF0:
            return 0xFF if self._busy() else 0xFE
        read = self._read(a, b, c)
        return 0xFF if self._busy() else c if read is None else read

    # instructions
    # ------------------------------------------------------------------------

    def _busy(self) -> bool:
        return self.now_ms() < self._busy_until_ms

    def _start(self, kind: str, address: int, duration_ms: float) -> None:
        self._busy_until_ms = self.now_ms() + duration_ms
        self.hook(kind, address)

    def _execute(self, instruction: bytearray) -> int:
        a, b, c, d = instruction
        if (a, b) == (0xAC, 0x53):
            self._enabled = True
            return c
        if not self._enabled:
            return 0xFF
        if a == 0xF0:
            return 0xFF if self._busy() else 0xFE
        if self._busy():
            return 0xFF
        if a == 0xAC:
            self._special(b, d)
            return c
        read = self._read(a, b, c)
        if read is None:
            self._write(a, b, c, d)
            return c
        return read

    def _read(self, a: int, b: int, c: int) -> int | None:
        if a in (0x20, 0x28):
            return self.flash[((b << 8 | c) * 2 + (a == 0x28)) % FLASH_SIZE]
        if a == 0xA0:
            return self.eeprom[(b << 8 | c) % EEPROM_SIZE]
        if a == 0x30:
            return self.signature[c & 3] if c & 3 < 3 else 0xFF
        if a == 0x38:
            return CALIBRATION
        if a == 0x50:
            return self.fuses["efuse"] | 0xF8 if b & 8 else self.fuses["lfuse"]
        if a == 0x58:
            return self.fuses["hfuse"] if b & 8 else self.lock | LOCK_UNUSED
        return None

    def _write(self, a: int, b: int, c: int, d: int) -> None:
        if a in (0x40, 0x48):
            self._page[(c % (FLASH_PAGE // 2)) * 2 + (a == 0x48)] &= d
        elif a == 0x4C:
            self._write_page((b << 8 | c) * 2 // FLASH_PAGE * FLASH_PAGE % FLASH_SIZE)
        elif a == 0xC0:
            self._write_eeprom({(b << 8 | c) % EEPROM_SIZE: d})
        elif a == 0xC1:
            self._eeprom_page[c % EEPROM_PAGE] = d
        elif a == 0xC2:
            base = (b << 8 | c) // EEPROM_PAGE * EEPROM_PAGE % EEPROM_SIZE
            loaded, self._eeprom_page = self._eeprom_page, {}
            self._write_eeprom({base + at: value for at, value in loaded.items()})

    def _write_page(self, base: int) -> None:
        page, self._page = self._page, bytearray(b"\xff" * FLASH_PAGE)
        self.page_writes += 1
        half = FLASH_PAGE // 2
        self._and_into(base, page[:half])
        self._start("flash", base, FLASH_MS)
        self._and_into(base + half, page[half:])

    def _and_into(self, base: int, data: bytearray) -> None:
        for at, value in enumerate(data, base):
            self.flash[at] &= value  # a page that was not erased keeps its zeros

    def _write_eeprom(self, values: dict[int, int]) -> None:
        for at, value in values.items():
            self.eeprom[at] = 0xFF
            self.eeprom_writes += 1
            self._start("eeprom", at, EEPROM_MS)
            self.eeprom[at] = value

    def _special(self, b: int, d: int) -> None:
        if b & 0xE0 == 0x80:
            self._erase()
            return
        fuse = {0xA0: "lfuse", 0xA8: "hfuse", 0xA4: "efuse"}.get(b)
        if fuse:
            self.fuse_writes += 1
            self._start(fuse, 0, FUSE_MS)
            self.fuses[fuse] = d & 0x07 if fuse == "efuse" else d
        elif b == 0xE0:
            self._start("lock", 0, FUSE_MS)
            self.lock &= d | LOCK_UNUSED

    def _erase(self) -> None:
        self.erases += 1
        self.flash[: FLASH_SIZE // 2] = b"\xff" * (FLASH_SIZE // 2)
        self._start("erase", 0, ERASE_MS)
        self.flash[:] = b"\xff" * FLASH_SIZE
        if self.fuses["hfuse"] & EESAVE:
            self.eeprom[:] = b"\xff" * EEPROM_SIZE
        self.lock = 0xFF

# SPDX-License-Identifier: GPL-3.0-or-later
"""The fuses of the ATmega168(P): what they mean, and which values would lock the programmer out.
Pure, for both interpreters.

Bits and names: Atmel data sheet 8271, chapter 28.2; a fuse bit that reads 0 is programmed, that is,
active.
"""

EXTENDED_BITS = 0x07  # only three exist; the rest reads as anything
EESAVE = 0x08  # high fuse, 0: the EEPROM outlives a chip erase

# The field's values for the board of generation 2 (docs/design/protocols.md §1), with EESAVE
# programmed. Its low fuse is 0xEC.
FIELD_HIGH, FIELD_EXTENDED = 0xD6, 0x01

CLOCKS = (  # CKSEL 3:0 from, to: words
    (0x0, 0x0, "external clock"),
    (0x2, 0x2, "internal 8 MHz oscillator"),
    (0x3, 0x3, "internal 128 kHz oscillator"),
    (0x4, 0x5, "low-frequency crystal"),
    (0x6, 0x7, "full-swing crystal"),
    (0x8, 0x9, "crystal 0.4 to 0.9 MHz"),
    (0xA, 0xB, "crystal 0.9 to 3 MHz"),
    (0xC, 0xD, "crystal 3 to 8 MHz"),
    (0xE, 0xF, "crystal 8 to 16 MHz"),
)
BROWNOUT = {7: "off", 6: "1.8 V", 5: "2.7 V", 4: "4.3 V"}  # BODLEVEL 2:0
BOOT_WORDS = {0: 1024, 1: 512, 2: 256, 3: 128}  # BOOTSZ 1:0


def clock(low: int) -> str:
    """Return the clock source that the low fuse chooses, in words."""
    for first, last, words in CLOCKS:
        if first <= low & 0x0F <= last:
            return words
    return "reserved"


def describe(low: int, high: int, extended: int) -> list[str]:
    """Return one sentence a meaning, for people."""
    lines = [
        "clock: {}{}{}".format(
            clock(low),
            ", divided by 8" if not low & 0x80 else "",
            ", put out on PB0" if not low & 0x40 else "",
        ),
        "EEPROM: {} by a chip erase".format("erased" if high & EESAVE else "kept"),
        "brown-out reset: {}".format(BROWNOUT.get(high & 0x07, "reserved")),
        "watchdog: {}".format("by the program" if high & 0x10 else "always on"),
        "start: {}".format(
            "at address 0"
            if extended & 0x01
            else "in the boot section of {} words".format(BOOT_WORDS[extended >> 1 & 3])
        ),
    ]
    if not high & 0x80:
        lines.append("RESET pin: disabled")
    if not high & 0x40:
        lines.append("debugWIRE: on")
    if high & 0x20:
        lines.append("serial programming: off")
    return lines


def refusal(name: str, value: int) -> str:
    """Return why this value must never be written to the fuse lfuse, hfuse or efuse, or "" when it
    may.

    Refused is what ends serial programming (RSTDISBL, DWEN, SPIEN), what starts the chip where no
    program is (BOOTRST), and the low fuse as a whole: it holds the clock (CKSEL, SUT, CKDIV8,
    CKOUT), and a chip with a clock that its board does not have answers nobody.
    """
    if name == "lfuse":
        return (
            "the low fuse is never written: a wrong clock (CKSEL, CKDIV8) would end serial "
            "programming"
        )
    if name == "efuse":
        return (
            "" if value & 0x01 else "BOOTRST would start the chip in a boot section that is empty"
        )
    if not value & 0x80:
        return "RSTDISBL would disable RESET, and with it every later programming over SPI"
    if not value & 0x40:
        return "DWEN would take RESET for debugWIRE, and with it every later programming over SPI"
    if value & 0x20:
        return "SPIEN unprogrammed would end serial programming"
    return ""


def kept_eeprom(high: int) -> int:
    """Return the high fuse with EESAVE programmed and nothing else changed."""
    return high & ~EESAVE & 0xFF


def planned(board: str, high: int, extended: int) -> list:
    """Return (name, value) of the fuses that differ from what the board's firmware wants; never one
    that refusal() names.
    """
    wanted = [("hfuse", high, kept_eeprom(high))]
    if board == "spi":
        wanted = [("hfuse", high, FIELD_HIGH), ("efuse", extended & EXTENDED_BITS, FIELD_EXTENDED)]
    return [
        (name, value) for name, now, value in wanted if now != value and not refusal(name, value)
    ]


def misfit(board: str, low: int) -> str:
    """Return why a chip with this low fuse does not stand on such a board, or ""."""
    source = 0x0C if board == "spi" else 0x02
    if low & 0x0E == source:
        return ""
    return "the chip's clock ({}) is not that of the {} board".format(clock(low), board)

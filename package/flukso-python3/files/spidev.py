# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of PyPI's spidev that the daemon uses, over ioctl alone: OpenWrt does not package it."""

import array
import fcntl
import os
import struct

MAGIC = ord("k")
TRANSFER = struct.Struct("@QQIIHBBBBBB")  # struct spi_ioc_transfer of linux/spi/spidev.h
# Places of direction and size in an ioctl's number, and its directions: these machines have their
# own (asm/ioctl.h).
OLD = os.uname().machine.startswith(("mips", "ppc", "sparc", "alpha"))
SIZE_BITS = 13 if OLD else 14
WRITE, READ = (4, 2) if OLD else (1, 2)


def _number(direction: int, which: int, size: int) -> int:
    """The ioctl's number as asm/ioctl.h makes it."""
    number = direction << (16 + SIZE_BITS) | size << 16 | MAGIC << 8 | which
    # ioctl's argument is an int for fcntl
    return number if number < 1 << 31 else number - (1 << 32)


class SpiDev:
    """A device /dev/spidevB.D. OSError for what the kernel refuses."""

    def __init__(self):
        self._handle = -1

    def open(self, bus: int, device: int):
        self.close()
        self._handle = os.open("/dev/spidev{}.{}".format(bus, device), os.O_RDWR | os.O_CLOEXEC)

    def close(self):
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def fileno(self) -> int:
        return self._handle

    def _get(self, which, form):
        size = struct.calcsize(form)
        return struct.unpack(
            form, fcntl.ioctl(self._handle, _number(READ, which, size), bytes(size))
        )[0]

    def _set(self, which, form, value):
        fcntl.ioctl(
            self._handle, _number(WRITE, which, struct.calcsize(form)), struct.pack(form, value)
        )

    @property
    def mode(self) -> int:
        return self._get(1, "@B")

    @mode.setter
    def mode(self, value: int):
        self._set(1, "@B", value)

    @property
    def bits_per_word(self) -> int:
        return self._get(3, "@B")

    @bits_per_word.setter
    def bits_per_word(self, value: int):
        self._set(3, "@B", value)

    @property
    def max_speed_hz(self) -> int:
        return self._get(4, "@I")

    @max_speed_hz.setter
    def max_speed_hz(self, value: int):
        self._set(4, "@I", value)

    def xfer2(self, values) -> list:
        """Clock out the bytes; return as many that came in."""
        out = array.array("B", values)
        back = array.array("B", bytes(len(out)))
        message = TRANSFER.pack(
            out.buffer_info()[0], back.buffer_info()[0], len(out), 0, 0, 8, 0, 0, 0, 0, 0
        )
        fcntl.ioctl(self._handle, _number(WRITE, 0, TRANSFER.size), message)
        return back.tolist()

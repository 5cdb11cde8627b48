# SPDX-License-Identifier: GPL-3.0-or-later
"""MicroPython's buses: spidev under a lock, a serial line, and the simulator's sockets."""

import asyncio
import posix

import spidev

from flukso.boards import HELD, BoardError
from flukso.messages import trouble
from flukso.ports.micropython_streams import Stream, connector
from flukso.ports.simulator import StreamBus

SPI_HZ = 500000  # what the field does; the board takes up to 921 kHz
# a historic daemon holds the lock only while it talks: wait 5 s, then say who it is
LOCK_TRIES, LOCK_EVERY_MS = (20, 250)
TTY_BAUD = 115200
BLOCK = 32  # bytes of one system call: with their gaps it blocks the loop for 9 ms


def open_bus(url: str, clock):
    scheme, _, rest = url.partition(":")
    if scheme == "spidev" and rest:
        path, _, mode = rest.partition("?mode=")
        return SpidevBus(path, int(mode or 0))
    if scheme == "tty" and rest:
        return StreamBus(lambda: open_serial(rest, TTY_BAUD), clock)
    return StreamBus(connector(url), clock)


def holder(number: int) -> str:
    """Return the process of this number, with its command line, in words."""
    try:
        with open("/proc/{}/cmdline".format(number), "rb") as file:
            words = bytes([byte or 32 for byte in file.read(200)]).decode().strip()
    except (OSError, UnicodeError):
        words = "unknown program"
    return "process {} ({})".format(number, words)


async def take_lock(handle: int, path: str, tries: int = LOCK_TRIES):
    """Lock the open file for this process; BoardError naming the holder when it does not let go in
    time.
    """
    for remaining in range(tries - 1, -1, -1):
        number = posix.lockf(handle)
        if number == 0:
            return
        if not remaining:
            raise BoardError("{} is held by {}".format(path, holder(number)), HELD)
        await asyncio.sleep_ms(LOCK_EVERY_MS)


class SpidevBus:
    """A kernel SPI device; the kernel makes the gaps between the bytes."""

    def __init__(self, path: str, mode: int):
        self._path = path
        self._mode = mode
        self._device = None

    async def transfer(self, data: bytes, gap_us: int) -> bytes:
        """Clock the bytes out and return as many that came in. Raises BoardError; the next transfer
        opens anew.
        """
        try:
            if self._device is None:
                await self._open()
            got = b""
            for at in range(0, len(data), BLOCK):
                got += self._device.xfer_gap(data[at : at + BLOCK], gap_us)
                await asyncio.sleep_ms(0)
            return got
        except BoardError:
            raise
        except OSError as error:
            self.close()
            raise BoardError(trouble(error, self._path))

    async def _open(self):
        device = spidev.SpiDev()
        device.open_path(self._path)
        try:
            await take_lock(device.fileno(), self._path)
            device.mode = self._mode
            device.bits_per_word = 8
            device.max_speed_hz = SPI_HZ
        except BaseException:
            device.close()
            raise
        self._device = device

    def close(self):
        if self._device is not None:
            self._device.close()
            self._device = None


async def open_serial(path: str, baud: int):
    """Open a serial line, raw, 8N1, locked; return (reader, writer). Raises BoardError."""
    try:
        handle = posix.open(path, posix.O_RDWR | posix.O_NOCTTY | posix.O_NONBLOCK)
    except OSError as error:
        raise BoardError(trouble(error, path))
    line = open(handle, "r+b")
    try:
        number = posix.lockf(handle)
        if number:
            raise BoardError("{} is held by {}".format(path, holder(number)), HELD)
        posix.tty_raw(handle, baud)
    except OSError as error:
        line.close()
        raise error if isinstance(error, BoardError) else BoardError(trouble(error, path))
    stream = Stream(line)
    return stream, stream

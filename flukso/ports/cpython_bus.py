# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython's buses: spidev under a lock, a serial line, and the simulator's sockets."""

import asyncio
import errno
import fcntl
import os
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flukso.boards import AWAY, HELD, BoardError
from flukso.messages import trouble
from flukso.ports.cpython_streams import connector
from flukso.ports.simulator import ANSWER_S, StreamBus

SPI_HZ = 500000  # what the field does; the board takes up to 921 kHz
# a historic daemon holds the lock only while it talks: wait 5 s, then say who it is
LOCK_TRIES, LOCK_EVERY_S = (20, 0.25)
TTY_BAUD = 115200


def open_bus(url: str, clock):
    scheme, _, rest = url.partition(":")
    if scheme == "spidev" and rest:
        path, _, mode = rest.partition("?mode=")
        return SpidevBus(path, int(mode or 0))
    if scheme == "tty" and rest:
        return StreamBus(lambda: open_serial(rest, TTY_BAUD), clock)
    return StreamBus(connector(url), clock)


def holder(handle: int) -> str:
    """Return who holds a lock on the open file: number and command line, or a guess."""
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, number = struct.unpack("hhqqi4x", fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    if kind == fcntl.F_UNLCK:
        return "nobody any more"
    try:
        with open("/proc/{}/cmdline".format(number), "rb") as file:
            words = file.read(200).replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        words = "unknown program"
    return "process {} ({})".format(number, words)


def take_lock(handle: int, path: str, tries: int = LOCK_TRIES):
    """Lock the open file for this process; BoardError naming the holder when it does not let go in
    time.
    """
    for remaining in range(tries - 1, -1, -1):
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if not remaining:
                raise BoardError("{} is held by {}".format(path, holder(handle)), HELD) from None
            time.sleep(LOCK_EVERY_S)


class SpidevBus:
    """A kernel SPI device, byte by byte in a worker: PyPI's spidev has no gap between bytes."""

    def __init__(self, path: str, mode: int):
        name = os.path.basename(path)
        numbers = name[6:].split(".")
        if name[:6] != "spidev" or len(numbers) != 2 or not (numbers[0] + numbers[1]).isdigit():
            raise ValueError("{} is not /dev/spidevB.D".format(path))
        self._path = path
        self._numbers = int(numbers[0]), int(numbers[1])
        self._mode = mode
        self._device: Any = None  # a spidev.SpiDev; the package is imported with the first transfer
        self._worker = ThreadPoolExecutor(1, "spi")

    async def transfer(self, data: bytes, gap_us: int) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(
            self._worker, self._transfer, data, gap_us
        )

    def _transfer(self, data, gap_us):
        try:
            if self._device is None:
                self._device = self._open()
            got = bytearray()
            for byte in data:
                got.extend(self._device.xfer2([byte]))
                time.sleep(gap_us / 1000000)
            return bytes(got)
        except BoardError:
            raise
        except OSError as error:
            self.close()
            raise BoardError(trouble(error, self._path)) from None

    def _open(self):
        import spidev

        device = spidev.SpiDev()
        device.open(*self._numbers)
        try:
            take_lock(device.fileno(), self._path)
            device.mode = self._mode
            device.max_speed_hz = SPI_HZ
        except OSError:
            device.close()
            raise
        return device

    def close(self):
        if self._device is not None:
            self._device.close()
            self._device = None


class _SerialStream:
    """A serial line as asyncio reader and writer; the descriptor is watched by the loop."""

    def __init__(self, line):
        self._line = line
        self._reader = asyncio.StreamReader()
        asyncio.get_running_loop().add_reader(line.fileno(), self._feed)

    def _feed(self):
        try:
            data = self._line.read(4096)
        except OSError:
            data = b""
        if data:
            self._reader.feed_data(data)
        else:
            self._reader.feed_eof()
            asyncio.get_running_loop().remove_reader(self._line.fileno())

    async def readexactly(self, count):
        return await self._reader.readexactly(count)

    async def readline(self):
        return await self._reader.readline()

    async def read(self, count):
        return await self._reader.read(count)

    def write(self, data):
        self._line.write(data)

    async def drain(self):
        pass

    def close(self):
        if self._line.is_open:
            asyncio.get_running_loop().remove_reader(self._line.fileno())
            self._line.close()


async def open_serial(path: str, baud: int):
    """Open a serial line, raw, 8N1, locked; return (reader, writer). Raises BoardError."""
    import serial

    try:
        line = serial.Serial(path, baud, timeout=0, write_timeout=ANSWER_S, exclusive=True)
    except (OSError, ValueError) as error:
        held = getattr(error, "errno", None) == errno.EAGAIN  # pyserial's, of its lock
        raise BoardError(trouble(error, path), HELD if held else AWAY) from None
    stream = _SerialStream(line)
    return stream, stream

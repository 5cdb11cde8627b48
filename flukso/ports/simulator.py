# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's two lines (docs/contributing/simulator.md): frames of the bus, and a clock that
the simulator drives. For both interpreters.
"""

import asyncio
import struct
from heapq import heappop, heappush

from flukso.boards import BoardError
from flukso.messages import trouble
from flukso.spi import crc8

MARK = 0xF5
TRANSFER_MAX = 1024  # bytes of one transfer
HEADER = 7  # request: mark, X, count u16, gap u16, CRC
ANSWER_HEADER = 6  # mark, x, count u16, status, CRC
SKIP_MAX = 4096  # bytes passed over while looking for a header
ANSWER_S = 5.0  # real seconds; a transfer takes the simulator milliseconds
# real seconds a time-out has at least: a busy machine needs them however fast time goes
REAL_MIN_S = 2.0
SETTLE_ROUNDS = 4  # turns of the loop in which tasks that can go on do so before time moves
SPEED_EVERY_US = 60000000  # how often the speed is asked again: it may change under way


def encode_transfer(data: bytes, gap_us: int) -> bytes:
    """Return the frame that asks for one transfer."""
    head = struct.pack(">BBHH", MARK, 0x58, len(data), gap_us)
    return head + bytes([crc8(head)]) + data + bytes([crc8(data)])


async def read_answer(reader, count: int) -> bytes:
    """Return the bytes that the simulator read in a transfer of `count` bytes; BoardError when it
    could not be done.
    """
    window = b""
    for _ in range(SKIP_MAX):
        window = (window + await reader.readexactly(1))[-ANSWER_HEADER:]
        if (
            len(window) == ANSWER_HEADER
            and window[:2] == b"\xf5x"
            and crc8(window[:-1]) == window[-1]
        ):
            break
    else:
        raise BoardError("the simulator answers nonsense")
    got, status = struct.unpack(">HB", window[2:5])
    if status == 2 or got != count:
        raise BoardError("the simulator refused the transfer")
    data = await reader.readexactly(count)
    if (await reader.readexactly(1))[0] != crc8(data):
        raise BoardError("damaged between simulator and us")
    return data


class StreamBus:
    """The bus over a byte stream. connect() is a coroutine function that gives (reader, writer)."""

    def __init__(self, connect, clock):
        self._connect = connect
        self._clock = clock
        self._streams = None

    async def transfer(self, data: bytes, gap_us: int) -> bytes:
        """Clock the bytes out and return as many that came in. Raises BoardError; the next transfer
        connects anew.
        """
        if not 0 < len(data) <= TRANSFER_MAX:
            raise BoardError("{} bytes in one transfer".format(len(data)))
        self._clock.hold()
        try:
            return await asyncio.wait_for(self._transfer(data, gap_us), ANSWER_S)
        except (OSError, EOFError, asyncio.TimeoutError) as error:
            self.close()
            raise (
                error
                if isinstance(error, BoardError)
                else BoardError(
                    "no answer on the bus: {}".format((error and trouble(error)) or "it was closed")
                )
            )
        finally:
            self._clock.release()

    async def _transfer(self, data, gap_us):
        if self._streams is None:
            self._streams = await self._connect()
        reader, writer = self._streams
        writer.write(encode_transfer(data, gap_us))
        await writer.drain()
        return await read_answer(reader, len(data))

    def close(self):
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class SimClock:
    """Wall and monotonic time of the simulator. Time moves only while every task of ours sleeps on
    this clock.

    One `until` is out at a time, for the earliest sleeper; a sleeper added meanwhile may wake late
    by what is left of it.
    """

    def __init__(self, connect):
        self._connect = connect
        self._streams = None
        self._lock = asyncio.Lock()
        self._sleepers = []  # heap of (µs, number, event)
        self._number = 0
        self._held = 0  # transfers being clocked
        self._stale = False  # a transfer moved time since it was asked
        self._wake = asyncio.Event()
        self._pump = None
        self._error = None
        self._sim_us = self._wall_us = 0
        self._synchronised: bool | None = None
        self._speed = 1.0
        self._speed_asked_us = 0

    async def start(self):
        """Connect and take part in the simulation. Raises BoardError when there is no simulator."""
        try:
            self._streams = await self._connect()
            await self._ask("join")
            await self._ask_speed()
            await self._ask_time("time")
        except (OSError, EOFError) as error:
            raise BoardError("no simulator for the clock: {}".format(trouble(error)))
        self._pump = asyncio.create_task(self._run())

    def close(self):
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    def wall(self) -> float:
        return self._wall_us / 1000000

    def monotonic(self) -> float:
        return self._sim_us / 1000000

    def synchronised(self) -> "bool | None":
        """Return what the simulator says of its wall clock, which no kernel knows; None when it
        says nothing.
        """
        return self._synchronised

    def boot(self) -> str:
        return "simulator"

    def real(self, seconds: float) -> float:
        """Return the real seconds that so many simulated ones take, at least REAL_MIN_S."""
        return max(seconds / self._speed, REAL_MIN_S)

    def hold(self):
        """A transfer begins: it moves time itself."""
        self._held += 1

    def release(self):
        self._held -= 1
        self._stale = True
        self._wake.set()

    async def sleep(self, seconds: float):
        if self._stale and not self._lock.locked():
            try:
                await self._ask_time("time")
            except (OSError, EOFError) as error:
                self._fail(error)
        await self.sleep_until(self.monotonic() + seconds)

    async def sleep_until(self, mono_s: float):
        """Return when simulated time has reached this; BoardError when the simulator has gone."""
        event = asyncio.Event()
        self._number += 1
        heappush(self._sleepers, (int(mono_s * 1000000 + 0.999), self._number, event))
        self._wake.set()
        try:
            if self._error is None:
                await event.wait()
        except asyncio.CancelledError:
            self._forget(event)
            raise
        if self._error is not None:
            raise BoardError("the simulator's clock has gone: {}".format(self._error))

    def _forget(self, event):
        kept = [sleeper for sleeper in self._sleepers if sleeper[2] is not event]
        self._sleepers = []
        for sleeper in kept:
            heappush(self._sleepers, sleeper)
        self._wake.set()

    async def _run(self):
        try:
            while True:
                await self._wake.wait()
                for _ in range(SETTLE_ROUNDS):
                    await asyncio.sleep(0)
                if self._held or not self._sleepers:
                    self._wake.clear()
                    continue
                await self._move()
        except (OSError, EOFError) as error:
            self._fail(error)

    async def _move(self):
        await self._ask_time("until {}".format(self._sleepers[0][0]))
        while self._sleepers and self._sleepers[0][0] <= self._sim_us:
            heappop(self._sleepers)[2].set()
        if self._sim_us - self._speed_asked_us > SPEED_EVERY_US:
            await self._ask_speed()

    def _fail(self, error):
        self._error = error
        while self._sleepers:
            heappop(self._sleepers)[2].set()

    async def _ask_speed(self):
        text = (await self._ask("speed"))[0]
        self._speed_asked_us = self._sim_us
        self._speed = 1e9 if text == "max" else max(float(text), 0.001)

    async def _ask_time(self, command):
        answer = await self._ask(command)
        self._sim_us, self._wall_us = int(answer[0]), int(answer[1])
        self._synchronised = answer[2] == "1" if len(answer) > 2 else None
        self._stale = False

    async def _ask(self, command):
        """Return the words behind `ok`."""
        async with self._lock:
            if self._streams is None:
                raise OSError("closed")
            reader, writer = self._streams
            writer.write(command.encode() + b"\n")
            await writer.drain()
            line = (await reader.readline()).decode()
        words = line.split()
        if words[:1] != ["ok"]:
            raise OSError(
                "{}: {}".format(command.split()[0], line.strip() or "the line was closed")
            )
        return words[1:]

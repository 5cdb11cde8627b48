# SPDX-License-Identifier: GPL-3.0-or-later
"""The UART board, generation 1: it only talks; what it said since the last poll is the reading."""

import asyncio

from flukso import uart
from flukso.boards import AWAY, Board, BoardError, Delta, Poll
from flukso.messages import trouble

READ_MAX = 256  # bytes at once; a line takes 120 ms at 4800 baud
SILENT_S = 30  # it says its power each second, and nothing for 20 s after a reset


class UartBoard(Board):
    """Listens to a serial line.

    open_line is a coroutine function that gives (reader, writer); indexes: sensor id -> index.
    """

    listens = True

    def __init__(self, open_line, clock, log, indexes):
        super().__init__()
        self._open_line = open_line
        self._clock = clock
        self._log = log
        self._indexes = indexes
        self._splitter = uart.Splitter()
        self._reader_task = None
        self._error = ""  # why the line ended
        self._heard = clock.monotonic()
        self._counters = {}  # index: (counter, board ms or None)
        self._powers = {}  # index: W, since the last poll
        self._pulsed = set()  # indexes with a pulse since the last poll
        self.strangers = 0  # lines of sensors that are not configured

    @property
    def faults(self):  # type: ignore[override]
        return self._splitter.bad

    async def identify(self):
        """Open the line when it is not open; the board says nothing of who it is."""
        if self._reader_task is None:
            try:
                reader, writer = await self._open_line()
            except (OSError, ValueError) as error:
                raise BoardError(str(error), getattr(error, "kind", AWAY))
            self._error = ""
            self._heard = self._clock.monotonic()
            self._reader_task = asyncio.create_task(self._listen(reader, writer))

    def describe(self) -> str:
        return "generation 1, listening"

    async def _listen(self, reader, writer):
        try:
            while True:
                data = await reader.read(READ_MAX)
                if not data:
                    raise OSError("the line was closed")
                for line in self._splitter.feed(data):
                    self._keep(line)
        except (OSError, EOFError) as error:
            self._error = trouble(error) or "the line was closed"
        finally:
            writer.close()

    def _keep(self, line):
        self._heard = self._clock.monotonic()
        if line.kind == "msg":
            self._log("notice", "the board says {}".format(line.text))
            return
        index = self._indexes.get(line.sensor)
        if index is None:
            self.strangers += 1
        elif line.kind == "pwr":
            self._powers[index] = line.power_w
        else:
            self._counters[index] = (line.counter, line.board_ms)
            self._pulsed.add(index)

    async def counters(self, sensors):
        self._check()
        return tuple(
            [(index, self._counters[index][0]) for index in sensors if index in self._counters]
        )

    async def poll(self, sensors, uart=b"") -> Poll:
        """Return what the board said since the last poll, a power before a pulse."""
        self.polls += 1
        self._check()
        deltas = []
        for index in sensors:
            counter, board_ms = self._counters.get(index, (None, None))
            if index in self._powers:
                deltas.append(Delta(index, counter, None, self._powers[index]))
            elif index in self._pulsed:
                deltas.append(Delta(index, counter, None, board_ms))
        self._powers.clear()
        self._pulsed.clear()
        return Poll(tuple(deltas), (), True)

    def _check(self):
        if self._error:
            self.close()
            raise BoardError(self._error)
        if self._clock.monotonic() - self._heard > SILENT_S:
            raise BoardError("no good line from the board for {} s".format(SILENT_S))

    def close(self):
        if self._reader_task is not None:
            self._reader_task.cancel()
            self._reader_task = None

# SPDX-License-Identifier: GPL-3.0-or-later
"""The board's UART (RS-485) offered on a Unix socket: bytes both ways, bounded (docs/daemon.md)."""

import asyncio

CLIENTS_MAX = 4
TO_BOARD_MAX = 1024  # bytes waiting for the board; more are refused by not reading on
READ_MAX = 256
CLOSE_ROUNDS = 20  # of 10 ms
EVERY_S = 0.1  # how often the board's UART is asked, as the historic router does: its buffer holds little more at 115200 baud


class Rs485:
    """Collects what clients send, hands out what the board received. A client that does not read is dropped."""

    def __init__(self, log):
        self._log = log
        self._clients = []
        self._tasks = 0  # connections being served
        self._queue = bytearray()
        self.sent = self.received = self.lost = 0  # bytes

    async def serve(self, reader, writer):
        """Serve one client until it closes."""
        if len(self._clients) >= CLIENTS_MAX:
            writer.close()
            return
        self._clients.append(writer)
        self._tasks += 1
        try:
            while True:
                data = await reader.read(READ_MAX)
                if not data:
                    return
                room = TO_BOARD_MAX - len(self._queue)
                self.lost += max(len(data) - room, 0)
                self._queue.extend(data[: max(room, 0)])
        except (OSError, EOFError):
            return
        finally:
            if writer in self._clients:
                self._clients.remove(writer)
            writer.close()
            self._tasks -= 1

    def take(self, most: int) -> bytes:
        """Return the next bytes for the board, at most so many."""
        data = bytes(self._queue[:most])
        self._queue[:most] = b""
        self.sent += len(data)
        return data

    async def give(self, data: bytes):
        """Hand the bytes that the board received to every client."""
        self.received += len(data)
        for writer in self._clients[:]:
            try:
                writer.write(data)
                await writer.drain()
            except OSError:
                self._clients.remove(writer)

    async def close(self):
        """Close every client's connection and let it be noticed."""
        for writer in self._clients[:]:
            writer.close()
        for _ in range(CLOSE_ROUNDS):
            if not self._tasks:
                return
            await asyncio.sleep(0.01)

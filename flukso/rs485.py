# SPDX-License-Identifier: GPL-3.0-or-later
"""Offers the board's UART (RS-485) on a Unix socket, bounded (docs/guide/daemon.md)."""

import asyncio

CLIENTS_MAX = 4
TO_BOARD_MAX = 1024  # bytes waiting for the board; more are lost
# bytes waiting for a client beyond what the system holds; one that lets more pile up is cut
TO_CLIENT_MAX = 4096
READ_MAX = 256
CLOSE_ROUNDS = 20  # of 10 ms
# how often the board's UART is asked, as the historic router does: its buffer holds little more at
# 115200 baud
EVERY_S = 0.1


class _Client:
    """One connection, and what waits for it."""

    def __init__(self, writer):
        self.writer = writer
        self.task = asyncio.current_task()
        self.waiting = bytearray()
        self.wake = asyncio.Event()


class Rs485:
    """Collects what clients send, and hands out what the board received.

    Nobody waits for a client: one that does not read is cut off.
    """

    def __init__(self, log):
        self._log = log
        self._clients = []
        self._tasks = 0  # connections being served
        self._queue = bytearray()
        self.lost = 0  # bytes for the board that found no room

    async def serve(self, reader, writer):
        """Serve one client until it closes, or is cut."""
        if len(self._clients) >= CLIENTS_MAX:
            writer.close()
            return
        client = _Client(writer)
        self._clients.append(client)
        self._tasks += 1
        sending = asyncio.create_task(self._send(client))
        try:
            while True:
                data = await reader.read(READ_MAX)
                if not data:
                    return
                room = TO_BOARD_MAX - len(self._queue)
                self.lost += max(len(data) - room, 0)
                self._queue.extend(data[: max(room, 0)])
        except (OSError, EOFError, asyncio.CancelledError):
            return
        finally:
            self._forget(client)
            sending.cancel()
            writer.close()
            self._tasks -= 1

    async def _send(self, client):
        try:
            while True:
                await client.wake.wait()
                client.wake.clear()
                data = bytes(client.waiting)
                client.waiting[:] = b""
                client.writer.write(data)
                await client.writer.drain()
        except OSError:
            client.task.cancel()

    def _forget(self, client):
        if client in self._clients:
            self._clients.remove(client)

    def next_bytes(self, most: int) -> bytes:
        """Return the next bytes for the board, at most so many."""
        data = bytes(self._queue[:most])
        self._queue[:most] = b""
        return data

    def hand_out(self, data: bytes):
        """Hand the bytes that the board received to every client."""
        for client in self._clients[:]:
            if len(client.waiting) + len(data) > TO_CLIENT_MAX:
                self._log("warning", "a client of the board's UART does not read: it is cut")
                self._forget(client)
                client.task.cancel()
            else:
                client.waiting.extend(data)
                client.wake.set()

    async def close(self):
        """Close every client's connection and let it be noticed."""
        for client in self._clients[:]:
            client.task.cancel()
        for _ in range(CLOSE_ROUNDS):
            if not self._tasks:
                return
            await asyncio.sleep(0.01)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The historic board on sockets: bus and control line as fluksosim offers them
(docs/contributing/simulator.md), with a clock of its own.

Its time stands still but for transfers, `advance`, and the drivers' `until`.
"""

import contextlib
import os
import selectors
import socket
import threading
import time
from collections import namedtuple

from tools.fakes.historic_board import HistoricBoard
from tools.harness import bus

BYTE_US = 16  # 8 bits at 500 kHz

Transfer = namedtuple("Transfer", "at_us real_s data")  # when it began on both clocks, bytes out


class _Client:
    def __init__(self, link, on_control):
        self.link, self.on_control, self.buffered = link, on_control, b""
        self.driver = False
        self.until_us: int | None = None


class OldBoard:
    """Serves from a thread; `bus_url` and `control_url` lie in the folder."""

    def __init__(self, folder, digits: int = 22, wall_s: float = 1_700_000_000.0):
        self.board = HistoricBoard(digits)
        self.bus_url = "unix:{}/bus".format(folder)
        self.control_url = "unix:{}/control".format(folder)
        self.transfers: list[Transfer] = []
        self._wall_us = int(wall_s * 1e6)
        # what stands behind the times that are told: nothing, or " 1" or " 0", whether the wall
        # clock is synchronised
        self._ntp = ""
        self._powered = True
        self._selector = selectors.DefaultSelector()
        self._clients: list[_Client] = []
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        self._listen(self.bus_url, False)
        self._listen(self.control_url, True)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._waker.close()
        self._thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _listen(self, url: str, on_control: bool) -> None:
        path = url.partition(":")[2]
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(8)
        self._selector.register(listener, selectors.EVENT_READ, on_control)

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._wake:
                    self._stop()
                    return
                if isinstance(key.data, bool):
                    self._accept(key.fileobj, key.data)
                else:
                    self._serve(key.data)
            self._move()

    def _stop(self) -> None:
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr] # all are sockets or pipes of ours
        self._selector.close()

    def _accept(self, listener, on_control: bool) -> None:
        link, _ = listener.accept()
        client = _Client(link, on_control)
        self._clients.append(client)
        self._selector.register(link, selectors.EVENT_READ, client)

    def _serve(self, client: _Client) -> None:
        try:
            data = client.link.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._forget(client)
            return
        client.buffered += data
        try:
            if client.on_control:
                self._lines(client)
            else:
                self._frames(client)
        except OSError:
            self._forget(client)

    def _forget(self, client: _Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
            self._selector.unregister(client.link)
            client.link.close()

    # the bus

    def _frames(self, client: _Client) -> None:
        while True:
            data, gap_us, client.buffered = bus.next_request(client.buffered)
            if data is None:
                return
            if not data:
                client.link.sendall(bus.answer_frame(b"", bus.MALFORMED))
            elif not self._powered:
                client.link.sendall(bus.answer_frame(b"\xff" * len(data), bus.NO_POWER))
            else:
                client.link.sendall(bus.answer_frame(self._clock(data, gap_us), bus.DONE))

    def _clock(self, data: bytes, gap_us: int) -> bytes:
        self.transfers.append(Transfer(self.board.now_us, time.monotonic(), data))
        read = []
        for mosi in data:
            self.board.advance(self.board.now_us + BYTE_US)
            read.append(self.board.byte(mosi))
            self.board.advance(self.board.now_us + gap_us)
        return bytes(read)

    # the control line

    def _lines(self, client: _Client) -> None:
        while b"\n" in client.buffered:
            line, _, client.buffered = client.buffered.partition(b"\n")
            words = line.decode("latin-1").split()
            try:
                answer = self._obey(client, words)
            except (ValueError, IndexError, KeyError) as error:
                answer = "err {}".format(error)
            if answer is not None:
                client.link.sendall((answer + "\n").encode())

    def _time(self) -> str:
        return "ok {} {}{}".format(self.board.now_us, self._wall_us + self.board.now_us, self._ntp)

    def _obey(self, client: _Client, words: list[str]) -> str | None:
        """The answer, or None when it comes later."""
        word, args = words[0], words[1:]
        if word == "time":
            return self._time()
        if word in ("join", "leave"):
            client.driver = word == "join"
            return "ok"
        if word == "until":
            client.until_us = int(args[0])
            return None
        if word == "advance":
            client.until_us = self.board.now_us + int(float(args[0]) * 1e6)
            return None
        if word == "speed":
            return "ok max"
        if word == "counters":
            return "ok " + " ".join(str(counter) for counter in self.board.counter)
        if word == "spi":
            return "ok " + self._clock(bytes.fromhex(args[0]), int(args[1])).hex()
        return self._act(word, args)

    def _act(self, word: str, args: list[str]) -> str:
        board = self.board
        if word == "wall":
            self._wall_us = int(float(args[0]) * 1e6) - board.now_us
            self._ntp = self._ntp and " 0"  # as a kernel whose clock somebody sets
        elif word == "ntp":
            self._ntp = {"1": " 1", "0": " 0", "unknown": ""}[args[0]]
        elif word == "clamp":
            board.watt[int(args[0])] = float(args[1])
        elif word == "pulse":
            board.pulse(3 + int(args[0]), int(args[1]), int(args[2]) if args[2:] else 100_000)
        elif word == "reset":
            board.reset()
        elif word == "cut":
            board.brown_out()
            self._powered = False
        elif word == "power":
            board.reset()
            self._powered = True
        else:
            raise ValueError("unknown command")
        return "ok"

    def _move(self) -> None:
        """Let time reach the earliest `until`, once every driver waits."""
        waiting = [client for client in self._clients if client.until_us is not None]
        if not waiting or any(
            client.driver and client.until_us is None for client in self._clients
        ):
            return
        when_us = min(client.until_us for client in waiting if client.until_us is not None)
        self.board.advance(max(when_us, self.board.now_us))
        for client in waiting:
            if client.until_us is not None and client.until_us <= self.board.now_us:
                client.until_us = None
                with contextlib.suppress(OSError):
                    client.link.sendall((self._time() + "\n").encode())

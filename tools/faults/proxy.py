# SPDX-License-Identifier: GPL-3.0-or-later
"""The way between device and server, with a fault of one's choice: a TCP proxy that knows nothing
of TLS.
"""

import contextlib
import os
import selectors
import socket
import struct
import threading
import time
from collections import namedtuple

# up, down: bytes that may pass on a connection to the server, to the device; None: all. then: what
# happens at the limit. rate: bytes a second towards the device
Rules = namedtuple("Rules", "up down then rate")
OPEN = Rules(None, None, "stall", None)
CHUNK = 16384
TICK_S = 0.02


def reset(link: socket.socket) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def fill(family, address) -> list[socket.socket]:
    """Fill the queue of a listener with no backlog: the kernel drops all further packets that would
    open a connection.
    """
    fillers = []
    for _ in range(4):
        filler = socket.socket(family)
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect(address)
        fillers.append(filler)
    return fillers


class BlackHole:
    """Swallows whatever would connect to this port of ::1."""

    def __init__(self, port: int):
        listener = socket.socket(socket.AF_INET6)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::1", port))
        listener.listen(0)
        self._sockets = [listener, *fill(socket.AF_INET6, ("::1", port))]

    def close(self) -> None:
        for each in self._sockets:
            each.close()


class _Pair:
    """Two ends of one connection through the proxy."""

    def __init__(self, device, server, rules):
        self.device, self.server, self.rules = device, server, rules
        self.passed = {"up": 0, "down": 0}
        self.began_s = time.monotonic()

    def allowance(self, way) -> int:
        """How many bytes may pass now."""
        limit = self.rules.up if way == "up" else self.rules.down
        left = CHUNK if limit is None else limit - self.passed[way]
        if way == "down" and self.rules.rate is not None:
            left = min(
                left, int((time.monotonic() - self.began_s) * self.rules.rate) - self.passed[way]
            )
        return max(0, min(left, CHUNK))


class Proxy:
    """Listens on 127.0.0.1; `rules` hold for new connections, `cut` and the others for all."""

    def __init__(self, server_port: int):
        self.rules = OPEN
        self._server_port = server_port
        self._selector = selectors.DefaultSelector()
        self._pairs: list[_Pair] = []
        self._fillers: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._address = ("127.0.0.1", 0)
        self._lock = threading.RLock()
        self._stopping = False
        self.up()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._address[1]

    def up(self, backlog: int = 64) -> None:
        with self._lock:
            if self._listener is None:
                listener = socket.socket()
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(self._address)
                listener.listen(backlog)
                listener.setblocking(False)
                self._address, self._listener = listener.getsockname()[:2], listener
                if backlog:
                    self._selector.register(listener, selectors.EVENT_READ, None)

    def down(self) -> None:
        """Refuse connections; those that are open go on."""
        with self._lock:
            listener, self._listener = self._listener, None
            for filler in self._fillers:
                filler.close()
            self._fillers = []
            if listener is not None:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(listener)
                listener.close()

    def black_hole(self) -> None:
        """Swallow all packets that would open a connection."""
        with self._lock:
            self.down()
            self.up(backlog=0)
            self._fillers = fill(socket.AF_INET, self._address)

    def mute(self) -> None:
        """Nothing passes any more on the connections that are open."""
        with self._lock:
            for pair in self._pairs:
                pair.rules = Rules(0, 0, "stall", None)

    def cut(self, hard: bool = True) -> None:
        """End all connections, with a reset or with a FIN."""
        with self._lock:
            for pair in list(self._pairs):
                self._end(pair, hard)

    def close(self) -> None:
        self._stopping = True
        self._thread.join(5)
        self.down()
        self.cut()
        self._selector.close()

    def _run(self) -> None:
        while not self._stopping:
            time.sleep(0.001)
            with self._lock:
                for key, _ in self._selector.select(0):
                    if key.data is None:
                        self._accept()
                    elif key.data[0] in self._pairs:
                        self._forward(*key.data)
            time.sleep(TICK_S if not self._pairs else 0.001)

    def _accept(self) -> None:
        assert self._listener is not None
        device, _ = self._listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port), 5)
        except OSError:
            device.close()
            return
        pair = _Pair(device, server, self.rules)
        if self.rules.then == "reset" and self.rules.up == 0:
            reset(device)
            server.close()
            return
        self._pairs.append(pair)
        for way, link in (("up", device), ("down", server)):
            self._selector.register(link, selectors.EVENT_READ, (pair, way))

    def _forward(self, pair: _Pair, way: str) -> None:
        source, target = (pair.device, pair.server) if way == "up" else (pair.server, pair.device)
        allowed = pair.allowance(way)
        if not allowed:
            self._at_the_limit(pair, way)
            return
        try:
            data = source.recv(allowed)
            if data:
                target.setblocking(True)
                target.settimeout(5)
                target.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._end(pair, hard=False)
            return
        pair.passed[way] += len(data)

    def _at_the_limit(self, pair: _Pair, way: str) -> None:
        limit = pair.rules.up if way == "up" else pair.rules.down
        if limit is None or pair.passed[way] < limit:
            return  # only slow
        if pair.rules.then == "reset":
            self._end(pair, hard=True)
        elif pair.rules.then == "close":
            self._end(pair, hard=False)
        else:
            link = pair.device if way == "up" else pair.server
            if link.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                self._end(pair, hard=False)  # the other end has given up

    def _end(self, pair: _Pair, hard: bool) -> None:
        for link in (pair.device, pair.server):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(link)
        if hard:
            reset(pair.device)
        pair.device.close()
        pair.server.close()
        if pair in self._pairs:
            self._pairs.remove(pair)


class DeafNameServer:
    """Takes DNS questions on port 53 and never answers; needs a network namespace of one's own."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))

    def close(self) -> None:
        self._socket.close()


def isolated() -> bool:
    """In namespaces of our own, so that files in /etc may be covered and port 53 is free."""
    return os.environ.get("FLUKSO_FAULTS_ISOLATED") == "1"

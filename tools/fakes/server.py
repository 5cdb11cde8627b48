# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTPS server that plays the cloud API (docs/design/protocols.md §3), remembers what it got,
and misbehaves on command.

In-process: `with Server(pem, devices) as server:`. As a program: `python -m tools.fakes.server
--pem FILE --device ID:KEY`, commands as JSON lines on its standard input, one JSON line each as
answer: see server_commands.py.
"""

import contextlib
import os
import socket
import ssl
import threading
import time

from tools.fakes import misbehaviour
from tools.fakes.misbehaviour import CLOSING, FORMS, Fault
from tools.fakes.server_store import Answer, Request, Store

HEAD_LIMIT = 16 * 1024
READ_LIMIT = 1024 * 1024  # more than a device may send, so that the store can say so
STALL_LOOK_S = 0.02  # real seconds between two looks whether a stall is over
IDLE_S = 120  # real seconds; a connection of ours is never quieter in a test


class Gone(Exception):
    """The client has closed the connection."""


class Server:
    """Listens on 127.0.0.1 from the start; everything public may be used from any thread."""

    def __init__(
        self,
        pem,
        devices,
        *,
        sensors=None,
        historic=False,
        port=0,
        wall=time.time,
        host="127.0.0.1",
    ):
        self.store = Store(devices, sensors, historic, wall)
        self.requests: list[
            Request
        ] = []  # those that were read whole, also when they were answered badly
        self.stalls: list[
            tuple[float, float]
        ] = []  # by the monotonic clock, from when to when a client was kept waiting
        self.handshakes = self.refused_handshakes = self.connections = 0
        self._lock = threading.RLock()
        self._faults: list[Fault] = []
        self._release = threading.Event()
        self._open: set = set()
        self._threads: list[threading.Thread] = []
        self._address = (host, port)
        self._listener: socket.socket | None = None
        self._stopping = False
        self.use_certificate(pem)
        self.up()

    # what tests say

    @property
    def port(self) -> int:
        return self._address[1]

    @property
    def url(self) -> str:
        return "https://localhost:{}/".format(self.port)

    def use_certificate(self, pem) -> None:
        """For connections from now on; those open are closed, as a restart of the server would."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(pem))
        with self._lock:
            self._context = context
        self.drop_connections()

    def misbehave(self, name, at="answer", times=None, **options) -> None:
        """From now on, or the next `times` times; a new fault comes before those already set.
        Names: see `_strike`.
        """
        with self._lock:
            self._faults.insert(0, Fault(name, at, options, times))

    def behave(self) -> None:
        """End all faults; what stalls is closed."""
        with self._lock:
            self._faults.clear()
            self._release.set()
            self._release = threading.Event()

    def down(self) -> None:
        """Refuse connections and close those that are open."""
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
            listener.close()
        self.drop_connections()

    def up(self) -> None:
        if self._listener is not None:
            return
        listener = socket.create_server(self._address, backlog=64)
        self._address = listener.getsockname()[:2]
        self._listener = listener
        self._start(self._accept, listener)

    def drop_connections(self) -> None:
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                # not SSLSocket's: its thread is reading
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def held(self, sensor) -> list[tuple[int, int]]:
        """The tuples of a sensor, oldest first."""
        with self._lock:
            return sorted(self.store.held.get(sensor, {}).items())

    def close(self) -> None:
        self._stopping = True
        self.behave()
        self.down()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # how it serves

    def _start(self, target, *args) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number, context = self.connections, self._context
                self._open.add(connection)
            self._start(self._connection, connection, number, context)

    def _connection(self, raw, number, context) -> None:
        connection = raw
        try:
            raw.settimeout(IDLE_S)
            fault = self._due("connect")
            if fault is not None and self._strike(raw, fault, None):
                return
            connection = self._handshake(raw, context)
            self._talk(connection, number)
        except (Gone, OSError):
            pass
        except ValueError as error:  # not HTTP at all
            with self._lock:
                self.store.violations.append("unreadable request: {}".format(error))
        finally:
            with self._lock:
                self._open.discard(raw)
                self._open.discard(connection)
            connection.close()

    def _handshake(self, raw, context):
        try:
            connection = context.wrap_socket(raw, server_side=True)
        except OSError:
            with self._lock:
                self.refused_handshakes += 1
            raise
        with self._lock:
            self.handshakes += 1
            self._open.discard(raw)
            self._open.add(connection)
        return connection

    def _talk(self, connection, number) -> None:
        buffered = b""
        while not self._stopping:
            fault = self._due("request")
            if fault is not None and self._strike(connection, fault, None):
                return
            request, buffered = self._read(connection, number, buffered)
            if not self._answer(connection, request):
                return

    def _answer(self, connection, request: Request) -> bool:
        """True when the connection goes on."""
        with self._lock:
            self.requests.append(request)
            fault = self._due("instead", request) or self._due("answer", request)
            if fault is None or fault.at == "answer":
                answer = self.store.answer(request)
            else:
                answer = misbehaviour.status_answer(fault.options)
        if fault is not None:
            return not self._strike(connection, fault, answer)
        connection.sendall(misbehaviour.plain(answer))
        return request.headers.get("connection", "").lower() != "close"

    def _due(self, at, request=None) -> Fault | None:
        """The first fault set for this place; its times are counted down."""
        with self._lock:
            for n, fault in enumerate(self._faults):
                wanted = fault.options.get("path", "")
                if fault.at != at or (request is not None and not request.path.startswith(wanted)):
                    continue
                if fault.times is not None:
                    self._faults[n : n + 1] = (
                        [fault._replace(times=fault.times - 1)] if fault.times > 1 else []
                    )
                return fault
        return None

    def _strike(self, connection, fault: Fault, answer: Answer | None) -> bool:
        """Do what the fault says; True when the connection is to be closed.

        stall (after `sent` bytes of the answer), delay (`seconds`), reset, close, status (`status`,
        `headers`), stray (an answer that nobody asked for after the right one, in 1 or 2 `records`;
        what is asked then on this connection is a violation), the forms chunked, lower-case,
        no-length, close-keep-alive, slow (`seconds` a byte), and the broken ones of
        misbehaviour.py.
        """
        whole = b"" if answer is None else misbehaviour.plain(answer)
        if fault.name == "stall":
            connection.sendall(whole[: fault.options.get("sent", 0)])
            self._stall(connection)
            return True
        if fault.name == "reset":
            misbehaviour.reset(connection)
            return True
        if fault.name == "close":
            return True
        if fault.name == "delay":
            self._release.wait(fault.options["seconds"])
            connection.sendall(whole)
            return False
        if answer is None:
            raise ValueError("{} needs a request".format(fault.name))
        if fault.name == "stray":
            self._stray(connection, whole, fault.options.get("records", 1))
            return True
        if fault.name == "status":
            answer = misbehaviour.status_answer(fault.options)
        self._send(connection, fault, answer)
        return fault.name in CLOSING

    def _stall(self, connection) -> None:
        """Say nothing until all faults end or the client has gone."""
        began_s = time.monotonic()
        try:
            with socket.socket(
                fileno=os.dup(connection.fileno())
            ) as raw:  # below TLS, which is not asked any more
                raw.settimeout(STALL_LOOK_S)
                while not self._release.is_set():
                    with contextlib.suppress(TimeoutError):
                        if not raw.recv(4096):
                            break
        finally:
            self.stalls.append((began_s, time.monotonic()))

    def _stray(self, connection, whole, records) -> None:
        stray = misbehaviour.plain(Answer(200, {}, b'{"response":"ok"}'))
        for data in (whole + stray,) if records == 1 else (whole, stray):
            connection.sendall(data)
        if connection.recv(1):
            with self._lock:
                self.store.violations.append(
                    "a request on a connection that had given an answer too many"
                )

    def _send(self, connection, fault: Fault, answer: Answer) -> None:
        if fault.name == "slow":
            for byte in misbehaviour.plain(answer):
                connection.sendall(bytes([byte]))
                self._release.wait(fault.options.get("seconds", 0.01))
        elif fault.name == "status":
            connection.sendall(misbehaviour.plain(answer))
        elif fault.name in FORMS:
            connection.sendall(FORMS[fault.name](answer))
        else:
            connection.sendall(misbehaviour.broken(fault.name, answer))

    def _read(self, connection, number, buffered) -> tuple[Request, bytes]:
        """One request and what was read beyond it."""
        while b"\r\n\r\n" not in buffered:
            if len(buffered) > HEAD_LIMIT:
                raise Gone
            buffered += self._receive(connection)
        text, _, rest = buffered.partition(b"\r\n\r\n")
        lines = text.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = min(int(headers.get("content-length", "0")), READ_LIMIT)
        while len(rest) < length:
            rest += self._receive(connection)
        return Request(method, path, headers, rest[:length], number), rest[length:]

    @staticmethod
    def _receive(connection) -> bytes:
        data = connection.recv(65536)
        if not data:
            raise Gone
        return data


if __name__ == "__main__":
    from tools.fakes.server_commands import main

    raise SystemExit(main())

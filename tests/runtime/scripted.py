# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS server that plays a script a connection, to the byte and to the record; what it does is in
order, never by the clock.
"""

import contextlib
import socket
import ssl
import threading

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"response":"ok"}'
NO = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
LIMIT_S = 30  # a client that never comes fails the test and leaves no thread


def server_context(pem) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(pem))
    return context


class Scripted:
    """`scripts`: for each connection a function that takes this object and the socket, a plain one
    without context; then it is closed.
    """

    def __init__(self, context, *scripts, receive_buffer=None):
        self._context = context
        self._scripts = list(scripts)
        self.failed = None
        self.accepted = 0
        self.bodies = []  # of the requests that were read
        self._listener = socket.socket()
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(8)
        self._listener.settimeout(LIMIT_S)
        self.url = "https://localhost:{}/".format(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        for script in self._scripts:
            try:
                plain = self._listener.accept()[0]
            except OSError:
                return
            self.accepted += 1
            plain.settimeout(LIMIT_S)
            try:
                link = (
                    self._context.wrap_socket(plain, server_side=True) if self._context else plain
                )
                with link:
                    script(self, link)
            except OSError as error:
                self.failed = error

    def request(self, secure) -> bytes:
        """Read one request; return its body, b"" at the end."""
        received = b""
        while b"\r\n\r\n" not in received:
            more = secure.recv(65536)
            if not more:
                return b""
            received += more
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += secure.recv(65536)
        self.bodies.append(body)
        return body

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(LIMIT_S)

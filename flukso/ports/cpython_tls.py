# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS on CPython: the one context in which we speak it, and links for an Exchange that block until
a deadline.
"""

import fcntl
import select
import socket
import ssl
import struct
import termios
import time

from flukso import exchange
from flukso.http import Closed
from flukso.https import (
    CERTIFICATE,
    NO_COMMON,
    NO_TLS,
    PROTOCOL,
    TIMEOUT,
    TOO_OLD,
    UNREACHABLE,
    HttpsError,
)
from flukso.ports.cpython_ca import read_ca_file

CHUNK = 4096  # bytes of an answer read at once
QUICKACK = getattr(socket, "TCP_QUICKACK", 12)  # what came is confirmed at once
# while sending, a reset is an EOF
GONE = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)

# X.509 verification errors of OpenSSL (x509_vfy.h) in words
REFUSALS = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed, not by the CA in {cacert}",
    19: "it is not signed by the CA in {cacert}",
    20: "it is not signed by the CA in {cacert}",
    21: "it is not signed by the CA in {cacert}",
    62: "it is for another host name than {host}",
    64: "it is for another address than {host}",
}
DATES = (9, 10)  # of several reasons OpenSSL gives the first, and looks at dates last
OLD_VERSION = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "VERSION_TOO_LOW")


def client_context(cacert: str) -> ssl.SSLContext:
    """Return the one way in which we speak TLS: the server proves its name with a certificate of
    this CA file, from TLS 1.2 on.

    Any certificate of the file is trusted, also one that another one signed, as on the other
    interpreter.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    certificates = read_ca_file(cacert)
    context.load_verify_locations(cadata=b"".join(certificates.good))
    return context


class Way:
    """The way to one server (flukso/exchange.py); deadline bounds everything, interrupt() ends it
    from another thread.
    """

    def __init__(self, url, cacert):
        self.host, self.port = url.host, url.port
        self.deadline = 0.0
        self._cacert = cacert
        self._sock: socket.socket | None = None
        self._ended = False

    def monotonic(self):
        return time.monotonic()

    async def addresses(self):
        try:
            return [
                (info[0], info[4])
                for info in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            ]
        except (OSError, UnicodeError):
            return []

    async def connect(self, address, share_s):
        begun = time.monotonic()
        until = min(begun + share_s, self.deadline)
        sock = self._sock = socket.socket(address[0], socket.SOCK_STREAM)
        try:
            if self._ended:
                raise TimeoutError
            sock.settimeout(max(0.001, until - time.monotonic()))
            sock.connect(address[1])
            rtt_s = time.monotonic() - begun
        except OSError as error:
            sock.close()
            why = (
                "no answer"
                if isinstance(error, TimeoutError)
                else (error.strerror or str(error)).lower()
            )
            raise HttpsError(
                UNREACHABLE, "{}:{} cannot be reached: {}".format(self.host, self.port, why)
            )
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            secure = self._sock = self._context().wrap_socket(
                sock, server_hostname=self.host, do_handshake_on_connect=False
            )
        except (OSError, ValueError) as error:
            sock.close()
            if isinstance(error, HttpsError):
                raise
            raise HttpsError(PROTOCOL, "TLS with {} cannot begin: {}".format(self.host, error))
        link = Link(self, secure, rtt_s)
        try:
            link.shake_hands(until)
        except BaseException:
            link.close()
            raise
        return link

    def _context(self):
        """Return the context with the CA file as it is now."""
        try:
            return client_context(self._cacert)
        except (OSError, ValueError) as error:
            raise HttpsError(
                CERTIFICATE, "the CA file {} cannot be used: {}".format(self._cacert, error)
            )

    def interrupt(self):
        """Make whatever waits on the socket fail now, and all that would be opened."""
        self._ended = True
        sock = self._sock
        if sock is not None:
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already, or not connected yet

    def https_error(self, error) -> HttpsError:
        """Return the HttpsError that says this in words."""
        if isinstance(error, HttpsError):
            return error
        if isinstance(error, ssl.SSLCertVerificationError):
            why = REFUSALS.get(error.verify_code, error.verify_message).format(
                cacert=self._cacert, host=self.host
            )
            return HttpsError(
                CERTIFICATE,
                "the certificate of {} is refused: {}".format(self.host, why),
                error.verify_code in DATES,
            )
        if isinstance(error, GONE):
            return Closed(str(error))
        if isinstance(error, TimeoutError):
            return HttpsError(TIMEOUT, "no whole answer from {} in time".format(self.host))
        why = getattr(error, "reason", None) or str(error)
        if why in OLD_VERSION:
            why = TOO_OLD
        elif why == "WRONG_VERSION_NUMBER":
            why = NO_TLS
        elif why == "SSLV3_ALERT_HANDSHAKE_FAILURE":
            why = NO_COMMON
        return HttpsError(PROTOCOL, "TLS with {} failed: {}".format(self.host, why))


class Link(exchange.Link):
    """One verified connection. What is async here never waits for the event loop: it blocks, until
    the way's deadline.
    """

    def __init__(self, way, sock, rtt_s):
        self._way = way
        self._sock = sock
        self.rtt_s = rtt_s

    def shake_hands(self, until):
        self._patiently(until, self._sock.do_handshake)

    async def write(self, data):
        view = memoryview(data)
        while view:
            view = view[self._patiently(self._way.deadline, self._sock.send, view) :]

    async def read(self):
        return self._patiently(self._way.deadline, self._sock.recv, CHUNK)

    async def early(self, seconds):
        until = time.monotonic() + seconds
        try:
            if seconds:
                self._sock.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
            while True:
                try:
                    return self._sock.recv(CHUNK)
                except ssl.SSLWantReadError:
                    pass  # a session ticket may have come, or part of something
                if not _wait(self._sock, select.POLLIN, until):
                    return None
        except OSError:
            return b""

    def sent(self):
        try:
            return (
                struct.unpack("i", fcntl.ioctl(self._sock.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
                == 0
            )
        except OSError:
            return True  # no such question on this system

    def close(self):
        self._sock.close()

    def _patiently(self, until, action, *arguments):
        """Return what the action gives, waiting for the socket as it asks. Raises HttpsError."""
        while True:
            try:
                return action(*arguments)
            except ssl.SSLWantReadError:
                wanted = select.POLLIN
            except ssl.SSLWantWriteError:
                wanted = select.POLLOUT
            except (OSError, ValueError) as error:
                raise self._way.https_error(error)
            if not _wait(self._sock, wanted, until):
                raise self._way.https_error(TimeoutError())


def _wait(sock, wanted, until):
    """Return whether the socket is ready, or has failed, by then."""
    poll = select.poll()
    poll.register(sock.fileno(), wanted)
    return bool(poll.poll(max(0.0, until - time.monotonic()) * 1000))

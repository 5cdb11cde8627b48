# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS on MicroPython: our module `tls` verifies chain, name and dates; every socket is closed by
hand, as its finaliser would not.
"""

import asyncio
import errno
import posix

import tls

from flukso.exchange import Addresses, Exchange, Link
from flukso.http import Closed
from flukso.https import (
    CERTIFICATE,
    NO_COMMON,
    NO_TLS,
    PROTOCOL,
    TIMEOUT,
    TOO_NEW,
    UNREACHABLE,
    HttpsError,
    ca_file_words,
    parse_url,
)
from flukso.ports.micropython_streams import addresses, connect, readable, writable

CHUNK = 1024  # bytes of an answer read at once

# flags of mbedtls's verdict, and what they mean; the first one counts
EXPIRED, OTHER_NAME, NOT_TRUSTED, FUTURE, WEAK = 0x01, 0x04, 0x08, 0x200, 0x1C000
REFUSALS = (
    (NOT_TRUSTED, "it is not signed by the CA in {cacert}"),
    (OTHER_NAME, "it is for another host name than {host}"),
    (WEAK, "its signature or its key is of a kind that is not accepted any more"),
    (FUTURE, "it is not valid yet"),
    (EXPIRED, "it has expired"),
)
# codes of mbedtls
VERIFY_FAILED, NO_CA_FILE, ALERT, BAD_VERSION = -0x2700, -0x2900, -0x7780, -0x6E80
TLS_EOF = -0x7280  # the other end closed without a word
NO_MEMORY = (errno.ENOMEM, -0x7F00, -0x2880)
NO_RECORD = (-0x7200, -0x7100, -0x7300)  # what came is no TLS
ALERT_VERSION, ALERT_HANDSHAKE = 70, 40  # RFC 5246 §7.2
TCP, QUICKACK = 6, 12  # Linux: what came is confirmed at once
EPIPE = 32  # on every Linux; the errno module lacks it
OTHER_KIND = "its certificate has a key or a signature of a kind that this runtime does not have"
MBEDTLS = {  # errors without their low part, which says where in the certificate or the cipher
    0x2600: OTHER_KIND,
    0x3A00: OTHER_KIND,
    0x3C80: OTHER_KIND,
    0x6600: "it sends a value that makes no sense",
    0x6E00: "the two have no cipher, curve or signature in common",
    0x7180: "what it sends was changed on its way",
    0x7700: "it sends something at the wrong time",
    0x7A00: "its certificate cannot be read",
}
GONE = (errno.ECONNRESET, EPIPE, errno.ENOTCONN, errno.EBADF, TLS_EOF)


def check_cacert(cacert: str) -> str:
    """Return what is wrong with a CA file that can be used all the same, "" when nothing is. Raises
    OSError when it cannot be used.
    """
    return ca_file_words(cacert, *tls.check(cacert))


class _Link(Link):
    """One TLS connection; reads and writes wait on the socket below it."""

    def __init__(self, way, sock, rtt_s):
        self._way = way
        self._sock = sock
        self.rtt_s = rtt_s
        self._tls = tls.connect(sock.fileno(), way.host, way.cacert)

    async def shake_hands(self):
        await self._until(self._tls.handshake)

    async def write(self, data):
        view = memoryview(data)
        while view:
            view = view[await self._until(self._tls.write, view) :]

    async def read(self):
        return await self._until(self._tls.read, CHUNK)

    async def _until(self, action, *arguments):
        """Return what the action gives once it need not wait. Raises HttpsError."""
        while True:
            try:
                result = action(*arguments)
            except OSError as error:
                raise self._way.https_error(error)
            if result or result == b"":
                return result
            await (writable(self._sock) if self._tls.wants_write() else readable(self._sock))

    async def early(self, seconds):
        until = posix.monotonic() + seconds
        try:
            if seconds:
                self._sock.setsockopt(TCP, QUICKACK, 1)
            while True:
                data = self._tls.read(CHUNK)
                left_s = until - posix.monotonic()
                if data is not None or left_s <= 0:
                    return data
                await asyncio.wait_for(readable(self._sock), left_s)
        except asyncio.TimeoutError:
            return None
        except OSError:
            return b""

    def sent(self):
        return posix.unsent(self._sock.fileno()) == 0

    def close(self):
        try:
            self._tls.close()
        finally:
            self._sock.close()


class _Way:
    """The way to one server (flukso/exchange.py)."""

    def __init__(self, url, cacert):
        self.host, self.port = url.host, url.port
        self.cacert = cacert

    def monotonic(self):
        return posix.monotonic()

    async def addresses(self):
        return await addresses(self.host, self.port)

    async def connect(self, address, share_s):
        begun = posix.monotonic()
        try:
            sock = await asyncio.wait_for(connect(address), share_s)
        except asyncio.TimeoutError:
            raise self._unreachable("no answer")
        except OSError as error:
            raise self._unreachable(_in_words(error.errno))
        link = None
        try:
            passed_s = posix.monotonic() - begun
            link = _Link(self, sock, passed_s)
            await asyncio.wait_for(link.shake_hands(), max(0.001, share_s - passed_s))
            return link
        except BaseException as error:
            (link or sock).close()
            if isinstance(error, asyncio.TimeoutError):
                raise HttpsError(TIMEOUT, "no whole answer from {} in time".format(self.host))
            if isinstance(error, OSError):
                raise self.https_error(error)
            raise

    def _unreachable(self, why):
        return HttpsError(
            UNREACHABLE, "{}:{} cannot be reached: {}".format(self.host, self.port, why)
        )

    def https_error(self, error):
        """Return the HttpsError that says this OSError in words."""
        if isinstance(error, HttpsError):
            return error
        number, detail = (error.args + (0, 0))[:2]
        if number == VERIFY_FAILED:
            text = "the certificate of {} is refused: {}".format(self.host, self._verdict(detail))
            return HttpsError(CERTIFICATE, text, not detail & ~(FUTURE | EXPIRED))
        if number == NO_CA_FILE:
            return HttpsError(
                CERTIFICATE,
                "the CA file {} cannot be used: {}".format(self.cacert, _in_words(detail)),
            )
        if number in GONE:
            return Closed(_in_words(number))
        if number in NO_MEMORY:
            return HttpsError(UNREACHABLE, "no memory for a request to {}".format(self.host))
        why = _in_words(number)
        if number == BAD_VERSION or (number == ALERT and detail == ALERT_VERSION):
            why = TOO_NEW
        elif number in NO_RECORD:
            why = NO_TLS
        elif number == ALERT and detail == ALERT_HANDSHAKE:
            why = NO_COMMON
        elif number == ALERT:
            why = "it ends the handshake by alert {}".format(detail)
        return HttpsError(PROTOCOL, "TLS with {} failed: {}".format(self.host, why))

    def _verdict(self, flags):
        for flag, why in REFUSALS:
            if flags & flag:
                return why.format(cacert=self.cacert, host=self.host)
        return "mbedtls's flags are 0x{:x}".format(flags)


class Https:
    """A verified connection to one server, kept alive between requests. One request at a time."""

    def __init__(self, base_url, cacert, clock):
        """Raises ValueError for a URL that is not https, OSError for an unusable CA file."""
        self._url = parse_url(base_url)
        self._clock = clock
        self.warning = check_cacert(cacert)
        self._exchange = Exchange(_Way(self._url, cacert), Addresses())

    def close(self):
        """Close the connection."""
        self._exchange.close()

    async def request(self, method: str, path: str, headers: dict, body: bytes, timeout_s: float):
        """Return the server's Answer to a path (absolute, without host). Raises HttpsError and
        nothing else.

        It ends within timeout_s of the clock, whatever the server does. Nothing is sent before the
        server's certificate is verified.
        """
        timeout_s = self._clock.real(timeout_s)
        try:
            return await asyncio.wait_for(
                self._exchange.request(method, path, headers, body, posix.monotonic() + timeout_s),
                timeout_s,
            )
        except asyncio.TimeoutError:
            self.close()
            raise HttpsError(TIMEOUT, "no whole answer from {} in time".format(self._url.host))
        except MemoryError:
            raise HttpsError(UNREACHABLE, "no memory for a request to {}".format(self._url.host))
        except HttpsError:
            raise
        except OSError as error:
            raise HttpsError(
                UNREACHABLE, "no way to {}: {}".format(self._url.host, _in_words(error.errno))
            )


def _in_words(number):
    """Return an OSError's number as its name."""
    words = {
        errno.ECONNREFUSED: "connection refused",
        errno.EHOSTUNREACH: "no route to host",
        errno.ETIMEDOUT: "no answer",
        errno.ENOENT: "it is missing",
        errno.ECONNRESET: "connection reset",
        EPIPE: "connection reset",
        TLS_EOF: "in the handshake",
    }
    if number in words:
        return words[number]
    if isinstance(number, int) and number < 0:
        what = MBEDTLS.get(-number & ~0x7F, "it speaks TLS in a way that is not understood")
        return "{} (mbedtls -0x{:04x})".format(what, -number)
    return "error {}".format(number)


def open_https(base_url, cacert, clock) -> Https:
    """Return the connection to the server; opened when first used."""
    return Https(base_url, cacert, clock)

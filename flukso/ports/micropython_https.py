# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS on MicroPython: mbedtls verifies chain, name and dates; every socket is closed by hand, as its finaliser would not."""

import asyncio
import binascii
import errno
import posix

import tls

from flukso.https import CERTIFICATE, PROTOCOL, TIMEOUT, UNREACHABLE, HttpsError, parse_url
from flukso.ports.micropython import read_file
from flukso.ports.micropython_http import AnswerReader, Closed, encode_request
from flukso.ports.micropython_streams import addresses, connect, readable, writable

CHUNK = 1024  # bytes of an answer read at once
CACERT_MAX = 16384  # bytes of the CA file
CONNECT_MIN_S = 0.5  # an address has at least this long, or what is left
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"

# a word of mbedtls's verdict, and what it means
REFUSALS = (
    ("future", "it is not valid yet (is this machine's clock right?)"),
    ("expired", "it has expired (is this machine's clock right?)"),
    ("correctly signed", "it is not signed by the CA in {cacert}"),
    ("Common Name", "it is for another host name than {host}"),
)
EPIPE = 32  # on every Linux; the errno module lacks it
GONE = (errno.ECONNRESET, EPIPE, errno.ENOTCONN, errno.EBADF)
TLS_EOF = (-0x7280, 0x7280)  # mbedtls: the other end closed without a word


def client_context(cacert: str):
    """Return the one way in which we speak TLS: the server proves its name with a certificate of this CA file."""
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    try:
        context.load_verify_locations(_der(cacert))
    except ValueError:
        raise OSError("{} holds no CA certificate".format(cacert))
    return context


def _der(path):
    """Return the first certificate of a PEM file as DER; ValueError when there is none."""
    text = read_file(path, CACERT_MAX).decode()
    begin = text.find(BEGIN)
    end = text.find(END)
    if begin < 0 or end < begin:
        raise ValueError("no certificate")
    return binascii.a2b_base64(text[begin + len(BEGIN) : end])


class _Connection:
    """One TLS connection; reads and writes wait on the socket below it."""

    def __init__(self, sock, context, host):
        self._sock = sock
        self._tls = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        self._talking = False  # the handshake is over, and so the certificate verified
        self.served = 0

    async def write(self, data):
        view = memoryview(data)
        while view:
            try:
                count = self._tls.write(view)
            except OSError as error:
                raise self._plain(error)
            if count is None:
                await (writable(self._sock) if self._talking else readable(self._sock))
            else:
                self._talking = True
                view = view[count:]

    async def read(self):
        """Return the next bytes, b"" at the end."""
        while True:
            try:
                data = self._tls.read(CHUNK)
            except OSError as error:
                if self._talking and error.errno in TLS_EOF:
                    return b""
                raise self._plain(error)
            if data is not None:
                return data
            await readable(self._sock)

    def _plain(self, error):
        """Return the error as the socket said it: the tls module hands it on negated. In the handshake that may be an mbedtls code."""
        number = -(error.errno or 0)
        return OSError(number) if self._talking and number in GONE else error

    def close(self):
        try:
            self._tls.close()
        finally:
            self._sock.close()


class Https:
    """A verified connection to one server, kept alive between requests. One request at a time."""

    def __init__(self, base_url, cacert, clock):
        """Raises ValueError for a URL that is not https, OSError for a CA file that cannot be used."""
        self._url = parse_url(base_url)
        self._cacert = cacert
        self._clock = clock
        self._context = client_context(cacert)
        self._connection = None

    def close(self):
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def request(self, method: str, path: str, headers: dict, body: bytes, timeout_s: float):
        """Return the server's Answer to a path (absolute, without host). Raises HttpsError and nothing else.

        It ends within timeout_s of the clock, whatever the server does. Nothing is sent before the server's certificate is verified.
        """
        timeout_s = self._clock.real(timeout_s)
        try:
            return await asyncio.wait_for(self._attempts(method, path, headers, body, posix.monotonic() + timeout_s), timeout_s)
        except asyncio.TimeoutError:
            self.close()
            raise HttpsError(TIMEOUT, "no whole answer from {} in time".format(self._url.host))
        except asyncio.CancelledError:
            self.close()
            raise
        except HttpsError:
            self.close()
            raise
        except (OSError, ValueError, MemoryError) as error:
            self.close()
            raise self._told(error)

    async def _attempts(self, method, path, headers, body, deadline):
        """Ask; a kept connection that the server closed is asked anew once."""
        host = "[{}]".format(self._url.host) if ":" in self._url.host else self._url.host
        if self._url.port != 443:
            host = "{}:{}".format(host, self._url.port)
        request = encode_request(method, host, path, headers, body)
        if self._connection is not None and self._connection.served:
            try:
                return await self._ask(request)
            except Closed:
                self.close()
            except OSError as error:
                if isinstance(error, HttpsError) or error.errno not in GONE + TLS_EOF:
                    raise
                self.close()
        self.close()
        self._connection = await self._open(deadline)
        return await self._ask(request)

    async def _ask(self, request):
        connection = self._connection
        await connection.write(request)
        reader = AnswerReader(connection.read)
        answer = await reader.answer()
        connection.served += 1
        if not reader.reusable:
            self.close()
        return answer

    async def _open(self, deadline):
        """Return a connection to the first of the name's addresses that takes one; it is not verified before it is written to."""
        found = await addresses(self._url.host, self._url.port)
        if not found:
            raise HttpsError(UNREACHABLE, "the name {} cannot be resolved".format(self._url.host))
        failed = None
        for number, address in enumerate(found):
            share_s = (deadline - posix.monotonic()) / (len(found) - number)
            try:
                sock = await asyncio.wait_for(connect(address), max(share_s, CONNECT_MIN_S))
            except OSError as error:
                failed = error
                continue
            except asyncio.TimeoutError:
                failed = OSError(errno.ETIMEDOUT)
                continue
            try:
                return _Connection(sock, self._context, self._url.host)
            except BaseException:
                sock.close()
                raise
        raise HttpsError(UNREACHABLE, "{}:{} cannot be reached: {}".format(self._url.host, self._url.port, _in_words(failed)))

    def _told(self, error):
        """Return the HttpsError that says this in words."""
        host = self._url.host
        if isinstance(error, ValueError):
            verdict = str(error)
            for word, why in REFUSALS:
                if word in verdict:
                    verdict = why.format(cacert=self._cacert, host=host)
            if "unusable" in verdict:
                return HttpsError(PROTOCOL, verdict)
            return HttpsError(CERTIFICATE, "the certificate of {} is refused: {}".format(host, " ".join(verdict.split())))
        if isinstance(error, MemoryError):
            return HttpsError(UNREACHABLE, "no memory for a request to {}".format(host))
        if error.errno in GONE:
            return Closed(_in_words(error))
        if error.errno in TLS_EOF:
            return Closed("in the handshake")
        return HttpsError(PROTOCOL, "TLS with {} failed: {}".format(host, _in_words(error)))


def _in_words(error):
    """Return an OSError's number as its name."""
    number = error.errno if error is not None else None
    words = {
        errno.ECONNREFUSED: "connection refused",
        errno.EHOSTUNREACH: "no route to host",
        errno.ETIMEDOUT: "no answer",
        errno.ECONNRESET: "connection reset",
        EPIPE: "connection reset",
    }
    if number in words:
        return words[number]
    if isinstance(number, int) and number < 0:
        return "mbedtls -0x{:04x}".format(-number)
    return str(error)[:200]


def open_https(base_url, cacert, clock) -> Https:
    """Return the connection to the server; opened when first used."""
    return Https(base_url, cacert, clock)

# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS on CPython: requests in a worker thread, so that nothing the server does can hold up the event loop."""

import asyncio
import collections
import socket
import ssl
import threading
import time

import requests
import requests.adapters
import urllib3.connection
import urllib3.exceptions

from flukso.https import BODY_MAX, CERTIFICATE, HEADERS_MAX, PROTOCOL, TIMEOUT, UNREACHABLE, Answer, HttpsError, parse_url

CHUNK = 4096
WORKERS_MAX = 3  # requests whose thread hangs in the resolver, which nothing can interrupt; then further ones fail at once
CLOSED = "the server closed the connection"
GONE = (ConnectionError, urllib3.exceptions.IncompleteRead, ssl.SSLEOFError, ssl.SSLZeroReturnError)  # while sending, a reset is an EOF

_Job = collections.namedtuple("_Job", ("session", "adapter", "method", "path", "headers", "body", "deadline"))

# X.509 verification errors of OpenSSL (x509_vfy.h) in words
REFUSALS = {
    9: "it is not valid yet (is this machine's clock right?)",
    10: "it has expired (is this machine's clock right?)",
    18: "it is self-signed, not by the CA in {cacert}",
    19: "it is not signed by the CA in {cacert}",
    20: "it is not signed by the CA in {cacert}",
    21: "it is not signed by the CA in {cacert}",
    62: "it is for another host name than {host}",
    64: "it is for another address than {host}",
}


def client_context(cacert: str) -> ssl.SSLContext:
    """Return the one way in which we speak TLS: the server proves its name with a certificate of this CA file, from TLS 1.2 on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.load_verify_locations(cafile=cacert)
    return context


class _Adapter(requests.adapters.HTTPAdapter):
    """Connects with our TLS context, and knows the open socket so that another thread can shut it down."""

    def __init__(self, context):
        self._context = context
        self.sock = None
        self.served = 0  # answers on this connection
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections, maxsize, block=False, **kwargs):
        adapter = self

        class Connection(urllib3.connection.HTTPSConnection):
            def _new_conn(self):
                adapter.sock = super()._new_conn()
                adapter.served = 0
                return adapter.sock

            def connect(self):
                super().connect()
                adapter.sock = self.sock

        super().init_poolmanager(connections, maxsize, block=block, ssl_context=self._context, **kwargs)
        pools = self.poolmanager.pool_classes_by_scheme
        https = type("Pool", (pools["https"],), {"ConnectionCls": Connection})
        self.poolmanager.pool_classes_by_scheme = {"https": https}  # no other scheme can be asked

    def interrupt(self):
        """Make whatever waits on the socket fail now."""
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already


class Https:
    """A verified connection to one server, kept alive between requests. One request at a time."""

    def __init__(self, base_url, cacert, clock):
        """Raises ValueError for a URL that is not https, OSError for a CA file that cannot be read."""
        self._url = parse_url(base_url)
        self._cacert = cacert
        self._clock = clock
        self._session: requests.Session | None = None
        self._adapter: _Adapter | None = None
        self._workers = 0
        client_context(cacert)  # a bad CA file shows at the start

    def _open(self):
        """Make a session that takes nothing from the environment: no proxy, no other CA, no .netrc."""
        self._adapter = _Adapter(client_context(self._cacert))
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = self._cacert
        self._session.headers.clear()
        self._session.adapters.clear()
        self._session.mount("https://", self._adapter)

    def close(self):
        """Close the connection; a request that is still under way fails."""
        session, self._session = self._session, None
        if session is not None and self._adapter is not None:
            self._adapter.interrupt()
            session.close()

    async def request(self, method: str, path: str, headers: dict, body: bytes, timeout_s: float) -> Answer:
        """Return the server's answer to a path (absolute, without host). Raises HttpsError and nothing else.

        It ends within timeout_s of the clock, whatever the server does. Nothing is sent before the server's certificate is verified.
        """
        if self._workers >= WORKERS_MAX:
            raise HttpsError(UNREACHABLE, "{} earlier requests still hang, probably in the name service".format(self._workers))
        if self._session is None:
            self._open()
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        timeout_s = self._clock.real(timeout_s)
        job = _Job(self._session, self._adapter, method, path, headers, body, time.monotonic() + timeout_s)
        self._workers += 1
        threading.Thread(target=self._work, args=(loop, done, job), daemon=True, name="https").start()
        try:
            return await asyncio.wait_for(done, timeout_s)
        except asyncio.TimeoutError:
            self.close()
            raise HttpsError(TIMEOUT, "no whole answer from {} in time".format(self._url.host))
        except asyncio.CancelledError:
            self.close()
            raise

    def _work(self, loop, done, job):
        """Thread: run the request and hand its result to the loop, if that is still there."""
        result = self._attempts(job)
        try:
            loop.call_soon_threadsafe(self._finish, done, result)
        except RuntimeError:
            pass  # the loop was closed meanwhile; nobody waits

    def _finish(self, done, result):
        self._workers -= 1
        if done.done():
            return
        if isinstance(result, Answer):
            done.set_result(result)
        else:
            done.set_exception(result)

    def _attempts(self, job):
        """Thread: ask; a kept connection that the server closed is asked anew once. Return Answer or HttpsError."""
        while True:
            kept = job.adapter.served > 0
            try:
                answer = self._ask(job)
                job.adapter.served += 1
                return answer
            except Exception as error:  # of requests, urllib3, http.client, ssl, socket: all become our one error
                result = self._told(error)
                stale = kept and job.adapter.served > 0  # no new connection was made meanwhile
                if not stale or CLOSED not in str(result) or time.monotonic() >= job.deadline:
                    return result
                job.adapter.served = 0

    def _ask(self, job):
        host = "[{}]".format(self._url.host) if ":" in self._url.host else self._url.host
        headers = {"Connection": "keep-alive", "Accept-Encoding": "identity"}
        headers.update(job.headers)
        response = job.session.request(
            job.method,
            "https://{}:{}{}".format(host, self._url.port, job.path),
            headers=headers,
            data=job.body,
            timeout=max(0.1, job.deadline - time.monotonic()),
            stream=True,
            allow_redirects=False,
        )
        try:
            return Answer(response.status_code, _headers(response), self._body(response, job.deadline))
        except BaseException:
            response.close()
            raise

    def _body(self, response, deadline):
        body = bytearray()
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            body.extend(chunk)
            if len(body) > BODY_MAX:
                raise HttpsError(PROTOCOL, "the answer is longer than {} bytes".format(BODY_MAX))
            if time.monotonic() > deadline:
                raise HttpsError(TIMEOUT, "no whole answer from {} in time".format(self._url.host))
        return bytes(body)

    def _told(self, error):
        """Return the HttpsError that says this in words."""
        causes = _causes(error)
        for cause in causes:
            if isinstance(cause, HttpsError):
                return cause
            if isinstance(cause, ssl.SSLCertVerificationError):
                why = REFUSALS.get(cause.verify_code, cause.verify_message)
                why = why.format(cacert=self._cacert, host=self._url.host)
                return HttpsError(CERTIFICATE, "the certificate of {} is refused: {}".format(self._url.host, why))
        for cause in causes:
            if isinstance(cause, (socket.gaierror, urllib3.exceptions.NameResolutionError)):
                return HttpsError(UNREACHABLE, "the name {} cannot be resolved".format(self._url.host))
            if isinstance(cause, urllib3.exceptions.NewConnectionError):
                return HttpsError(UNREACHABLE, "{}:{} cannot be reached: {}".format(self._url.host, self._url.port, _last(causes)))
            if isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError)):
                return HttpsError(TIMEOUT, "no whole answer from {} in time".format(self._url.host))
            if isinstance(cause, GONE):
                return HttpsError(PROTOCOL, "{}: {}".format(CLOSED, cause))
            if isinstance(cause, ssl.SSLError):
                return HttpsError(PROTOCOL, "TLS with {} failed: {}".format(self._url.host, cause.reason or cause))
        return HttpsError(PROTOCOL, "unusable answer: {}".format(_last(causes)))


def _headers(response):
    """Return the answer's headers, names in lower case; HttpsError when there are too many."""
    if len(response.headers) > HEADERS_MAX:
        raise HttpsError(PROTOCOL, "more than {} headers".format(HEADERS_MAX))
    return {name.lower(): value for name, value in response.headers.items()}


def _causes(error):
    """Return the error and all that stands behind it, outermost first."""
    found: list[BaseException] = []
    rest = [error]
    while rest and len(found) < 32:
        error = rest.pop(0)
        if isinstance(error, BaseException) and error not in found:
            found.append(error)
            rest.extend([getattr(error, "reason", None), error.__cause__, error.__context__])
            rest.extend(error.args)
    return found


def _last(causes):
    text = str(causes[-1]) or type(causes[-1]).__name__
    return text[:200]


def open_https(base_url, cacert, clock) -> Https:
    """Return the connection to the server; opened when first used."""
    return Https(base_url, cacert, clock)

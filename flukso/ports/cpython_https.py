# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS on CPython: requests in a worker thread, so that nothing the server does can hold up the
event loop.
"""

import asyncio
import io
import threading
import time

import requests
import requests.adapters

from flukso.exchange import Addresses, Exchange
from flukso.https import TIMEOUT, UNREACHABLE, Answer, HttpsError, parse_url
from flukso.ports.cpython_ca import check_cacert
from flukso.ports.cpython_tls import Way

# requests whose thread hangs in the resolver, which nothing can interrupt; then further ones fail
# at once
WORKERS_MAX = 3


class _Adapter(requests.adapters.BaseAdapter):
    """Carries what requests prepared over an Exchange, which both interpreters share."""

    def __init__(self, way, addresses):
        super().__init__()
        self.way = way
        self._exchange = Exchange(way, addresses)

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        """Return the response; timeout is in s. Raises HttpsError."""
        self.way.deadline = time.monotonic() + timeout
        # the Exchange counts itself
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() != "content-length"
        }
        answer = _at_once(
            self._exchange.request(
                request.method, request.path_url, headers, request.body or b"", self.way.deadline
            )
        )
        response = requests.Response()
        response.request, response.url = request, request.url
        response.status_code, response.raw = answer.status, io.BytesIO(answer.body)
        response.headers.update(answer.headers)
        return response

    def close(self):
        self._exchange.close()


def _at_once(coroutine):
    """Return the result of a coroutine that waits for nothing: the links of this port block."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("it waits")


class Https:
    """A verified connection to one server, kept alive between requests. One request at a time."""

    def __init__(self, base_url, cacert, clock):
        """Raises ValueError for a URL that is not https, OSError for an unusable CA file."""
        self._url = parse_url(base_url)
        self._cacert = cacert
        self._clock = clock
        self._addresses = Addresses()
        self._session: requests.Session | None = None
        self._adapter: _Adapter | None = None
        self._workers = 0
        self.warning = check_cacert(cacert)

    def _open(self):
        """Make a session that ignores the environment: no proxy, no other CA, no .netrc."""
        self._adapter = _Adapter(Way(self._url, self._cacert), self._addresses)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.adapters.clear()  # no other scheme can be asked
        self._session.mount("https://", self._adapter)

    def close(self):
        """Close the connection; a request that is still under way fails."""
        session, self._session = self._session, None
        if session is None or self._adapter is None:
            return
        self._adapter.way.interrupt()
        if not self._workers:
            session.close()  # else the thread does it, as it fails

    async def request(
        self, method: str, path: str, headers: dict, body: bytes, timeout_s: float
    ) -> Answer:
        """Return the server's answer to a path (absolute, without host). Raises HttpsError and
        nothing else.

        It ends within timeout_s of the clock, whatever the server does. Nothing is sent before the
        server's certificate is verified.
        """
        if self._workers >= WORKERS_MAX:
            raise HttpsError(
                UNREACHABLE,
                "{} earlier requests still hang, probably in the name service".format(
                    self._workers
                ),
            )
        if self._session is None:
            self._open()
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        timeout_s = self._clock.real(timeout_s)
        deadline = time.monotonic() + timeout_s
        job = (self._session, method, path, headers, body, deadline)
        self._workers += 1
        threading.Thread(
            target=self._work, args=(loop, done, job), daemon=True, name="https"
        ).start()
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
        try:
            result = self._ask(*job)
        except HttpsError as error:
            result = error
        except Exception as error:  # of requests: what it refuses to send
            result = HttpsError(UNREACHABLE, "the request cannot be made: {}".format(error))
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

    def _ask(self, session, method, path, headers, body, deadline):
        """Thread: return the Answer."""
        host = "[{}]".format(self._url.host) if ":" in self._url.host else self._url.host
        url = "https://{}:{}{}".format(host, self._url.port, path)
        left_s = max(0.0, deadline - time.monotonic())
        response = session.request(
            method, url, headers=headers, data=body, timeout=left_s, allow_redirects=False
        )
        return Answer(response.status_code, dict(response.headers), response.content)


def open_https(base_url, cacert, clock) -> Https:
    """Return the connection to the server; opened when first used."""
    return Https(base_url, cacert, clock)

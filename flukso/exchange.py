# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one server over a connection that is kept: which address, when anew, and that an
answer belongs to its request; pure.

The port gives the way: an object with `host` and `port` of the server, monotonic() (real s), `await
addresses()` (the host's, best first; none when it has none) and `await connect(address, seconds)`:
a Link whose server has proved its name, else HttpsError.
"""

from flukso.http import AnswerReader, Closed, encode_request
from flukso.https import CERTIFICATE, PROTOCOL, UNREACHABLE, Answer, HttpsError

ADDRESSES_MAX = 8  # of a name that are tried
CONNECT_MIN_S = 0.5  # an address has at least this long

# Nobody can tell an answer from one that was on its way when the request went out. A server's
# machine may hold back what was written after an answer until that is confirmed (Nagle), so a
# request that follows at once waits for what would come then: a round trip and more. On a new
# connection too: the server is ready to write a round trip after us.
SETTLE_S, SETTLE_MAX_S = 0.03, 0.5
SETTLED_S = 2  # after this time nothing is held back any more


class Link:
    """What a port's connection can do."""

    rtt_s = 0.0  # how long it took to connect

    async def write(self, data: bytes) -> None:
        """Write all of it. Raises HttpsError: Closed when the other end is gone."""
        raise NotImplementedError

    async def read(self) -> bytes:
        """Return the next bytes, b"" at the end. Raises HttpsError."""
        raise NotImplementedError

    async def early(self, seconds: float) -> "bytes | None":
        """Confirm all that came, and return what comes within so many s: b"" at the end or after an
        error, None for nothing.
        """
        raise NotImplementedError

    def sent(self) -> bool:
        """Return whether the other machine has all that was written."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Addresses:
    """Which of a name's addresses to try first: the one that answered last, then others, then those
    that failed since.
    """

    def __init__(self):
        self._good = None
        self._bad = []

    def ordered(self, addresses: list) -> list:
        """Return at most ADDRESSES_MAX of them."""
        fine = [address for address in addresses if address not in self._bad]
        good = [address for address in fine if address == self._good]
        return (
            good
            + [address for address in fine if address != self._good]
            + [a for a in self._bad if a in addresses]
        )[:ADDRESSES_MAX]

    def worked(self, address) -> None:
        self._good, self._bad = address, []

    def failed(self, address) -> None:
        if address not in self._bad:
            self._bad = (self._bad + [address])[-ADDRESSES_MAX:]


class Exchange:
    """One request at a time. What fails is an HttpsError, and nothing else; a time-out is the
    caller's, who then closes.
    """

    def __init__(self, way, addresses: Addresses):
        self._way = way
        self._addresses = addresses
        self._link: "Link | None" = None
        self._address = None  # of this link,
        self._fresh = True  # on which nothing was answered yet
        self._answered_at = 0.0

    def close(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        if self._fresh:
            self._addresses.failed(self._address)
        link.close()

    async def request(
        self, method: str, path: str, headers: dict, body: bytes, deadline: float
    ) -> Answer:
        """Return the answer to this request; a kept connection that the server closed is asked anew
        once. deadline: of way.monotonic().
        """
        try:
            request = encode_request(method, self._host(), path, headers, body)
        except ValueError as error:
            raise HttpsError(PROTOCOL, str(error))
        try:
            link = self._link
            if link is not None:
                try:
                    # else it has ended, or says what nobody asked
                    if await link.early(self._settle_s(link, self._answered_at)) is None:
                        return await self._ask(link, request)
                except Closed:
                    pass
                self.close()
            return await self._ask(await self._open(deadline), request)
        except BaseException:
            self.close()
            raise

    def _settle_s(self, link, since):
        """Return how long to look whether the server says what nobody asked, when the last it said
        before was at this time.
        """
        passed_s = self._way.monotonic() - since
        return 0 if passed_s > SETTLED_S else min(SETTLE_MAX_S, SETTLE_S + 2 * link.rtt_s)

    def _host(self):
        host = "[{}]".format(self._way.host) if ":" in self._way.host else self._way.host
        return host if self._way.port == 443 else "{}:{}".format(host, self._way.port)

    async def _ask(self, link, request):
        await link.write(request)
        reader = AnswerReader(link.read, link.sent)
        try:
            answer = await reader.answer()
        except Closed:
            if reader.begun:
                raise HttpsError(
                    PROTOCOL, "the server closed the connection in the middle of an answer"
                )
            raise
        self._fresh = False
        self._addresses.worked(self._address)
        self._answered_at = self._way.monotonic()
        if not reader.reusable or await link.early(0) is not None:
            self.close()
        return answer

    async def _open(self, deadline):
        """Return a link to the first of the name's addresses that proves to be the server. Each has
        its share of the time, one is kept.
        """
        addresses = self._addresses.ordered(await self._way.addresses())
        failed = HttpsError(UNREACHABLE, "the name {} cannot be resolved".format(self._way.host))
        for number, address in enumerate(addresses):
            left, left_s = len(addresses) - number, deadline - self._way.monotonic()
            share_s = left_s if left == 1 else left_s / (left + 1)
            try:
                link = await self._way.connect(address, max(share_s, CONNECT_MIN_S))
            except HttpsError as error:
                self._addresses.failed(address)
                if failed.kind != CERTIFICATE:  # that one tells most
                    failed = error
                continue
            self._link, self._address, self._fresh = link, address, True
            early = await link.early(self._settle_s(link, self._way.monotonic()))
            if early == b"":
                raise Closed("after the handshake")
            if early is not None:
                raise HttpsError(PROTOCOL, "the server answers before it is asked")
            return link
        raise failed

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hot path remembers of sensors and tokens: bounded, and dropped within seconds of a
change in any process.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from flukso_server.hot import limits
from flukso_server.hot.answers import Refusal
from flukso_server.hot.signer import Signer

logger = logging.getLogger("flukso.caches")


class SensorEntry:
    """A sensor as uploads and reads need it."""

    __slots__ = (
        "_signer",
        "device",
        "fresh_only",
        "key",
        "owner",
        "resource",
        "sensor",
        "sign_required",
        "watched_until",
    )

    def __init__(
        self,
        sensor: str,
        device: str | None,
        owner: int | None,
        key: bytes,
        sign_required: bool,
        watched_until=0.0,
        fresh_only=False,
    ):
        self.sensor = sensor
        self.device = device
        self.owner = owner
        self.key = key
        self.sign_required = sign_required
        self.watched_until = (
            watched_until  # unix s: its owner looks on, and it is to upload often (§8.6)
        )
        self.fresh_only = (
            fresh_only  # nobody knows the device: it may fill no more than a fortnight (§8.4)
        )
        self.resource = ""  # what it counts, as the device says it
        self._signer: Signer | None = None

    @property
    def signer(self) -> Signer | None:
        """Computes digests with the device's key; None without a key.

        It is made when it is first needed: sensors that are only read need none.
        """
        if self._signer is None and self.key:
            self._signer = Signer(self.key)
        return self._signer


class TokenEntry:
    """What a token may read: the sensors of an account, or one of them."""

    __slots__ = ("account", "prices", "sensor", "time_zone")

    def __init__(self, account: int, sensor: str | None, time_zone: str, prices: list):
        self.account = account
        self.sensor = sensor
        self.time_zone = time_zone
        self.prices = prices  # accounts/prices.py


class Cache:
    """Entries by key, looked up in batches by `load(keys) -> {key: entry}` in a thread. What is not
    found is not remembered: a device's first upload may follow its registration at once, in another
    process.
    """

    def __init__(self, load: Callable, most: int, executor):
        self._load = load
        self._most = most
        self._executor = executor
        self._entries: dict = {}
        self._waiting: dict[str, asyncio.Future] = {}
        self._queue: deque[str] = deque()
        self._working = False
        # counts changes seen: an entry that was looked up before one of them may be older than it
        self._epoch = 0

    def known(self, key: str):
        """The entry when it is at hand, else None: then ask `get`."""
        return self._entries.get(key)

    async def get(self, key: str):
        """The entry, None when there is none. Raises Refusal(503) when too many wait."""
        entry = self._entries.get(key)
        if entry is not None:
            return entry
        future = self._waiting.get(key)
        if future is None:
            if len(self._waiting) >= limits.LOOKUPS_WAITING_MAX:
                raise Refusal(503, "busy", (b"Retry-After", b"30"), close=True)
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            self._queue.append(key)
            if not self._working:
                self._working = True
                asyncio.get_running_loop().create_task(self._work())
        return await asyncio.shield(future)

    def drop(self, key: str) -> None:
        self._epoch += 1
        self._entries.pop(key, None)

    def clear(self) -> None:
        self._epoch += 1
        self._entries.clear()

    def __len__(self):
        return len(self._entries)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                keys = [
                    self._queue.popleft() for _ in range(min(len(self._queue), limits.LOOKUP_BATCH))
                ]
                epoch = self._epoch
                try:
                    found = await loop.run_in_executor(self._executor, self._load, keys)
                except Exception:
                    logger.exception("look-up failed")
                    found = None
                self._settle(keys, found, remember=epoch == self._epoch)
        finally:
            self._working = False

    def _settle(self, keys: list[str], found: dict | None, remember: bool) -> None:
        for key in keys:
            future = self._waiting.pop(key)
            if found is None:
                future.set_exception(Refusal(503, "busy", (b"Retry-After", b"30")))
                future.exception()  # nobody may be waiting any more
                continue
            entry = found.get(key)
            if entry is not None and remember:
                if len(self._entries) >= self._most:
                    del self._entries[next(iter(self._entries))]
                self._entries[key] = entry
            future.set_result(entry)


class ChangeWatch:
    """Reads the table of changes and drops what they name; clears everything when the table cannot
    be read for too long.

    read(mark) -> ([(id, kind, key), …], next mark); begin() -> the first mark (devices/changes.py).
    """

    def __init__(self, caches: dict[str, Cache], read: Callable, begin: Callable, executor):
        self._caches = caches
        self._read = read
        self._begin = begin
        self._executor = executor
        self._dropped: set[int] = set()  # changes that the next look may read again
        self._mark = 0
        self._fresh_at = 0.0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._mark = await loop.run_in_executor(self._executor, self._begin)
        self._fresh_at = time.monotonic()

    async def run(self) -> None:
        """Never returns; cancel it."""
        while True:
            await asyncio.sleep(limits.CHANGES_POLL_S)
            try:
                await asyncio.wait_for(self.poll(), limits.CHANGES_POLL_S * 2)
            except (
                Exception
            ) as error:  # whatever the database says: what is cached is not believed much longer
                logger.warning("changes cannot be read: %s", error or type(error).__name__)
            # the next look is a sleep and a poll that hangs away: three polls' time
            if (
                time.monotonic() - self._fresh_at
                > limits.CHANGES_STALE_S - 2 * limits.CHANGES_POLL_S
            ):
                self._clear()

    async def poll(self) -> None:
        began = time.monotonic()
        loop = asyncio.get_running_loop()
        rows, mark = await loop.run_in_executor(self._executor, self._read, self._mark)
        if mark < self._mark:
            logger.warning("the database is another one, or an older state of it")
            self._clear()
        for number, kind, key in rows:
            if number not in self._dropped and kind in self._caches:
                self._caches[kind].drop(key)
        self._dropped, self._mark = {row[0] for row in rows}, mark
        self._fresh_at = began

    def _clear(self) -> None:
        for cache in self._caches.values():
            cache.clear()

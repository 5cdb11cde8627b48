# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hot path remembers of sensors and tokens.

It is bounded, and dropped within seconds of a change in any process.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from flukso_server.devices import unclaimed
from flukso_server.hot import limits
from flukso_server.hot.answers import busy
from flukso_server.hot.signer import Signer

logger = logging.getLogger("flukso.caches")


class Series(NamedTuple):
    """A series that an id stands for, or stood for, and who may read it."""

    sensor: str  # its id in the store
    owner: int | None
    resource: str  # what it counts, as the device says it
    begins: int  # unix s
    closed: int | None  # unix s at which its device was given on


@dataclass(slots=True)
class SensorEntry:
    """An id of a sensor as uploads and reads need it; an UploadSender of hot/upload_rules.py."""

    sensor: str  # of the series that it fills: its id in the store
    device: str | None  # None if no device sends under this id
    owner: int | None
    key: bytes  # of its device; b"" if there is none, or if it cannot be opened
    sign_required: bool
    watched_until: float = 0.0  # unix s until which it is asked to upload often (§8.6)
    fresh_only: bool = False  # nobody has claimed its device: it fills a fortnight at most (§8.4)
    begins: int = 0  # unix s: older tuples belong to a series before this one
    proven: bool = True  # its device has sent a tuple
    series: tuple[Series, ...] = ()  # all that the id stands for: the one it fills, then the newest
    _signer: Signer | None = None

    @property
    def signer(self) -> Signer | None:
        """Computes digests with the device's key; None without a key.

        It is made when it is first needed: sensors that are only read need none.
        """
        if self._signer is None and self.key:
            self._signer = Signer(self.key)
        return self._signer

    def readable(self, account: int) -> Series | None:
        """Return the series that the account may read under this id."""
        return next((each for each in self.series if each.owner == account), None)

    def ended(self, now: float) -> list[Series]:
        """Return the closed series that still take what their device held back.

        They do until somebody else claims it, and for as long as it may stay unclaimed.
        """
        return [
            each
            for each in self.series
            if each.closed is not None
            and each.owner is not None
            and (self.owner is None or self.owner == each.owner)
            and now < each.closed + unclaimed.KEPT_S
        ]


@dataclass(slots=True)
class TokenEntry:
    """What a token may read: the sensors of an account, or one of them."""

    account: int
    sensor: str | None
    time_zone: str
    prices: list  # accounts/prices.py


class Cache:
    """Entries by key, which `load(keys) -> {key: entry}` looks up in batches in a thread.

    A key without an entry is not remembered: a device's first upload may follow its registration at
    once, in another process.
    """

    def __init__(self, load: Callable, most: int, executor):
        self._load = load
        self._most = most
        self._executor = executor
        self._entries: dict = {}
        self._waiting: dict[str, asyncio.Future] = {}
        self._queue: deque[str] = deque()
        self._working = False
        # Counts the changes seen. An entry whose look-up began before one may be older than it.
        self._epoch = 0

    def known(self, key: str):
        """Return the entry if it is remembered; None leaves it to `get`."""
        return self._entries.get(key)

    async def get(self, key: str):
        """Return the entry, None if there is none. Raises Refusal(503) if too many wait."""
        entry = self._entries.get(key)
        if entry is not None:
            return entry
        future = self._waiting.get(key)
        if future is None:
            if len(self._waiting) >= limits.LOOKUPS_WAITING_MAX:
                raise busy(close=True)
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
                    entries = await loop.run_in_executor(self._executor, self._load, keys)
                except Exception:
                    logger.exception("look-up failed")
                    entries = None
                self._settle(keys, entries, remember=epoch == self._epoch)
        finally:
            self._working = False

    def _settle(self, keys: list[str], entries: dict | None, remember: bool) -> None:
        """Answer those who wait for these keys; None: the look-up failed."""
        for key in keys:
            future = self._waiting.pop(key)
            if entries is None:
                future.set_exception(busy())
                future.exception()  # asyncio would warn if nobody waits any more
                continue
            entry = entries.get(key)
            if entry is not None and remember:
                if len(self._entries) >= self._most:
                    del self._entries[next(iter(self._entries))]
                self._entries[key] = entry
            future.set_result(entry)


class ChangeWatch:
    """Reads the table of changes, and drops what they name from the caches.

    When the table cannot be read for CHANGES_STALE_S, it clears them.

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
            except Exception as error:  # of any kind: the caches are not believed much longer
                logger.warning("changes cannot be read: %s", error or type(error).__name__)
            # The next poll comes after a sleep, and may hang for as long as two sleeps.
            stale_s = limits.CHANGES_STALE_S - 2 * limits.CHANGES_POLL_S
            if time.monotonic() - self._fresh_at > stale_s:
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""The hot path's caches: bounded, looked up in batches, and believed no longer than a revocation
may take.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from flukso_server.hot import limits
from flukso_server.hot.answers import Refusal
from flukso_server.hot.caches import Cache, ChangeWatch


class Source:
    """A database: every key has a value, which tells the how-manieth look-up found it; or it is
    away.
    """

    def __init__(self):
        self.asked: list[list[str]] = []
        self.away = False
        self.changes: list[tuple[int, str, str]] = []
        self.oldest_open = 1

    def load(self, keys):
        self.asked.append(list(keys))
        if self.away:
            raise OSError("the database is away")
        return {key: f"{key}{len(self.asked)}" for key in keys if key != "nobody"}

    def read(self, since):
        if self.away:
            raise OSError("the database is away")
        return [row for row in self.changes if row[0] >= since], self.oldest_open

    def begin(self):
        return self.oldest_open


def played(play, most=100):
    async def run():
        source = Source()
        with ThreadPoolExecutor(1) as executor:
            await play(source, Cache(source.load, most, executor), executor)

    asyncio.run(run())


def test_what_is_known_is_not_asked_again_and_the_oldest_goes_first():
    async def play(source, cache, _executor):
        for key in ("a", "b", "a", "c"):
            await cache.get(key)
        assert len(source.asked) == 3 and len(cache) == 2
        assert (cache.known("a"), cache.known("b"), cache.known("c")) == (None, "b2", "c3")
        assert await cache.get("a") == "a4"

    played(play, most=2)


def test_what_is_not_there_is_not_remembered():
    async def play(source, cache, _executor):
        assert await cache.get("nobody") is None and await cache.get("nobody") is None
        assert len(source.asked) == 2 and len(cache) == 0

    played(play)


def test_who_asks_at_the_same_time_shares_a_look_up():
    async def play(source, cache, _executor):
        found = await asyncio.gather(*[cache.get(key) for key in "abcab"])
        assert source.asked == [["a", "b", "c"]] and found == ["a1", "b1", "c1", "a1", "b1"]

    played(play)


def test_a_long_queue_is_asked_in_batches(monkeypatch):
    monkeypatch.setattr(limits, "LOOKUP_BATCH", 2)

    async def play(source, cache, _executor):
        await asyncio.gather(*[cache.get(key) for key in "abcde"])
        assert source.asked == [["a", "b"], ["c", "d"], ["e"]]

    played(play)


def test_too_many_that_wait_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "LOOKUPS_WAITING_MAX", 3)

    async def play(_source, cache, _executor):
        waiting = [asyncio.ensure_future(cache.get(key)) for key in "abc"]
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as refused:
            await cache.get("d")
        away = int(dict(refused.value.headers)[b"Retry-After"])
        assert refused.value.status == 503
        assert limits.AWAY_MIN_S <= away <= limits.AWAY_MAX_S
        assert await asyncio.gather(*waiting) == ["a1", "b1", "c1"]
        assert await cache.get("d") == "d2"

    played(play)


def test_a_database_that_is_away_is_503_and_asked_again():
    async def play(source, cache, _executor):
        source.away = True
        with pytest.raises(Refusal) as refused:
            await cache.get("a")
        assert refused.value.status == 503
        source.away = False
        assert await cache.get("a") == "a2"

    played(play)


def test_what_changed_during_its_look_up_is_not_remembered():
    async def play(_source, cache, _executor):
        under_way = asyncio.ensure_future(cache.get("a"))
        await asyncio.sleep(0)  # it asks,
        await asyncio.sleep(0)  # and the look-up begins
        cache.drop("a")
        assert await under_way == "a1" and cache.known("a") is None

    played(play)


def test_a_change_drops_what_it_names_once():
    async def play(source, cache, executor):
        source.changes, source.oldest_open = [(1, "sensor", "a")], 2
        watch = ChangeWatch({"sensor": cache}, source.read, source.begin, executor)
        await watch.start()
        for key in "ab":
            await cache.get(key)
        await watch.poll()
        assert cache.known("a") and cache.known("b"), "an old change"
        source.changes += [(3, "sensor", "a"), (4, "device", "b")]
        await watch.poll()
        assert (cache.known("a"), cache.known("b")) == (None, "b2")
        await cache.get("a")
        await watch.poll()
        assert cache.known("a"), "seen already"
        source.changes.append((2, "sensor", "a"))  # committed late, out of order
        await watch.poll()
        assert cache.known("a") is None
        source.oldest_open = 5
        for _ in range(2):
            await cache.get("a")
            await watch.poll()
        assert cache.known("a"), "seen already"
        source.oldest_open = 3  # numbers do not fall: this is another database
        await watch.poll()
        assert len(cache) == 0

    played(play)


@pytest.mark.parametrize("hangs", [False, True])
def test_nothing_is_believed_when_changes_cannot_be_read(monkeypatch, hangs):
    """A revocation that nobody can read of is obeyed all the same; here a second passes in a
    hundredth.
    """
    for name in ("CHANGES_POLL_S", "CHANGES_STALE_S"):
        monkeypatch.setattr(limits, name, getattr(limits, name) / 100)

    async def play(source, cache, executor):
        watch = ChangeWatch({"sensor": cache}, source.read, source.begin, executor)
        await watch.start()
        await cache.get("a")
        running = asyncio.ensure_future(watch.run())
        await asyncio.sleep(0.2)
        assert cache.known("a"), "the database answers"
        source.away = True
        if hangs:
            monkeypatch.setattr(watch, "poll", lambda: asyncio.sleep(3600))
        began = asyncio.get_running_loop().time()
        while cache.known("a"):
            assert asyncio.get_running_loop().time() < began + 2
            await asyncio.sleep(0.01)
        running.cancel()

    played(play)

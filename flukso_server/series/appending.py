# SPDX-License-Identifier: GPL-3.0-or-later
"""How callers wait for Store.append(): a thread by blocking, an event loop by awaiting."""

import asyncio
import threading
from collections.abc import Sequence

from flukso_server.series.store import Outcome, Results, Store, Tuple, Upload


def append(store: Store, sensor: str, tuples: Sequence[Tuple], now: int) -> Outcome:
    """Store the tuples of one sensor; durable on return. Raises TupleError or SeriesError."""
    return append_many(store, [(sensor, tuples)], now)[0]


def append_many(store: Store, uploads: Sequence[Upload], now: int) -> list[Outcome]:
    """Store several uploads; durable on return. Raises the first upload's error, if one has any."""
    ready = threading.Lock()  # a tenth of an Event's cost
    ready.acquire()
    results: Results = []

    def done(them: Results) -> None:
        results.extend(them)
        ready.release()

    store.append(uploads, now, done)
    ready.acquire()
    outcomes: list[Outcome] = []
    for result in results:
        if isinstance(result, Exception):
            raise result
        outcomes.append(result)
    return outcomes


async def append_async(store: Store, sensor: str, tuples: Sequence[Tuple], now: int) -> Outcome:
    """Store the tuples of one sensor without blocking the event loop. Raises as append() does."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Outcome] = loop.create_future()

    def settle(result: Outcome | Exception) -> None:
        if future.done():
            return  # the caller was cancelled
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    def done(results: Results) -> None:
        try:
            loop.call_soon_threadsafe(settle, results[0])
        except RuntimeError:
            pass  # the loop is closed: nobody waits

    store.append(((sensor, tuples),), now, done)
    return await future

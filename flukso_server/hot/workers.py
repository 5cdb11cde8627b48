# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads for an event loop's longer work.

To hand work over costs a fifth of what concurrent.futures needs for it.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

from django.db import InterfaceError, OperationalError, close_old_connections

from flukso_server.hot import limits
from flukso_server.hot.answers import busy

logger = logging.getLogger("flukso.workers")


class Workers:
    """Runs functions in `count` threads, in the order in which they are given."""

    def __init__(self, count: int, name: str):
        self._queue: SimpleQueue = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{n}", daemon=True)
            for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, function: Callable, *args):
        """Return the function's result, or raise its exception.

        Raises Refusal(503) when WORK_WAITING_MAX functions wait already.
        """
        if self._queue.qsize() >= limits.WORK_WAITING_MAX:
            raise busy()
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._queue.put((loop, future, function, args))
        return await future

    def stop(self) -> None:
        """Return when all that waits has been done."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            loop, future, function, args = item
            result = error = None
            try:
                result = function(*args)
            except Exception as raised:  # it is raised where it is awaited
                error = raised
            try:
                loop.call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:
                return  # the loop is closed, so nobody waits for the result
            item = future = result = error = None  # keep nothing alive while this thread waits


class Database(Workers):
    """Threads that read the accounts' database or write to it, each with a connection."""

    async def run(self, function: Callable, *args):
        """As in Workers. Raises Refusal(503) also if the database is away, or locked too long."""
        try:
            return await super().run(_connected, function, *args)
        except (OperationalError, InterfaceError) as error:
            logger.warning("the accounts' database: %s", error)
            raise busy() from error


def _connected(function: Callable, *args):
    close_old_connections()
    return function(*args)


def _settle(future: asyncio.Future, result, error: Exception | None) -> None:
    if future.done():  # it was cancelled, as the client has gone
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at every connection from time to time."""

from collections.abc import Set
from typing import Any, Protocol

from flukso_server.hot import limits


class Ageing(Protocol):
    """A connection."""

    def age(self, now: float) -> None:
        """End what has taken too long; now: the loop's time."""


class Sweeper:
    """One timer for all connections of a process.

    A timer for each would cost more than the rest of a small request.
    """

    def __init__(self) -> None:
        self._timer = None
        self._due: list[Ageing] = []  # connections still to be looked at in this sweep
        self._part = 0  # how many of them at each turn

    def start(self, loop, connections: Set[Any]) -> None:
        """Look at these connections until there are none; does nothing if it has been started."""
        if self._timer is None:
            self._timer = loop.call_later(
                limits.SWEEP_S / limits.SWEEP_PARTS, self.turn, loop, connections
            )

    def stop(self) -> None:
        """Look at no connection any more."""
        if self._timer is not None:
            self._timer.cancel()
        self.__init__()  # type: ignore[misc]

    def turn(self, loop, connections: Set[Any]) -> None:
        """Look at the next part of the connections."""
        self._timer = None
        now = loop.time()
        if not self._due:
            self._due = list(connections)
            self._part = len(self._due) // limits.SWEEP_PARTS + 1
        part = self._due[-self._part :]
        del self._due[-self._part :]
        for connection in part:
            if connection in connections:  # it has not ended since the sweep began
                connection.age(now)
        if connections:
            self.start(loop, connections)

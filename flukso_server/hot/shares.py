# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares the connections of a process out among networks, and the requests of a second."""

from typing import Any, Protocol

from flukso_server.hot import limits
from flukso_server.hot.shut_out import ShutOut, shut_out
from flukso_server.project.networks import Networks

# Of all connections a home, a site and a block may have (project/networks.py): a twentieth, a tenth
# and half. A home that is a provider's gateway has hundreds of households behind one address.
PARTS = (20, 10, 2)
# Of the idle connections of a network that go when one of them must: to look for the idlest costs
# some µs for each, so it is not done for every newcomer of a flood.
AT_ONCE = 16


class Member(Protocol):
    """A connection."""

    def idle_for(self, now: float) -> float | None:
        """Return since when it waits for its client, in s; None while an answer is due to it."""

    def shut(self) -> None:
        """Close it."""


class Shares:
    """The connections that a process holds, by network; most: how many it may hold."""

    def __init__(self, most: int, told: ShutOut = shut_out):
        self.most = most
        self._told = told
        self._places: dict[Any, Networks] = {}
        self._groups: tuple[dict[str, set], ...] = ({}, {}, {})  # as Networks has them

    def __len__(self) -> int:
        return len(self._places)

    def join(self, member: Member, place: Networks, now: float) -> bool:
        """Count a connection, and close idle ones where its network or the table is full.

        Returns False if there is no room for it; it is counted all the same, until it leaves.
        """
        self._places[member] = place
        full = None
        for names, name, part in zip(self._groups, place, PARTS, strict=True):
            if name:
                group = names.setdefault(name, set())
                group.add(member)
                if full is None and len(group) > max(self.most // part, 1):
                    full = (name, group, f"over its {max(self.most // part, 1)} connections")
        if full is None and len(self._places) > self.most:
            full = (*self._largest(), f"it has most of {self.most} connections")
        return full is None or self._thin(member, *full, now)

    def leave(self, member: Member) -> None:
        """Count a connection no more."""
        for names, name in zip(self._groups, self._places.pop(member, ()), strict=False):
            group = names.get(name)
            if group is not None:
                group.discard(member)
                if not group:
                    del names[name]

    def _largest(self) -> tuple[str, Any]:
        """Return the site with the most connections; all of them where none has a network."""
        sites = self._groups[1]
        if not sites:
            return "", self._places
        return max(sites.items(), key=lambda item: len(item[1]))

    def _thin(self, newcomer: Member, name: str, group, why: str, now: float) -> bool:
        """Close the idlest connections of a group but the newcomer's; return False if all work."""
        idle = []
        for each in group:
            waits = None if each is newcomer else each.idle_for(now)
            if waits is not None:
                idle.append((waits, id(each), each))
        if not idle:
            self._told.note(name, "a newcomer was refused: " + why)
            return False
        idle.sort(reverse=True)
        going = idle[: max(1, len(idle) // AT_ONCE)]
        for _waits, _id, each in going:
            each.shut()
        self._told.note(name, "an idle connection was closed: " + why, len(going))
        return True


class Bucket:
    """Requests that a network may still make: it holds so many, and is filled by some a second."""

    __slots__ = ("at", "left", "most", "rate")

    def __init__(self, rate: float, most: float, now: float):
        self.rate, self.most, self.left, self.at = rate, most, most, now

    def take(self, now: float) -> bool:
        """Take one request out; return False if it is empty."""
        left = self.left + (now - self.at) * self.rate
        self.at = now
        left = min(left, self.most)
        if left < 1:
            self.left = left
            return False
        self.left = left - 1
        return True


class Rates:
    """How many requests each home and each site may still make."""

    def __init__(self, told: ShutOut = shut_out):
        self._told = told
        self._buckets: dict[str, Bucket] = {}

    def take(self, place: Networks, now: float) -> bool:
        """Count a request from a place; return False if it, or its site, has made too many."""
        home = self._bucket(place.home, limits.HOME_RATE, limits.HOME_BURST, now)
        site = self._bucket(place.site, limits.SITE_RATE, limits.SITE_BURST, now)
        if home.take(now) and site.take(now):
            return True
        self._told.note(place.site, "too many requests")
        return False

    def _bucket(self, name: str, rate: float, burst: float, now: float) -> Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= limits.BUCKETS_MAX:
                # the oldest one; a network that comes back finds a full one
                del self._buckets[next(iter(self._buckets))]
            bucket = self._buckets[name] = Bucket(rate, burst, now)
        return bucket

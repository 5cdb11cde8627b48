# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tuple of a refused batch a server does not take: found by halves, set aside when its
neighbours are taken (docs/design/upload.md); pure.

Positions count from the front of the sensor's buffer, and each batch is read from it anew: what was
re-dated meanwhile is never posted as it was. A tuple is known by its value.
"""

from collections import namedtuple

TRIES = 3  # refusals of a batch before it is split: a server may be in trouble for a moment
# refusals of a tuple asked alone that show it to be the fault: the one that made it a suspect, and
# another,
ALONE = 2
# or so many where the server only failed: one that fails at random would do so twice with any tuple
ALONE_CRASHED = 6
POSTS_MAX = 64  # of one search; one tuple among the most that a body holds needs about 20
ASIDE_MAX = 16  # tuples set aside that are remembered; all are counted

# what follows: this batch again later, the next one now, or nothing of this sensor is taken
AGAIN, ON, NONE = ("again", "on", "none")

# a tuple that a server does not take, and the status of its answer
Refused = namedtuple("Refused", ("sensor", "ts", "counter", "status"))


class Aside:
    """The tuples that were set aside: how many, and the newest ASIDE_MAX of them. Counters are
    cumulative, so no energy is lost.
    """

    def __init__(self):
        self.count = 0
        self.newest = []

    def add(self, refused: Refused) -> None:
        self.count += 1
        self.newest = (self.newest + [refused])[-ASIDE_MAX:]


class Sieve:
    """Judges the refusals of every sensor's batches. batch() says what to post; took() or refused()
    follows.
    """

    def __init__(self):
        self._refusals = {}  # sensor: refusals in a row before its batch is split
        self._searches = {}  # sensor: Search
        self._none = {}  # sensors of which nothing is taken, until something is

    def batch(self, sensor: str, buffer, limit: int) -> "list[tuple[int, int]]":
        """Return the tuples to post now, at most limit unless a search asks for others; none when
        the buffer is empty.
        """
        search = self._searches.get(sensor)
        tuples = search.batch(buffer, limit) if search is not None else []
        if not tuples:
            self._searches.pop(sensor, None)
            tuples = buffer.batch(limit)
        return tuples

    def searching(self, sensor: str) -> bool:
        return sensor in self._searches

    def hopeless(self, sensor: str) -> bool:
        """Return whether the last search found nothing of this sensor that the server takes."""
        return sensor in self._none

    def took(self, sensor: str, whole: bool) -> None:
        """The server has what batch() gave; whole: it was all that the sensor had."""
        self._none.pop(sensor, None)
        search = self._searches.get(sensor)
        if search is not None:
            search.took()
        elif whole:
            self._refusals.pop(sensor, None)

    def refused(
        self, sensor: str, batch: "list[tuple[int, int]]", buffer, limit: int, alone: int = ALONE
    ) -> "tuple[str, tuple[int, int] | None]":
        """The server refuses what batch() gave. Return AGAIN, ON or NONE, and the tuple that is to
        be set aside now, if one is.

        alone: how often a tuple must have been refused by itself for that, ALONE or ALONE_CRASHED.
        """
        search = self._searches.get(sensor)
        if search is None:
            count = self._refusals.get(sensor, 0) + 1
            self._refusals[sensor] = count
            if count < TRIES:
                return AGAIN, None
            search = self._searches[sensor] = Search(len(batch))
            if len(batch) == 1:
                search.suspect(batch[0])
            culprit = None
        else:
            culprit = search.refused(batch, alone)
        if search.batch(buffer, limit):
            return ON, culprit
        del self._searches[sensor]
        if search.accepted:
            return (ON if search.posts < POSTS_MAX else AGAIN), culprit
        self._refusals.pop(sensor)
        self._none[sensor] = True
        return NONE, None


class Search:
    """One search in a batch that was refused TRIES times: halves, down to a tuple that is refused
    alone, then its neighbours.

    While nothing was taken, what follows the first suspect is asked in growing parts, beyond the
    batch too, and not split: a server that refuses everything costs few requests. Once something
    was taken, each suspect is asked again; the one that stays refused is the fault.
    """

    def __init__(self, count):
        self.accepted = False  # whether the server took anything since
        self.posts = 0
        self._held = count  # tuples at the front that were refused, while nothing was taken
        # whether the newest tuple is still to be asked alone, when all else is refused
        self._newest = 1 if count > 1 else 0
        self._suspects = []  # tuples refused alone, and how often each was
        self._times = {}
        self._later = []  # parts refused while nothing was taken, to be split when something is
        self._todo = []  # parts (position, count) to ask, the next one last
        if count > 1:
            self._split(0, count)

    def suspect(self, pair: "tuple[int, int]") -> None:
        """Note that this tuple was refused alone."""
        if pair not in self._times:
            self._suspects.append(pair)
        self._times[pair] = self._times.get(pair, 0) + 1

    def batch(self, buffer, limit: int) -> "list[tuple[int, int]]":
        """Return the tuples to ask next; none when the search is over."""
        if self.posts >= POSTS_MAX:
            return []
        while self._todo:
            at, count = self._todo[-1]
            tuples = buffer.batch(count, at)
            if tuples:
                return tuples
            self._todo.pop()  # the buffer was thinned meanwhile
        if self.accepted:
            return []
        return buffer.batch(limit, self._held) or buffer.batch(
            self._newest, max(0, len(buffer) - 1)
        )

    def took(self) -> None:
        """The server has what batch() gave, and the buffer not any more."""
        self.posts += 1
        at, count = self._todo.pop() if self._todo else (self._held, 0)
        self._close_gap(at, count)
        if self.accepted:
            return
        self.accepted = True
        # the first of them stand at the front
        again = [(position, 1) for position in range(len(self._suspects))]
        later, self._later = self._later, []
        self._todo = again[::-1] + self._todo
        for part in later[::-1]:
            self._split(*part)

    def refused(self, batch: "list[tuple[int, int]]", alone: int) -> "tuple[int, int] | None":
        """The server refuses what batch() gave. Return the tuple that is to be set aside, if this
        shows it.
        """
        self.posts += 1
        if not self._todo:
            self._held += len(batch)
            if len(batch) == 1:
                self._newest = 0
            return None
        at, count = self._todo.pop()
        if len(batch) > 1:
            if self._suspects and not self.accepted:
                self._later.append((at, count))
            else:
                self._split(at, count)
            return None
        self.suspect(batch[0])
        if self.accepted and self._times[batch[0]] >= alone:
            self._close_gap(at, 1)
            return batch[0]
        if self.accepted:
            self._todo.append((at, 1))  # once more, as a server may be in trouble for a moment
        return None

    def _split(self, at, count):
        half = (count + 1) // 2
        if count > half:
            self._todo.append((at + half, count - half))
        self._todo.append((at, half))

    def _close_gap(self, at, count):
        """So many tuples have left the buffer at this position."""
        self._todo = [(other - count if other > at else other, size) for other, size in self._todo]
        self._later = [
            (other - count if other > at else other, size) for other, size in self._later
        ]

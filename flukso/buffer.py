# SPDX-License-Identifier: GPL-3.0-or-later
"""The ageing buffer: cumulative tuples per sensor that get sparser with age, so that an outage
costs its logarithm (docs/design/buffer.md).
"""

from array import array

SPACING_S = 60  # between two kept tuples while they are young
YOUNG_S = 7200  # tuples younger than this keep SPACING_S
RATIO = 32  # a gap that thinning makes is at most its age / RATIO
PASS_S = 900  # thinning runs at most this often; the octave of age k is visited every 2^k passes
# a sensor; about 1,200 is the most that a whole 32-bit clock can leave, so this only stops a caller
# that never ages
TUPLES_MAX = 2048
U32_MAX = 0xFFFFFFFF


class SavedBufferError(ValueError):
    """A saved buffer that cannot be believed."""


def _array(values=()):
    return array("I", values)


class Buffer:
    """Tuples (unix s, counter) of one sensor, oldest first, timestamps rising.

    The first and the last tuple always stay; those between are dropped with age, which loses
    resolution and never energy, since counters are cumulative. The newest tuple stands outside the
    arrays: most readings only replace it.
    """

    def __init__(self):
        self._ts = _array()
        self._counters = _array()
        self.newest_ts = 0
        self._newest_counter = 0
        self._held = False  # whether the newest tuple is still in the buffer, or was acknowledged
        self.open_until = 0  # up to this timestamp a reading replaces the newest tuple
        self._pass = 0

    def __len__(self):
        return len(self._ts) + self._held

    def add(self, ts: int, counter: int) -> bool:
        """Add a reading in O(1); False if it is not newer than the last one, or over 32 bits."""
        if self.newest_ts < ts <= self.open_until and not counter >> 32:
            self.newest_ts = ts
            self._newest_counter = counter
            return True
        return self._append(ts, counter)

    def _append(self, ts, counter):
        if not self.newest_ts < ts <= U32_MAX or not 0 <= counter <= U32_MAX:
            return False
        if self._held:
            if len(self._ts) >= TUPLES_MAX - 1:
                self._thin(1, self._mature())
            self._ts.append(self.newest_ts)
            self._counters.append(self._newest_counter)
            self.open_until = self.newest_ts + SPACING_S
        else:
            self.open_until = 0  # the first tuple always stays
        self.newest_ts = ts
        self._newest_counter = counter
        self._held = True
        return True

    def last(self) -> "tuple[int, int] | None":
        """Return the newest reading, also when it was acknowledged since; None before the first."""
        return (self.newest_ts, self._newest_counter) if self.newest_ts else None

    def age(self) -> None:
        """Thin by age, which counts from the newest reading: a clock that jumps thins nothing.
        Cheap when nothing is due; else O(n).
        """
        number = self.newest_ts // PASS_S
        changed = number ^ self._pass
        if not changed:
            return
        self._pass = number
        horizon_s = YOUNG_S
        while changed:  # pass k·2^n reaches n octaves further back
            changed >>= 1
            horizon_s *= 2
        self._thin(self._index(self.newest_ts - horizon_s), self._mature())

    def _mature(self):
        """Return the index behind the last tuple that may be dropped: its successor is no longer
        young.
        """
        return self._index(self.newest_ts - YOUNG_S + 1) - 1

    def _index(self, ts):
        """Return the index of the first kept tuple that is not older than ts."""
        low, high = 0, len(self._ts)
        while low < high:
            middle = (low + high) // 2
            if self._ts[middle] < ts:
                low = middle + 1
            else:
                high = middle
        return low

    def _thin(self, start, end):
        """Drop what is closer than its age allows in [start, end); the tuple before start and the
        one at end stay.
        """
        start = max(start, 1)
        if start >= end:
            return
        stamps, counters, now = self._ts, self._counters, self.newest_ts
        write = start
        before = stamps[start - 1]
        here = stamps[start]
        for read in range(start, end):
            after = stamps[read + 1]
            if (after - before) * RATIO > now - after:
                stamps[write] = before = here
                counters[write] = counters[read]
                write += 1
            here = after
        stamps[write:end] = _array()
        counters[write:end] = _array()

    def batch(self, limit: int, start: int = 0) -> "list[tuple[int, int]]":
        """Return the oldest tuples from the start-th on, at most limit, oldest first."""
        end = start + limit
        tuples = list(zip(self._ts[start:end], self._counters[start:end]))  # noqa: B905
        if self._held and start <= len(self._ts) < end:
            tuples.append((self.newest_ts, self._newest_counter))
        return tuples

    def ack(self, batch: "list[tuple[int, int]]") -> int:
        """Drop exactly the tuples of the batch that are still here; return their number."""
        if not batch:
            return 0
        count = len(self)
        last = batch[-1][0]
        end = self._index(last + 1)
        gone = {}
        for ts, counter in batch:
            gone[ts] = counter
        stamps, counters = _array(), _array()
        for i in range(end):
            if gone.get(self._ts[i]) != self._counters[i]:
                stamps.append(self._ts[i])
                counters.append(self._counters[i])
        self._ts[:end] = stamps
        self._counters[:end] = counters
        if self._held and gone.get(self.newest_ts) == self._newest_counter:
            self._held = False
            self.open_until = 0
        elif not len(self._ts):
            self.open_until = 0  # the newest tuple has become the first
        return count - len(self)

    def shift(self, start: int, delta_s: int) -> "tuple[int, int]":
        """Re-date the tuples from timestamp start on by delta_s; return how many were moved, and
        how many dropped.

        Dropped are older ones that would not be older any more: they came before these, so their
        date cannot be right.
        """
        first, count = self._index(start), len(self)
        barred = min(first, self._index(start + delta_s))
        self._ts[barred:first] = _array()
        self._counters[barred:first] = _array()
        if self.newest_ts >= start:
            self.newest_ts += delta_s  # also when it was acknowledged: the next one is newer
        elif self.newest_ts >= start + delta_s:
            self.newest_ts = start + delta_s - 1
            self._held = False
        for i in range(barred, len(self._ts)):
            self._ts[i] += delta_s
        if self.open_until:
            self.open_until = self._ts[-1] + SPACING_S if self._held and len(self._ts) else 0
        moved = len(self._ts) - barred + (self._held and self.newest_ts >= start + delta_s)
        return moved, count - len(self)

    def forget(self, start: int) -> int:
        """Drop the tuples from timestamp start on; return their number."""
        if self.newest_ts < start:
            return 0
        first, count = self._index(start), len(self)
        self._held = first > 0
        self.newest_ts = self._ts[first - 1] if first else 0
        self._newest_counter = self._counters[first - 1] if first else 0
        self._ts[max(first - 1, 0) :] = _array()
        self._counters[max(first - 1, 0) :] = _array()
        self.open_until = 0
        return count - len(self)

    def arrays(self) -> "tuple[array, array]":
        """Return copies of all timestamps and all counters held."""
        stamps, counters = self._ts[:], self._counters[:]
        if self._held:
            stamps.append(self.newest_ts)
            counters.append(self._newest_counter)
        return stamps, counters

    def payload_bytes(self) -> int:
        """Return the bytes that the tuples take, without the interpreter's own overhead."""
        return 8 * len(self)


def restored(stamps: "list[int]", counters: "list[int]") -> Buffer:
    """Return the Buffer that holds exactly these tuples; SavedBufferError unless the timestamps
    rise.
    """
    if len(stamps) > TUPLES_MAX:
        raise SavedBufferError("too many tuples")
    before = 0
    for ts in stamps:
        if ts <= before:
            raise SavedBufferError("timestamps do not rise")
        before = ts
    buffer = Buffer()
    if stamps:
        buffer._ts.extend(_array(stamps[:-1]))
        buffer._counters.extend(_array(counters[:-1]))
        buffer.newest_ts = stamps[-1]
        buffer._newest_counter = counters[-1]
        buffer._held = True
    return buffer

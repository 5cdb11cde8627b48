# SPDX-License-Identifier: GPL-3.0-or-later
"""When wall time may be believed, and how readings are dated meanwhile (docs/upload.md, "Clock"); pure.

Readings are dated by the monotonic clock plus an offset. The wall clock only ever moves the offset, by rules that keep the stamps
rising: what a server has was never dated later than what follows.
"""

from collections import namedtuple

FLOOR_S = 1234567890  # an earlier wall clock has not been set yet; the field's limit
CEILING_S = 0xFFFFFFFF  # timestamps are 32 bits
STEP_S = 2  # a smaller difference is drift, a larger one a jump
CONFIRM_S = 300  # a jump must last that long before it is believed, when something was sent already
SLEW = 16  # stamps that are ahead run slower by 1/SLEW until the wall clock has caught up
APART_S = 61  # readings not dated yet start so far behind restored ones that the buffer does not take them for one minute
SLEW_MAX_S = 2 * 86400  # a clock further back is not slewed: it would take months

# re-date what was taken at or after stamp `start` by `delta_s`
Shift = namedtuple("Shift", ("start", "delta_s"))


def plausible(wall: float) -> bool:
    """Return whether a wall clock that shows this may be right."""
    return FLOOR_S <= wall <= CEILING_S


class Believer:
    """Dates readings. At each of them call date(), and where that is None observe(), then stamp()."""

    def __init__(self, mono: float, newest: int = 0):
        """Start at this monotonic time; newest is the latest stamp of a restored buffer: ours come after it."""
        self.believed = False
        self.jumps = 0  # jumps seen
        self._offset = float(newest + APART_S - int(mono))
        self._session = self.stamp(mono)  # stamp of the first reading that still moves with the offset
        self._restored = newest
        self._seen = mono
        self._candidate = None  # offset that a jump asks for
        self._since = mono

    def stamp(self, mono: float) -> int:
        """Return the timestamp of a reading taken at this monotonic time; preliminary until believed."""
        return int(self._offset + mono)

    def behind_s(self, wall: float, mono: float) -> float:
        """Return how far the wall clock is behind the stamps (negative: ahead)."""
        return self._offset + mono - wall

    def date(self, wall: float, mono: float) -> "int | None":
        """Return the timestamp of a reading taken now; None when the clocks did not go on as before: ask observe(). Every second."""
        difference = wall - mono - self._offset
        if not self.believed or not -STEP_S < difference < STEP_S:
            return None
        if difference > 0:
            self._offset += difference
        elif difference < 0:
            self._offset += max(difference, (self._seen - mono) / SLEW)
        self._candidate = None
        self._seen = mono
        return int(self._offset + mono)

    def observe(self, wall: float, mono: float, sent: int = 0) -> "Shift | None":
        """Note what both clocks show now; sent is the newest stamp that a server may have.

        A Shift that is returned must be applied to the buffers before the next reading is taken.
        """
        if self.date(wall, mono) is not None:
            return None
        passed = mono - self._seen
        self._seen = mono
        wanted = wall - mono
        if not plausible(wall):
            return None
        if not self.believed:
            self.believed = True
            least = self._offset - (self._session - self._restored - 1)  # the restored readings may be later: then stay behind them
            return self._move(max(wanted, least), mono, 0)
        return self._jump(wanted, mono, passed, sent)

    def _jump(self, wanted, mono, passed, sent):
        if self._candidate is None or abs(wanted - self._candidate) >= STEP_S:
            self._candidate = wanted
            self._since = mono
            self.jumps += 1
        fresh = sent < self._session
        if not fresh and mono - self._since < CONFIRM_S:
            return None
        behind = self._offset - wanted
        if behind < 0 or (fresh and self._session - behind > max(self._restored, sent)):
            self._candidate = None
            return self._move(wanted, mono, sent)
        if behind <= SLEW_MAX_S:
            self._offset -= min(behind, passed / SLEW)
            self._candidate = wanted  # goes on without a new jump
        return None

    def _move(self, wanted, mono, sent):
        """Take the new offset; what was taken since the start and not sent moves along."""
        start = max(self._session, sent + 1)
        delta_s = int(wanted + mono) - self.stamp(mono)
        self._offset = wanted
        self._session = start + delta_s
        return Shift(start, delta_s) if delta_s else None

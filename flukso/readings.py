# SPDX-License-Identifier: GPL-3.0-or-later
"""What the board said in one poll -> tuples in the store and each sensor's figures; pure."""

from array import array

from flukso import boards, quantities
from flukso.meter import NEVER, POWER_MAX, WINDOW_S, Meter

# an enabled analog sensor reports each second; silent for longer, the board has lost its settings
ABSENT_S = 10


class Readings:
    """Distributes the readings of the enabled sensors.

    Sensors are the configuration's; the board counts them from 0.
    """

    def __init__(self, sensors, mono: float, before: "Readings | None" = None, board=boards.SPI):
        """board: the Kind that is read. Meters that `before` had, with the same quantity, go on."""
        self._complete = not board.listens  # each reading has counter and power
        self.sensors = {}
        self._meters: dict[str, Meter] = {}
        self._known: list = [None] * board.sensors  # by index: (meter, whether it is analog)
        for sensor in sensors:
            quantity = quantities.of(sensor.type)
            old = before.meters.get(sensor.id) if before else None
            meter = old if old and old.quantity == quantity else Meter(quantity)
            self.sensors[sensor.number - 1] = sensor
            self._meters[sensor.id] = meter
            self._known[sensor.number - 1] = (meter, sensor.class_ == "analog")
        self.indexes = sorted(self.sensors)
        self.strangers = 0  # readings of sensors that are not enabled here
        self.refused = 0  # lines with a tuple that the buffer did not take: not newer than its last
        self._seen: dict[int, float] = {}  # analog sensor's index: when it reported last
        self._line_set = 0  # which sensors the line before had, a bit each,
        self._line: tuple = ()  # and their ids: the store takes the same tuple faster
        self._second = NEVER  # of the newest line
        # which sensors that line has, when the next one like it may take the short way; else 0
        self._steady = 0
        self._followed: list[tuple] = []  # their indexes and meters
        # the newest counters that these meters do not know yet,
        self._late: "list[int] | None" = None
        self._late_at = mono  # and when they came
        self._slots = [
            known[0].slots if known and known[1] else array("l", [0] * WINDOW_S)
            for known in self._known
        ]
        self.expect(mono)

    @property
    def meters(self) -> "dict[str, Meter]":
        """The sensors' figures by id, up to date. Ask anew for each look."""
        self._work_out()
        return self._meters

    def ids(self) -> "list[str]":
        return [self.sensors[index].id for index in self.indexes]

    def expect(self, mono: float):
        """From now on every analog sensor is due to report within ABSENT_S."""
        for index in self.indexes:
            if self._known[index][1]:
                self._seen[index] = mono

    def absent(self, mono: float) -> bool:
        """Say whether an enabled analog sensor has not reported for ABSENT_S."""
        self._work_out()
        return bool(self._seen) and mono - min(self._seen.values()) > ABSENT_S

    def add_poll(self, poll, store, ts: int, mono: float):
        """Take a boards.Poll, whose sensors rise: every counter becomes a tuple of this timestamp.
        This runs for every line.

        A line of the same analog sensors as the one of the second before goes a short way: its
        powers are written to the meters' slots at once, and the rest is left until somebody looks.
        """
        second = round(mono)
        if self._steady and second == self._second + 1 and not poll.counters:
            line, counters = 1, []
            slots, place = self._slots, second % WINDOW_S
            most = POWER_MAX
            for index, counter, _, watt in poll.deltas:
                line = line << 3 | index
                if watt <= most:
                    slots[index][place] = watt
                else:
                    line = 0  # the long way
                counters.append(counter)
            if line == self._steady:
                self._second = second
                self._late = counters
                self._late_at = mono
                if not store.add_line(ts, self._line, counters):
                    self.refused += 1
                return
        self._work_out()
        self._add_slowly(poll, store, ts, mono, second)
        self._second = second
        self._steady = self._signature(poll) if self._complete else 0

    def _signature(self, poll):
        """Return the sensors of the line that add_poll() was just given, as an integer.

        Three bits each below a 1; 0 when no other line can go the short way.
        """
        line, followed = 1, []
        for delta in poll.deltas:
            known = self._known[delta.sensor]
            if known is None or not known[1] or known[0].rate_at != self._second:
                return 0
            line = line << 3 | delta.sensor
            followed.append((delta.sensor, known[0]))
        self._followed = followed
        return line if followed and not poll.counters else 0

    def _work_out(self):
        """Tell the meters what the lines were that went the short way."""
        if self._late is None:
            return
        for (index, meter), counter in zip(self._followed, self._late):  # noqa: B905
            meter.follow(self._second, counter)
            self._seen[index] = self._late_at
        self._late = None

    def _add_slowly(self, poll, store, ts, mono, second):
        known, seen = self._known, self._seen
        line, counters = 0, []
        for index, counter, milli, extra in poll.deltas:
            if known[index] is None:
                self.strangers += 1
                continue
            meter, analog = known[index]
            if extra is None:
                meter.count(mono, counter)
            elif analog:
                seen[index] = mono
                meter.power(second, counter, extra)
            else:
                meter.pulse(mono, counter, milli, extra)
            if counter is not None:
                line |= 1 << index
                counters.append(counter)
        for index, counter in poll.counters:
            if known[index] is None:
                self.strangers += 1
                continue
            known[index][0].count(mono, counter)
            line |= 1 << index
            counters.append(counter)
        if line != self._line_set:
            self._line_set = line
            self._line = tuple(
                [self.sensors[index].id for index in self.indexes if line >> index & 1]
            )
        if line and not store.add_line(ts, self._line, counters):
            self.refused += 1

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the board said in one poll -> tuples in the store and each sensor's figures; pure."""

from flukso.config import BOARD_SENSORS
from flukso.meter import UNIT_OF_TYPE, WATT, Meter

ABSENT_S = 10  # an enabled analog sensor reports each second; silent for longer, the board has lost its settings


class Readings:
    """Distributes the readings of the enabled sensors. Sensors are the configuration's; the board counts them from 0."""

    def __init__(self, sensors, mono: float, before: "Readings | None" = None):
        """Meters of sensors that `before` had too, with the same unit, go on."""
        self.sensors = {}
        self.meters: dict[str, Meter] = {}
        self._known: list = [None] * BOARD_SENSORS  # by index: (meter, whether it is analog)
        for sensor in sensors:
            unit = UNIT_OF_TYPE.get(sensor.type, WATT)
            old = before.meters.get(sensor.id) if before else None
            meter = old if old and old.unit == unit else Meter(unit)
            self.sensors[sensor.number - 1] = sensor
            self.meters[sensor.id] = meter
            self._known[sensor.number - 1] = (meter, sensor.class_ == "analog")
        self.indexes = sorted(self.sensors)
        self.strangers = 0  # readings of sensors that are not enabled here
        self.refused = 0  # lines with a tuple that the buffer did not take: not newer than its last
        self._seen: dict[int, float] = {}  # analog sensor's index: when it reported last
        self._line_set = 0  # which sensors the line before had, a bit each,
        self._line: tuple = ()  # and their ids: the store takes the same tuple faster
        self.expect(mono)

    def ids(self) -> "list[str]":
        return [self.sensors[index].id for index in self.indexes]

    def expect(self, mono: float):
        """From now on every analog sensor is due to report within ABSENT_S."""
        for index in self.indexes:
            if self._known[index][1]:
                self._seen[index] = mono

    def absent(self, mono: float) -> bool:
        """Say whether an enabled analog sensor has not reported for ABSENT_S."""
        return bool(self._seen) and mono - min(self._seen.values()) > ABSENT_S

    def take(self, poll, store, ts: int, mono: float):
        """Take a board.Poll, whose sensors rise: every counter becomes a tuple of this timestamp. This runs for every line."""
        known, seen, second = self._known, self._seen, round(mono)
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
            self._line = tuple([self.sensors[index].id for index in self.indexes if line >> index & 1])
        if line and not store.take(ts, self._line, counters):
            self.refused += 1

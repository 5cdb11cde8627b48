# SPDX-License-Identifier: GPL-3.0-or-later
"""What the board said in one poll -> tuples in the store and each sensor's figures; pure."""

from flukso.meter import UNIT_OF_TYPE, WATT, Meter

ABSENT_S = 10  # an enabled analog sensor reports each second; silent for longer, the board has lost its settings


class Readings:
    """Distributes the readings of the enabled sensors. Sensors are the configuration's; the board counts them from 0."""

    def __init__(self, sensors, mono: float, before: "Readings | None" = None):
        """Meters of sensors that `before` had too, with the same unit, go on."""
        self.sensors = {}
        self.meters: dict[str, Meter] = {}
        for sensor in sensors:
            unit = UNIT_OF_TYPE.get(sensor.type, WATT)
            old = before.meters.get(sensor.id) if before else None
            self.sensors[sensor.number - 1] = sensor
            self.meters[sensor.id] = old if old and old.unit == unit else Meter(unit)
        self.indexes = sorted(self.sensors)
        self.strangers = 0  # readings of sensors that are not enabled here
        self.refused = 0  # lines with a tuple that the buffer did not take: not newer than its last
        self._known = {}  # index: (id, meter, analog)
        for index in self.indexes:
            sensor = self.sensors[index]
            self._known[index] = (sensor.id, self.meters[sensor.id], sensor.class_ == "analog")
        self._seen: dict[int, float] = {}  # analog sensor's index: when it reported last
        self._line: tuple = ()  # ids of the line before: the store takes the same ones faster
        self.expect(mono)

    def ids(self) -> "list[str]":
        return [self.sensors[index].id for index in self.indexes]

    def expect(self, mono: float):
        """From now on every analog sensor is due to report within ABSENT_S."""
        for index in self.indexes:
            if self._known[index][2]:
                self._seen[index] = mono

    def absent(self, mono: float) -> bool:
        """Say whether an enabled analog sensor has not reported for ABSENT_S."""
        return any(mono - self._seen[index] > ABSENT_S for index in self._seen)

    def take(self, poll, store, ts: int, mono: float):
        """Take a board.Poll: every counter becomes a tuple of this timestamp."""
        ids, counters = [], []
        for index, counter, milli, extra in poll.deltas:
            known = self._find(index)
            if known is None:
                continue
            id_, meter, analog = known
            if extra is None:
                meter.count(mono, counter)
            elif analog:
                self._seen[index] = mono
                meter.power(mono, counter, extra)
            else:
                meter.pulse(mono, counter, milli, extra)
            if counter is not None:
                ids.append(id_)
                counters.append(counter)
        for index, counter in poll.counters:
            known = self._find(index)
            if known is not None:
                known[1].count(mono, counter)
                ids.append(known[0])
                counters.append(counter)
        if ids and not store.take(ts, self._same(tuple(ids)), counters):
            self.refused += 1

    def _find(self, index):
        known = self._known.get(index)
        if known is None:
            self.strangers += 1
        return known

    def _same(self, ids):
        """Return the tuple of the line before when it has the same ids."""
        if ids != self._line:
            self._line = ids
        return self._line

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the board said in one poll -> tuples in the store and each sensor's figures; pure."""

from flukso.meter import UNIT_OF_TYPE, WATT, Meter

ABSENT_S = 10  # an enabled analog sensor reports each second; silent for longer, the board has lost its settings


class Readings:
    """Distributes the readings of the enabled sensors. Sensors are the configuration's; the board counts them from 0."""

    def __init__(self, sensors, mono: float, before: "Readings | None" = None):
        """Meters of sensors that `before` had too, with the same unit, go on."""
        self.sensors = {}
        self.meters = {}
        for sensor in sensors:
            unit = UNIT_OF_TYPE.get(sensor.type, WATT)
            old = before.meters.get(sensor.id) if before else None
            self.sensors[sensor.number - 1] = sensor
            self.meters[sensor.id] = old if old and old.unit == unit else Meter(unit)
        self.indexes = sorted(self.sensors)
        self.strangers = 0  # readings of sensors that are not enabled here
        self.refused = 0  # tuples that the buffer did not take: not newer than its last
        self._seen = mono  # when all analog sensors reported last
        self._missing = set()
        self.expect(mono)

    def ids(self) -> "list[str]":
        return [self.sensors[index].id for index in self.indexes]

    def expect(self, mono: float):
        """From now on every analog sensor is due to report within ABSENT_S."""
        self._seen = mono
        self._missing = set([index for index in self.indexes if self.sensors[index].class_ == "analog"])

    def absent(self, mono: float) -> bool:
        """Say whether an enabled analog sensor has not reported for ABSENT_S."""
        return bool(self._missing) and mono - self._seen > ABSENT_S

    def take(self, poll, store, ts: int, mono: float):
        """Take a board.Poll: every counter becomes a tuple of this timestamp."""
        for delta in poll.deltas:
            sensor = self._sensor(delta.sensor)
            if sensor is None:
                continue
            self._missing.discard(delta.sensor)
            meter = self.meters[sensor.id]
            if sensor.class_ == "analog":
                meter.power(mono, delta.counter, delta.extra)
            else:
                meter.pulse(mono, delta.counter, delta.milli, delta.extra)
            self._store(store, sensor, ts, delta.counter)
        for index, counter in poll.counters:
            sensor = self._sensor(index)
            if sensor is not None:
                self.meters[sensor.id].count(mono, counter)
                self._store(store, sensor, ts, counter)
        if not self._missing:
            self.expect(mono)

    def _sensor(self, index):
        sensor = self.sensors.get(index)
        if sensor is None:
            self.strangers += 1
        return sensor

    def _store(self, store, sensor, ts, counter):
        if not store.add(sensor.id, ts, counter):
            self.refused += 1

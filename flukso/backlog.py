# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds what waits for the server, and its form in a file (docs/design/buffer.md)."""

import struct
from array import array
from binascii import crc32, hexlify, unhexlify

from flukso.buffer import PASS_S, TUPLES_MAX, U32_MAX, Buffer, SavedBufferError, restored

SENSORS_MAX = 64  # of the field's configuration files
MAGIC = b"FLXB"
VERSION = 1  # without a note;
NOTED = 2  # with one
NOTE_MAX = 256  # bytes of the note
HEAD = "<4sBBH"  # magic, version, sensors, length of the note that follows
# id, tuples; then all timestamps, then all counters, u32 each; at the end CRC-32 over all before it
SENSOR_HEAD = "<16sH"
DUMP_MAX = 8 + NOTE_MAX + SENSORS_MAX * (18 + 8 * TUPLES_MAX) + 4
CHUNK = 64  # integers packed at once, so that saving needs no large second copy


class Store:
    """The buffers of all sensors, by their id of 32 lower-case hex digits, in the order in which
    they came.

    The board reports its sensors together, second by second, and most of these lines only replace
    the one before: the newest line is held back as a whole, and reaches the buffers when its minute
    is over or when anybody looks.
    """

    def __init__(self):
        self._ids = []
        self._buffers = {}
        self._line: tuple | None = None  # sensors of the line held back
        self._line_ts = 0
        self._line_counters: list[int] = []
        self._line_until = 0  # up to this timestamp another line of these sensors replaces it
        self._pass = 0
        # what whoever dates the tuples wants to find beside them; saved and loaded with them
        self.note = b""

    def add_line(self, ts: int, sensors: "tuple[str, ...]", counters: "list[int]") -> bool:
        """Add one reading of each of these sensors, as add() of each would.

        The same tuple object each time makes it fast. Returns False when a reading was refused; one
        that does not fit 32 bits may also be refused later, without a word.
        """
        if sensors is self._line and self._line_ts < ts <= self._line_until:
            self._line_ts = ts
            self._line_counters = counters
            return True
        self._settle()
        taken, until = True, U32_MAX
        for sensor, counter in zip(sensors, counters):  # noqa: B905
            buffer = self.buffer(sensor)
            taken = buffer.add(ts, counter) and taken
            until = min(until, buffer.open_until)
        if taken:
            self._line, self._line_ts, self._line_counters, self._line_until = (
                sensors,
                ts,
                [],
                until,
            )
        return taken

    def _settle(self):
        """Give the line that is held back to the buffers."""
        for sensor, counter in zip(self._line or (), self._line_counters):  # noqa: B905
            self._buffers[sensor].add(self._line_ts, counter)
        self._line, self._line_counters = None, []

    def ids(self) -> "list[str]":
        return self._ids[:]

    def buffer(self, sensor: str) -> Buffer:
        """Return the sensor's buffer, made when it is missing. Raises ValueError for too many."""
        if self._line is not None:
            self._settle()
        if sensor not in self._buffers:
            if len(self._ids) >= SENSORS_MAX:
                raise ValueError("more than {} sensors".format(SENSORS_MAX))
            self._ids.append(sensor)
            self._buffers[sensor] = Buffer()
        return self._buffers[sensor]

    def __len__(self):
        """Return the number of tuples held."""
        return sum([len(self.buffer(sensor)) for sensor in self._ids])

    def add(self, sensor: str, ts: int, counter: int) -> bool:
        """Take a reading, as Buffer.add."""
        return self.buffer(sensor).add(ts, counter)

    def age(self) -> None:
        """Thin every buffer by age; cheap when nothing is due."""
        if self._line is not None and self._line_ts // PASS_S == self._pass:
            return
        for sensor in self._ids:
            self.buffer(sensor).age()
        self._pass = self.newest() // PASS_S

    def repeat(self, sensors: "list[str]", now: int) -> None:
        """Repeat the counter of each of these sensors at `now`, so that none seems silent.

        Only for a board that answered just now: a repeated counter says that nothing was used
        since.
        """
        for sensor in sensors:
            last = self.buffer(sensor).last()
            if last is not None and last[0] < now:
                self.buffer(sensor).add(now, last[1])

    def newest(self) -> int:
        """Return the newest timestamp ever taken, 0 before the first."""
        return max([0] + [self.buffer(sensor).newest_ts for sensor in self._ids])

    def shift(self, start: int, delta_s: int) -> "tuple[int, int]":
        """Re-date what was taken from timestamp `start` on, as Buffer.shift.

        Returns how many tuples were moved, and how many dropped.
        """
        counts = [self.buffer(sensor).shift(start, delta_s) for sensor in self._ids]
        return sum([moved for moved, _ in counts]), sum([dropped for _, dropped in counts])

    def forget(self, start: int) -> int:
        """Drop what is dated from timestamp start on; return the number of tuples."""
        return sum([self.buffer(sensor).forget(start) for sensor in self._ids])

    def payload_bytes(self) -> int:
        return sum([self.buffer(sensor).payload_bytes() for sensor in self._ids])

    def dump(self) -> bytes:
        """Return all tuples held, for load(); equal tuples give equal bytes on every machine."""
        if len(self.note) > NOTE_MAX:
            raise ValueError("a note of {} bytes".format(len(self.note)))
        out = bytearray(
            struct.pack(
                HEAD, MAGIC, NOTED if self.note else VERSION, len(self._ids), len(self.note)
            )
        )
        out.extend(self.note)
        for sensor in self._ids:
            stamps, counters = self.buffer(sensor).arrays()
            out.extend(struct.pack(SENSOR_HEAD, unhexlify(sensor), len(stamps)))
            _pack(out, stamps)
            _pack(out, counters)
        out.extend(struct.pack("<I", crc32(out)))
        return bytes(out)


def _pack(out, values):
    for i in range(0, len(values), CHUNK):
        part = values[i : i + CHUNK]
        out.extend(struct.pack("<{}I".format(len(part)), *part))


def _unpack(data, at, count):
    values = array("I")
    while count:
        part = min(count, CHUNK)
        values.extend(array("I", struct.unpack_from("<{}I".format(part), data, at)))
        at += 4 * part
        count -= part
    return values


def load(data: bytes) -> Store:
    """Return the Store that dump() wrote. Raises SavedBufferError for any other bytes."""
    head, sensor_head = struct.calcsize(HEAD), struct.calcsize(SENSOR_HEAD)
    if not head + 4 <= len(data) <= DUMP_MAX:
        raise SavedBufferError("length {}".format(len(data)))
    end = len(data) - 4
    if struct.unpack_from("<I", data, end)[0] != crc32(memoryview(data)[:end]):
        raise SavedBufferError("checksum")
    magic, version, sensors, noted = struct.unpack_from(HEAD, data, 0)
    if (
        magic != MAGIC
        or version != (NOTED if noted else VERSION)
        or noted > NOTE_MAX
        or sensors > SENSORS_MAX
    ):
        raise SavedBufferError("not a buffer of version {} or {}".format(VERSION, NOTED))
    if head + noted > end:
        raise SavedBufferError("cut")
    store = Store()
    store.note = bytes(data[head : head + noted])
    at = head + noted
    for _ in range(sensors):
        if at + sensor_head > end:
            raise SavedBufferError("cut")
        raw, count = struct.unpack_from(SENSOR_HEAD, data, at)
        at += sensor_head
        if count > TUPLES_MAX or at + 8 * count > end:
            raise SavedBufferError("cut")
        sensor = hexlify(raw).decode()
        if sensor in store._buffers:
            raise SavedBufferError("a sensor twice")
        store._ids.append(sensor)
        store._buffers[sensor] = restored(
            _unpack(data, at, count), _unpack(data, at + 4 * count, count)
        )
        at += 8 * count
    if at != end:
        raise SavedBufferError("trailing bytes")
    return store

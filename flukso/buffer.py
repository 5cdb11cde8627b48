# SPDX-License-Identifier: GPL-3.0-or-later
"""The ageing buffer: cumulative tuples per sensor that get sparser with age, so that an outage
costs its logarithm (docs/buffer.md).
"""

import struct
from array import array
from binascii import crc32, hexlify, unhexlify

SPACING_S = 60  # between two kept tuples while they are young
YOUNG_S = 7200  # tuples younger than this keep SPACING_S
RATIO = 32  # a gap that thinning makes is at most its age / RATIO
PASS_S = 900  # thinning runs at most this often; the octave of age k is visited every 2^k passes
# a sensor; about 1,200 is the most that a whole 32-bit clock can leave, so this only stops a caller
# that never ages
TUPLES_MAX = 2048
SENSORS_MAX = 64  # of the field's configuration files
U32_MAX = 0xFFFFFFFF

MAGIC = b"FLXB"
VERSION = 1  # without a note;
NOTED = 2  # with one
NOTE_MAX = 256  # bytes of the note
HEAD = "<4sBBH"  # magic, version, sensors, length of the note that follows
# id, tuples; then all timestamps, then all counters, u32 each; at the end CRC-32 over all before it
SENSOR_HEAD = "<16sH"
DUMP_MAX = 8 + NOTE_MAX + SENSORS_MAX * (18 + 8 * TUPLES_MAX) + 4
CHUNK = 64  # integers packed at once, so that saving needs no large second copy


class BufferError_(ValueError):
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
        self._newest_ts = 0
        self._newest_counter = 0
        self._held = False  # whether the newest tuple is still in the buffer, or was acknowledged
        self._open_until = 0  # up to this timestamp a reading replaces the newest tuple
        self._pass = 0

    def __len__(self):
        return len(self._ts) + self._held

    def add(self, ts: int, counter: int) -> bool:
        """Take a reading; False when it is not newer than the last one or not within 32 bits. O(1)."""
        if self._newest_ts < ts <= self._open_until and not counter >> 32:
            self._newest_ts = ts
            self._newest_counter = counter
            return True
        return self._append(ts, counter)

    def _append(self, ts, counter):
        if not self._newest_ts < ts <= U32_MAX or not 0 <= counter <= U32_MAX:
            return False
        if self._held:
            if len(self._ts) >= TUPLES_MAX - 1:
                self._thin(1, self._mature())
            self._ts.append(self._newest_ts)
            self._counters.append(self._newest_counter)
            self._open_until = self._newest_ts + SPACING_S
        else:
            self._open_until = 0  # the first tuple always stays
        self._newest_ts = ts
        self._newest_counter = counter
        self._held = True
        return True

    def last(self) -> "tuple[int, int] | None":
        """Return the newest reading, also when it was acknowledged since; None before the first."""
        return (self._newest_ts, self._newest_counter) if self._newest_ts else None

    def age(self) -> None:
        """Thin by age, which counts from the newest reading: a clock that jumps thins nothing.
        Cheap when nothing is due; else O(n).
        """
        number = self._newest_ts // PASS_S
        changed = number ^ self._pass
        if not changed:
            return
        self._pass = number
        horizon_s = YOUNG_S
        while changed:  # pass k·2^n reaches n octaves further back
            changed >>= 1
            horizon_s *= 2
        self._thin(self._index(self._newest_ts - horizon_s), self._mature())

    def _mature(self):
        """Return the index behind the last tuple that may be dropped: its successor is no longer
        young.
        """
        return self._index(self._newest_ts - YOUNG_S + 1) - 1

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
        stamps, counters, now = self._ts, self._counters, self._newest_ts
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
            tuples.append((self._newest_ts, self._newest_counter))
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
        if self._held and gone.get(self._newest_ts) == self._newest_counter:
            self._held = False
            self._open_until = 0
        elif not len(self._ts):
            self._open_until = 0  # the newest tuple has become the first
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
        if self._newest_ts >= start:
            self._newest_ts += delta_s  # also when it was acknowledged: the next one is newer
        elif self._newest_ts >= start + delta_s:
            self._newest_ts = start + delta_s - 1
            self._held = False
        for i in range(barred, len(self._ts)):
            self._ts[i] += delta_s
        if self._open_until:
            self._open_until = self._ts[-1] + SPACING_S if self._held and len(self._ts) else 0
        moved = len(self._ts) - barred + (self._held and self._newest_ts >= start + delta_s)
        return moved, count - len(self)

    def forget(self, start: int) -> int:
        """Drop the tuples from timestamp start on; return their number."""
        if self._newest_ts < start:
            return 0
        first, count = self._index(start), len(self)
        self._held = first > 0
        self._newest_ts = self._ts[first - 1] if first else 0
        self._newest_counter = self._counters[first - 1] if first else 0
        self._ts[max(first - 1, 0) :] = _array()
        self._counters[max(first - 1, 0) :] = _array()
        self._open_until = 0
        return count - len(self)

    def arrays(self) -> "tuple[array, array]":
        """Return copies of all timestamps and all counters held."""
        stamps, counters = self._ts[:], self._counters[:]
        if self._held:
            stamps.append(self._newest_ts)
            counters.append(self._newest_counter)
        return stamps, counters

    def payload_bytes(self) -> int:
        """Return the bytes that the tuples take, without the interpreter's own overhead."""
        return 8 * len(self)


def restored(stamps: "list[int]", counters: "list[int]") -> Buffer:
    """Return the Buffer that holds exactly these tuples; BufferError_ unless the timestamps rise."""
    if len(stamps) > TUPLES_MAX:
        raise BufferError_("too many tuples")
    before = 0
    for ts in stamps:
        if ts <= before:
            raise BufferError_("timestamps do not rise")
        before = ts
    buffer = Buffer()
    if stamps:
        buffer._ts.extend(_array(stamps[:-1]))
        buffer._counters.extend(_array(counters[:-1]))
        buffer._newest_ts = stamps[-1]
        buffer._newest_counter = counters[-1]
        buffer._held = True
    return buffer


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

    def take(self, ts: int, sensors: "tuple[str, ...]", counters: "list[int]") -> bool:
        """Take one reading of each of these sensors, as add() of each would. The same tuple object
        each time makes it fast.

        False when one was refused; what is out of 32 bits may be refused later, without a word.
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
            until = min(until, buffer._open_until)
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
        """Return the sensor's buffer, made when it is missing; ValueError when there are too many."""
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
        """Repeat the counter of each of these sensors at now, so that one that stands still is not
        taken for silent.

        Only for a board that answered just now: a repeated counter says that nothing was used until
        now.
        """
        for sensor in sensors:
            last = self.buffer(sensor).last()
            if last is not None and last[0] < now:
                self.buffer(sensor).add(now, last[1])

    def newest(self) -> int:
        """Return the newest timestamp ever taken, 0 before the first."""
        return max([0] + [self.buffer(sensor)._newest_ts for sensor in self._ids])

    def shift(self, start: int, delta_s: int) -> "tuple[int, int]":
        """Re-date what was taken from timestamp start on, as Buffer.shift; return the sums of what
        was moved and dropped.
        """
        found = [self.buffer(sensor).shift(start, delta_s) for sensor in self._ids]
        return sum([moved for moved, _ in found]), sum([dropped for _, dropped in found])

    def forget(self, start: int) -> int:
        """Drop what is dated from timestamp start on; return the number of tuples."""
        return sum([self.buffer(sensor).forget(start) for sensor in self._ids])

    def payload_bytes(self) -> int:
        return sum([self.buffer(sensor).payload_bytes() for sensor in self._ids])

    def dump(self) -> bytes:
        """Return all tuples held, for load(); the same tuples give the same bytes on every machine."""
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
    values = _array()
    while count:
        part = min(count, CHUNK)
        values.extend(_array(struct.unpack_from("<{}I".format(part), data, at)))
        at += 4 * part
        count -= part
    return values


def load(data: bytes) -> Store:
    """Return the Store that dump() wrote. Raises BufferError_ for anything else, whatever the
    bytes.
    """
    head, sensor_head = struct.calcsize(HEAD), struct.calcsize(SENSOR_HEAD)
    if not head + 4 <= len(data) <= DUMP_MAX:
        raise BufferError_("length {}".format(len(data)))
    end = len(data) - 4
    if struct.unpack_from("<I", data, end)[0] != crc32(memoryview(data)[:end]):
        raise BufferError_("checksum")
    magic, version, sensors, noted = struct.unpack_from(HEAD, data, 0)
    if (
        magic != MAGIC
        or version != (NOTED if noted else VERSION)
        or noted > NOTE_MAX
        or sensors > SENSORS_MAX
    ):
        raise BufferError_("not a buffer of version {} or {}".format(VERSION, NOTED))
    if head + noted > end:
        raise BufferError_("cut")
    store = Store()
    store.note = bytes(data[head : head + noted])
    at = head + noted
    for _ in range(sensors):
        if at + sensor_head > end:
            raise BufferError_("cut")
        raw, count = struct.unpack_from(SENSOR_HEAD, data, at)
        at += sensor_head
        if count > TUPLES_MAX or at + 8 * count > end:
            raise BufferError_("cut")
        sensor = hexlify(raw).decode()
        if sensor in store._buffers:
            raise BufferError_("a sensor twice")
        store._ids.append(sensor)
        store._buffers[sensor] = restored(
            _unpack(data, at, count), _unpack(data, at + 4 * count, count)
        )
        at += 8 * count
    if at != end:
        raise BufferError_("trailing bytes")
    return store

# SPDX-License-Identifier: GPL-3.0-or-later
"""Measured on either interpreter: an outage of many days, three readings a second. Argument: days.

Each 300 s the buffer is aged and the body that each sensor would try next is encoded, as the
uploader does while a server is away. At the end everything is taken out as a server would get it,
and the energy is counted.
"""

import json
import sys

from flukso.backlog import Store
from flukso.buffer import SPACING_S
from flukso.upload import BATCH, PROBE, encode

START = 1700000000
EVERY_S = 300


def outage(store, sensors, days):
    """Feed each second, age and encode each EVERY_S."""
    take = store.take
    buffers = [store.buffer(sensor) for sensor in sensors]
    for begin in range(START, START + days * 86400, EVERY_S):
        for ts in range(begin, begin + EVERY_S):
            take(ts, sensors, readings(ts - START))
        store.age()
        for buffer in buffers:
            encode(buffer.batch(PROBE))
    return ts


def readings(used):
    """Return the counters of three sensors that use 1, 2 and 3 Wh a second."""
    return [used, used + used, used + used + used]


def taken_out(buffer):
    """Return all tuples as a server gets them, body by body."""
    tuples = []
    while len(buffer):
        batch = buffer.batch(BATCH)
        tuples.extend(json.loads(encode(batch).decode())["measurements"])
        buffer.ack(batch)
    return tuples


def main(days):
    sensors = tuple(["{:032x}".format(n) for n in range(3)])
    store = Store()
    last = outage(store, sensors, days)
    kept = [len(store.buffer(sensor)) for sensor in sensors]
    size = store.payload_bytes()
    worst, error = 0.0, 0
    for n, sensor in enumerate(sensors):
        tuples = taken_out(store.buffer(sensor))
        energy = 0
        for (earlier, low), (later, high) in zip(tuples, tuples[1:]):  # noqa: B905
            energy += high - low
            if later - earlier > SPACING_S:
                worst = max(worst, (later - earlier) / max(1, last - later))
        error += abs(energy - (last - START) * (n + 1))
    print(
        json.dumps(
            {
                "days": days,
                "sensors": len(sensors),
                "tuples": kept,
                "bytes": size,
                "gap_age_max": round(worst, 5),
                "energy_error": error,
            }
        )
    )


main(int(sys.argv[1]))

# SPDX-License-Identifier: GPL-3.0-or-later
"""readings.py: lines that go the short way leave what the long way leaves, whoever looks when."""

from collections import namedtuple

from hypothesis import given
from hypothesis import strategies as st

from flukso.backlog import Store
from flukso.boards import UART, Delta, Poll
from flukso.readings import Readings

Sensor = namedtuple("Sensor", ("id", "number", "type", "class_"))
SENSORS = [
    Sensor("{:032x}".format(n), n, "electricity", "pulse" if n == 4 else "analog")
    for n in (1, 2, 4)
]
T0, MONO = 1700000000, 1000.0
STRANGER = 2  # an index that no sensor has

STEP = st.tuples(
    st.sampled_from([1.0] * 12 + [0.4, 1.6, 2.0, 70.0]),  # s since the line before
    st.sampled_from([(0, 1)] * 8 + [(0,), (1,), (0, 1, 3), (3,), (0, STRANGER), ()]),
    st.integers(0, 200),  # Wh used
    st.one_of(st.integers(0, 20000), st.sampled_from([500000, 500001, 15461863934])),  # W
    st.sampled_from([False] * 9 + [True]),  # damaged: counters alone
    st.booleans(),  # somebody looks
)


def poll(sensors, counter, watt, damaged):
    if damaged:
        return Poll((), tuple([(sensor, counter) for sensor in sensors]), False)
    return Poll(
        tuple(
            [
                Delta(sensor, counter, 0, counter * 100 if sensor == 3 else watt)
                for sensor in sensors
            ]
        ),
        (),
        True,
    )


def shown(readings, mono):
    meters = readings.meters
    return {
        id_: (m.window(mono, T0), m.rate, m.rate_at, m.counter, m.resets, m.restarts)
        for id_, m in meters.items()
    }


@given(st.lists(STEP, max_size=60), st.one_of(st.none(), st.integers(0, 59)))
def test_the_short_way_leaves_what_the_long_way_leaves(steps, reset_at):
    short, long = Readings(SENSORS, MONO), Readings(SENSORS, MONO, board=UART)
    stores = Store(), Store()
    mono, counter = MONO, 0xFFFFFF00  # it wraps on its way
    for number, (passed, sensors, used, watt, damaged, look) in enumerate(steps):
        mono += passed
        counter = 0 if number == reset_at else (counter + used) & 0xFFFFFFFF
        line = poll(sensors, counter, watt, damaged)
        for readings, store in zip((short, long), stores, strict=True):
            readings.add_poll(line, store, T0 + int(mono), mono)
        if look:
            assert shown(short, mono) == shown(long, mono)
            assert [short.absent(mono + s) for s in range(12)] == [
                long.absent(mono + s) for s in range(12)
            ]
    assert shown(short, mono) == shown(long, mono)
    assert stores[0].dump() == stores[1].dump()
    assert (short.strangers, short.refused) == (long.strangers, long.refused)


def test_a_line_each_second_goes_the_short_way():
    readings, store = Readings(SENSORS, MONO), Store()
    for n in range(1, 5):
        readings.add_poll(poll((0, 1), n, 100 + n, False), store, T0 + n, MONO + n)
    readings._add_slowly = None  # from here on the long way would fail
    readings.add_poll(poll((0, 1), 5, 105, False), store, T0 + 5, MONO + 5)
    assert readings.meters[SENSORS[1].id].window(MONO + 5, T0 + 5)[-5:] == [
        (T0 + n, 100 + n) for n in range(1, 6)
    ]


def test_a_reload_keeps_what_the_short_way_left():
    readings, store = Readings(SENSORS, MONO), Store()
    for n in range(1, 5):
        readings.add_poll(poll((0, 1), n, 100 + n, False), store, T0 + n, MONO + n)
    after = Readings(SENSORS, MONO + 4, readings)
    assert after.meters[SENSORS[0].id].counter == 4 and after.meters[SENSORS[0].id].rate == 104

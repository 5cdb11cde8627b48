# SPDX-License-Identifier: GPL-3.0-or-later
"""The ageing buffer's promises (docs/design/buffer.md), for readings of every pattern."""

import math
import struct
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flukso.backlog import DUMP_MAX, SENSORS_MAX, Store, load
from flukso.buffer import RATIO, SPACING_S, YOUNG_S, Buffer, SavedBufferError

T0 = 1_700_000_000
YEAR_S = 365 * 86400
# tuples at most: A + B × log2(age / YOUNG_S); docs/design/buffer.md derives them
COUNT_A, COUNT_B = (
    280,
    52,
)
A, B = "a" * 32, "b" * 32


def most(age_s):
    return COUNT_A + COUNT_B * math.log2(max(age_s, YOUNG_S) / YOUNG_S)


def held(buffer):
    return buffer.batch(100_000)


def widest(buffer, step=SPACING_S):
    """The widest gap, as a part of its age, of those wider than the data's step."""
    stamps = [ts for ts, _ in held(buffer)]
    gaps = [
        (b - a, stamps[-1] - b) for a, b in zip(stamps, stamps[1:], strict=False) if b - a > step
    ]
    return max([gap / max(age, 1) for gap, age in gaps], default=0)


def feed(buffer, start, seconds, step=1, age_each=300):
    for ts in range(start, start + seconds, step):
        assert buffer.add(ts, (ts - T0) & 0xFFFFFFFF)
        if ts % age_each < step:
            buffer.age()


def test_a_minute_of_seconds_is_two_tuples():
    buffer = Buffer()
    feed(buffer, T0, 61)
    assert held(buffer) == [(T0, 0), (T0 + 60, 60)]


def test_young_tuples_keep_their_minute():
    buffer = Buffer()
    feed(buffer, T0, YOUNG_S)
    stamps = [ts for ts, _ in held(buffer)]
    assert stamps == [*range(T0, T0 + YOUNG_S - 1, SPACING_S), T0 + YOUNG_S - 1]


def test_a_year_each_second_of_the_first_hours_then_each_minute():
    buffer = Buffer()
    feed(buffer, T0, 20_000)
    for day in (1, 2, 7, 30, 365):
        feed(buffer, held(buffer)[-1][0] + 60, day * 86400 + T0 - held(buffer)[-1][0], 60)
        age = held(buffer)[-1][0] - T0
        assert len(buffer) <= most(age)
        assert widest(buffer) <= 1 / RATIO
        assert held(buffer)[0] == (T0, 0)
    assert 400 < len(buffer) <= 600


def test_ten_years_stay_bounded():
    buffer = Buffer()
    for n in range(10 * YEAR_S // 1800):
        assert buffer.add(T0 + n * 1800, n)
        if n % 3 == 0:
            buffer.age()
            assert len(buffer) <= most(n * 1800)
    assert widest(buffer, 1800) <= 1 / RATIO


def test_a_caller_that_never_ages_stays_bounded():
    buffer = Buffer()
    for n in range(10_000):
        buffer.add(T0 + n * 61, n)
    assert len(buffer) <= 2048
    assert held(buffer)[0] == (T0, 0) and held(buffer)[-1] == (T0 + 9999 * 61, 9999)


REFUSED = [(T0, 5), (T0 - 1, 5), (0, 5), (-1, 5), (1 << 32, 5), (T0 + 1, -1), (T0 + 1, 1 << 32)]


@pytest.mark.parametrize("ts, counter", REFUSED)
def test_refuses_what_is_not_newer_or_out_of_range(ts, counter):
    for more in ([], [(T0 - 10, 1)], [(T0 - 70, 0), (T0 - 10, 1)]):
        buffer = Buffer()
        for reading in [*more, (T0, 2)]:
            assert buffer.add(*reading)
        before = held(buffer)
        assert not buffer.add(ts, counter)
        assert held(buffer) == before


def test_refuses_what_is_not_newer_than_what_was_acknowledged():
    buffer = Buffer()
    buffer.add(T0, 1)
    buffer.ack([(T0, 1)])
    assert (len(buffer), buffer.last()) == (0, (T0, 1))
    assert not buffer.add(T0, 1)
    assert buffer.add(T0 + 1, 1)


def test_gaps_in_the_data_stay():
    buffer = Buffer()
    feed(buffer, T0, 3600)
    feed(buffer, T0 + 50_000, 300_000)
    stamps = [ts for ts, _ in held(buffer)]
    assert [b - a for a, b in zip(stamps, stamps[1:], strict=False) if a <= T0 + 3599 < b] == [
        50_000 - 3599
    ]


READINGS = st.lists(
    st.tuples(
        st.one_of(
            st.integers(1, 59),
            st.integers(60, 4000),
            st.integers(4000, 5_000_000),
            st.sampled_from([0, -1, -3600, 60, 61, 900, 7200, YEAR_S]),
        ),
        st.integers(0, 30),
        st.booleans(),
    ),
    max_size=400,
)


def play(readings, start=0xFFFFFF00):
    """Feed a random history; returns the buffer and every tuple it took."""
    buffer, taken, ts, counter = Buffer(), [], T0, start
    for step, use, age in readings:
        for repeat in range(use or 1):
            at = ts + step * (repeat + 1)
            counter = (counter + use) & 0xFFFFFFFF  # wraps on the way
            wanted = (not taken or at > taken[-1][0]) and at < 1 << 32
            assert buffer.add(at, counter) is wanted
            if wanted:
                taken.append((at, counter))
        ts = taken[-1][0] if taken else ts
        if age:
            buffer.age()
    return buffer, taken


@given(READINGS)
@settings(deadline=None)
def test_keeps_its_promises_for_any_history(readings):
    buffer, taken = play(readings)
    buffer.age()
    kept = held(buffer)
    assert len(kept) == len(buffer)
    assert set(kept) <= set(taken)  # nothing is made up
    assert kept[:1] == taken[:1] and kept[-1:] == taken[-1:]
    for a, b in zip(
        kept, kept[1:], strict=False
    ):  # no gap is wider than allowed, but where the data had it
        limit = max(SPACING_S, (taken[-1][0] - b[0]) / RATIO)
        assert b[0] - a[0] <= limit or taken[taken.index(a) + 1] == b
    used = sum((b[1] - a[1]) & 0xFFFFFFFF for a, b in zip(kept, kept[1:], strict=False))
    fed = sum((b[1] - a[1]) & 0xFFFFFFFF for a, b in zip(taken, taken[1:], strict=False))
    assert used == fed
    if kept:
        assert len(kept) <= most(kept[-1][0] - kept[0][0])


@given(READINGS, st.integers(0, 400), st.integers(0, 20))
@settings(deadline=None)
def test_drops_exactly_what_was_acknowledged(readings, limit, later):
    buffer, _ = play(readings)
    batch = buffer.batch(limit)
    for n in range(later):  # readings that come while the request is under way
        buffer.add((buffer.last() or (T0, 0))[0] + n * n, n)
    buffer.age()
    before = held(buffer)
    assert buffer.ack(batch) == len(set(before) & set(batch))
    assert held(buffer) == [reading for reading in before if reading not in batch]
    assert buffer.ack(batch) == 0


def test_a_tuple_with_another_counter_is_not_acknowledged():
    buffer = Buffer()
    feed(buffer, T0, 200)
    before = held(buffer)
    assert buffer.ack([(T0, 7), (T0 + 60, 8)]) == 0
    assert held(buffer) == before


@given(READINGS, st.integers(-YEAR_S, YEAR_S), st.integers(0, 100))
@settings(deadline=None)
def test_redates_what_is_later_and_drops_what_cannot_be_earlier(readings, delta, place):
    buffer, _ = play(readings)
    before = held(buffer)
    start = before[place % len(before)][0] if before else T0
    moved = [(ts + delta, counter) for ts, counter in before if ts >= start]
    kept = [(ts, counter) for ts, counter in before if ts < min(start, start + delta)]
    assert buffer.shift(start, delta) == (len(moved), len(before) - len(kept) - len(moved))
    assert held(buffer) == kept + moved
    if held(buffer):
        newest = held(buffer)[-1][0]
        assert not buffer.add(newest, 1)
        assert buffer.add(newest + 1, 1)


@given(READINGS, st.integers(0, 100))
@settings(deadline=None)
def test_forgets_what_is_later(readings, place):
    buffer, _ = play(readings)
    before = held(buffer)
    start = before[place % len(before)][0] if before else T0
    kept = [reading for reading in before if reading[0] < start]
    assert buffer.forget(start) == len(before) - len(kept)
    assert held(buffer) == kept and buffer.add(start, 1)


def test_an_acknowledged_newest_reading_is_redated_too():
    buffer = Buffer()
    feed(buffer, T0, 200)
    buffer.ack(held(buffer))
    newest, counter = buffer.last()
    assert buffer.shift(T0 + 100, -YEAR_S) == (0, 0)
    assert buffer.last() == (newest - YEAR_S, counter) and buffer.add(newest - YEAR_S + 1, counter)
    buffer.ack(held(buffer))
    # it came before T0, and is dated later than what comes now
    assert buffer.shift(T0, -2 * YEAR_S) == (
        0,
        0,
    )
    assert buffer.add(T0 - 2 * YEAR_S, counter)


def example_store():
    store = Store()
    for n in range(5000):
        store.add(B, T0 + n * 30, 0xFFFFFFFF - n)
        store.add(A, T0 + n * 70, n)
    store.buffer("c" * 32)
    return store


def test_saves_and_restores():
    store = example_store()
    again = load(store.dump())
    assert again.ids() == [B, A, "c" * 32]
    for sensor in again.ids():
        assert held(again.buffer(sensor)) == held(store.buffer(sensor))
    assert again.dump() == store.dump()
    assert again.newest() == store.newest() == T0 + 4999 * 70
    assert not again.add(A, again.newest(), 1) and again.add(A, again.newest() + 1, 1)
    assert load(Store().dump()).ids() == []


def test_the_saved_form_is_pinned():
    store = Store()
    store.add(A, 0x01020304, 0x0A0B0C0D)
    assert (
        store.dump().hex()
        == "464c584201010000" + "aa" * 16 + "0100" + "04030201" + "0d0c0b0a" + "062902a0"
    )


def test_a_note_is_saved_beside_the_tuples():
    store = example_store()
    plain, store.note = store.dump(), b"what time it was"
    noted = store.dump()
    assert noted[4] == 2 and noted[8:24] == store.note and noted[24:-4] == plain[8:-4]
    assert (
        load(noted).note == store.note and load(noted).dump() == noted and load(plain).note == b""
    )
    for length in (0, 17, 257, 65535):  # version 2 has a note, and not a longer one than fits
        data = noted[:6] + struct.pack("<H", length) + noted[8:-4]
        with pytest.raises(SavedBufferError):
            load(data + struct.pack("<I", crc32(data)))
    store.note = bytes(257)
    with pytest.raises(ValueError, match="257"):
        store.dump()


def test_every_single_damage_is_found():
    data = example_store().dump()[:400]
    good = Store()
    good.add(A, T0, 1)
    good.add(A, T0 + 100, 2)
    data = good.dump()
    for place in range(len(data)):
        for flip in (1, 0x80):
            with pytest.raises(SavedBufferError):
                load(data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :])
        with pytest.raises(SavedBufferError):
            load(data[:place])
    with pytest.raises(SavedBufferError):
        load(data + b"\0")


def sealed(body):
    import zlib

    return body + zlib.crc32(body).to_bytes(4, "little")


HEAD = b"FLXB\x01\x01\0\0"
ONE = b"\xaa" * 16
BAD = [
    ("version", b"FLXB\x02\x00\0\0"),
    ("reserved", b"FLXB\x01\x00\1\0"),
    ("sensors", b"FLXB\x01" + bytes([SENSORS_MAX + 1]) + b"\0\0"),
    ("missing-sensor", HEAD),
    ("cut-head", HEAD + ONE),
    ("cut-tuples", HEAD + ONE + b"\x02\0" + bytes(8)),
    ("zero-stamp", HEAD + ONE + b"\x01\0" + bytes(8)),
    ("falling", HEAD + ONE + b"\x02\0" + b"\2\0\0\0\1\0\0\0" + bytes(8)),
    ("twice", b"FLXB\x01\x02\0\0" + (ONE + b"\0\0") * 2),
    ("trailing", HEAD + ONE + b"\0\0" + b"x"),
    ("too-many", HEAD + ONE + b"\xff\xff" + bytes(8 * 0xFFFF)),
]


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in BAD])
def test_a_right_checksum_is_not_enough(body):
    with pytest.raises(SavedBufferError):
        load(sealed(body))


@given(st.binary(max_size=300), st.booleans())
def test_raises_only_its_error(data, seal):
    try:
        store = load(sealed(HEAD + data) if seal else data)
    except SavedBufferError:
        return
    assert load(store.dump()).dump() == store.dump()


def test_the_store_is_bounded():
    store = Store()
    for n in range(SENSORS_MAX):
        store.buffer("{:032x}".format(n))
    with pytest.raises(ValueError):
        store.buffer("f" * 32)
    assert len(store.dump()) <= DUMP_MAX


def test_repeats_a_counter_that_stands_still():
    store = Store()
    store.add(A, T0, 5)
    store.buffer(A).ack([(T0, 5)])
    store.repeat([A, B], T0 + 300)
    assert held(store.buffer(A)) == [(T0 + 300, 5)] and len(store.buffer(B)) == 0
    store.repeat([A], T0 + 300)
    assert len(store) == 1


def test_redates_all_sensors():
    store = Store()
    store.add(A, 100, 1)
    store.add(B, 160, 2)
    store.add(B, 300, 3)
    assert store.shift(150, T0) == (2, 0)
    assert (held(store.buffer(A)), held(store.buffer(B))) == (
        [(100, 1)],
        [(T0 + 160, 2), (T0 + 300, 3)],
    )
    assert store.shift(T0 + 200, -T0 - 110) == (1, 2)
    assert (held(store.buffer(A)), held(store.buffer(B))) == ([], [(190, 3)])


def test_a_line_that_was_refused_does_not_let_the_next_one_in():
    store = Store()
    ids = (A,)
    for ts in (T0, T0 + 61, T0 + 70):
        assert store.add_line(ts, ids, [1])
    assert not store.add_line(T0 + 62, ids, [2])
    assert not store.add_line(T0 + 65, ids, [3])
    assert store.add_line(T0 + 71, ids, [4])
    assert held(store.buffer(A))[-1] == (T0 + 71, 4)


LINES = st.lists(
    st.tuples(
        st.integers(-70, 70) | st.integers(1, 2) | st.integers(1, 100_000),
        st.integers(0, 2),
        st.sampled_from(["", "age", "ack", "len", "shift"]),
    ),
    max_size=60,
)


@given(LINES)
@settings(deadline=None)
def test_a_line_is_the_same_as_its_readings(lines):
    together, each = Store(), Store()
    sets = ((A,), (A, B), (B, A))
    ts = T0
    for n, (step, which, then) in enumerate(lines):
        ts += step
        counters = [n, 2 * n][: len(sets[which])]
        taken = [
            each.add(sensor, ts, counter)
            for sensor, counter in zip(sets[which], counters, strict=False)
        ]
        assert together.add_line(ts, sets[which], counters) is all(taken)
        for store in (together, each):
            if then == "age":
                store.age()
            elif then == "ack":
                store.buffer(A).ack(store.buffer(A).batch(3))
            elif then == "shift":
                store.shift(T0, 7)
        assert then != "len" or len(together) == len(each)
    assert together.newest() == each.newest() and together.payload_bytes() == each.payload_bytes()
    assert sorted(together.ids()) == sorted(each.ids())
    assert [held(together.buffer(sensor)) for sensor in (A, B)] == [
        held(each.buffer(sensor)) for sensor in (A, B)
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The ageing buffer on either interpreter: a year of quarters of an hour, damage, acknowledgement,
re-dating.
"""

from flukso.backlog import Store, load
from flukso.buffer import RATIO, Buffer, SavedBufferError

T0 = 1700000000
A, B = "a" * 32, "b" * 32


def noise(seed):
    """Yield numbers that look random, the same on every interpreter."""
    while True:
        seed = (seed * 1103515245 + 12345) % 2147483648
        yield seed >> 8


def test_a_year_of_quarters():
    buffer = Buffer()
    for n in range(365 * 96):
        assert buffer.add(T0 + n * 900, n)
        buffer.age()
    tuples = buffer.batch(10000)
    assert tuples[0] == (T0, 0) and tuples[-1] == (T0 + n * 900, n)
    assert 250 < len(tuples) == len(buffer) < 600
    for at in range(1, len(tuples)):
        gap, age = tuples[at][0] - tuples[at - 1][0], tuples[-1][0] - tuples[at][0]
        assert gap <= 900 or gap * RATIO <= age


def test_32_bits():
    buffer = Buffer()
    assert buffer.add(0xFFFFFF00, 0xFFFFFFFF)
    assert (
        not buffer.add(0xFFFFFF01, 0x100000000)
        and not buffer.add(0xFFFFFF01, -1)
        and not buffer.add(0x100000000, 1)
    )
    assert buffer.add(0xFFFFFFFF, 0)
    assert buffer.batch(9) == [(0xFFFFFF00, 0xFFFFFFFF), (0xFFFFFFFF, 0)]


def test_random_histories():
    for seed in range(15):
        numbers = noise(seed)
        buffer, kept, ts = Buffer(), [], T0
        for _ in range(300):
            ts += (1, 30, 61, 1000, 90000, -50)[next(numbers) % 6]
            if buffer.add(ts, ts % 1000):
                kept.append((ts, ts % 1000))
            if next(numbers) % 5 == 0:
                buffer.age()
            if next(numbers) % 40 == 0:
                batch = buffer.batch(next(numbers) % 50)
                before = buffer.batch(1000)
                assert buffer.ack(batch) == len(batch)
                assert batch + buffer.batch(1000) == before
            if next(numbers) % 60 == 0 and len(buffer):
                start, delta = buffer.batch(1000)[len(buffer) // 2][0], next(numbers) % 2000 - 1000
                if buffer.shift(start, delta):
                    ts += delta
                    kept = [(t + delta if t >= start else t, c) for t, c in kept]
        left = buffer.batch(1000)
        assert all([pair in kept for pair in left])
        assert not left or left[-1] == kept[-1]
        assert left == sorted(left)


def test_save_and_damage():
    store = Store()
    ids = (A, B)
    for n in range(3000):
        store.add_line(T0 + n * 20, ids, [n, 0xFFFFFFFF - n])
    data = store.dump()
    again = load(data)
    assert again.dump() == data and again.ids() == [A, B]
    assert again.buffer(B).batch(5000) == store.buffer(B).batch(5000)
    for at in list(range(60)) + list(range(60, len(data), 97)):
        damaged = bytearray(data)
        damaged[at] ^= 0x40
        for wrong in (bytes(damaged), data[:at]):
            try:
                load(wrong)
            except SavedBufferError:
                continue
            raise AssertionError("damage at {} was not found".format(at))


def test_the_saved_form_is_the_same_everywhere():
    store = Store()
    store.add(A, 0x01020304, 0x0A0B0C0D)
    assert (
        store.dump()
        == b"FLXB\x01\x01\0\0"
        + b"\xaa" * 16
        + b"\x01\0\x04\x03\x02\x01\x0d\x0c\x0b\x0a\x06\x29\x02\xa0"
    )

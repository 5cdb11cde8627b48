# SPDX-License-Identifier: GPL-3.0-or-later
"""Dating of readings on either interpreter."""

import json

from flukso.buffer import Store
from flukso.clock import Believer, plausible

VECTORS = __file__.rpartition("/")[0] + "/../../vectors/timestamps.json"
A = "a" * 32
T0 = 1700000000


def vectors():
    with open(VECTORS) as file:
        return json.load(file)


def test_vectors():
    found = vectors()
    for case in found["plausible"]:
        assert plausible(case["wall"]) is case["plausible"], case["id"]
    for case in found["redated"]:
        believer, store = Believer(0.0), Store()
        for mono, counter in case["samples"]:
            believer.observe(mono, mono)
            store.add(A, believer.stamp(mono), counter)
        shift = believer.observe(case["believed"]["wall"], case["believed"]["mono"])
        if shift is not None:
            assert store.shift(*shift)
        assert store.buffer(A).batch(9) == [tuple(pair) for pair in case["tuples"]], case["id"]


def test_jumps_keep_the_order():
    for jump in (3, -3, 3600, -3600, 86400, -86400, 31536000, -31536000):
        believer, store, sent = Believer(10.0), Store(), 0
        ahead = T0 - 10.0
        for n in range(2, 4000):
            mono = 10.0 + n
            if n == 1500:
                ahead += jump
            if n == 3000:
                ahead -= jump
            shift = believer.observe(mono + ahead, mono, sent)
            if shift is not None:
                store.shift(*shift)
            store.add(A, believer.stamp(mono), n)
            if n % 300 == 0:
                batch = store.buffer(A).batch(1000)
                assert batch and batch[0][0] > sent
                sent = batch[-1][0]
                store.buffer(A).ack(batch)

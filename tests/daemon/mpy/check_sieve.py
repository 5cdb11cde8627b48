# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for a tuple that a server refuses, on either interpreter."""

from flukso.backlog import Store
from flukso.https import Answer
from flukso.upload import TUPLES, Setup, Uploader

A = "a" * 32
OK = Answer(200, {}, b'{"response":"ok"}')
NO = Answer(400, {}, b'{"error":"no"}')


def zeros(count):
    return bytes(count)


def run(bad, count=400, hours=3):
    """Return what a server has that refuses bodies with a tuple of `bad`, what is left, and the
    uploader.
    """
    store, mono, held = Store(), 100.0, {}
    uploader = Uploader(Setup("d" * 32, "0" * 32, 210, 300, [A], "", zeros, dict))
    for n in range(count):
        store.add(A, 1700000000 + 61 * n, n)
    while mono < hours * 3600:
        mono = max(mono, uploader.due_at(mono))
        request = uploader.next_request(store, 1700000000, mono)
        if request is None:
            continue
        good = request.kind != TUPLES or not [1 for _, counter in request.batch if counter in bad]
        if good and request.kind == TUPLES:
            held.update([(counter, ts) for ts, counter in request.batch])
        uploader.answered(request, OK if good else NO, mono, store)
    return held, len(store), uploader


def test_the_poison_alone_is_set_aside():
    held, left, uploader = run((7, 8, 200))
    assert left == 0 and len(held) == 397
    assert sorted([one.counter for one in uploader.aside.newest]) == [7, 8, 200]


def test_when_all_is_refused_all_is_kept():
    held, left, uploader = run(range(400))
    assert (held, left, uploader.aside.count) == ({}, 400, 0)

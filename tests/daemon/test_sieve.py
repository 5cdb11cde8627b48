# SPDX-License-Identifier: GPL-3.0-or-later
"""A tuple that a server does not take is set aside when its neighbours are taken; nothing else is,
and nobody waits for it.
"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flukso import sieve, upload
from flukso.backlog import Store
from flukso.https import Answer
from flukso.upload import TUPLES
from tests.daemon.upload_device import GOOD_BEAT, OK, T0, A, B, Device


class Server:
    """Stores what it takes, refuses a body that holds a tuple of `bad`."""

    def __init__(
        self,
        device,
        bad=lambda sensor, ts, counter: False,
        status=400,
        most=upload.BATCH,
        rising=False,
    ):
        self.bad, self.status, self.most, self.rising = bad, status, most, rising
        self.held = {A: {}, B: {}}
        self.posts = []
        device.answer = self.answer

    def answer(self, request):
        if request.kind != TUPLES:
            return GOOD_BEAT
        sensor, batch = request.sensor, request.batch
        self.posts.append((sensor, len(batch)))
        if len(batch) > self.most:
            return Answer(413, {}, b"")
        if any(self.bad(sensor, *one) for one in batch) or (
            self.rising and max(self.held[sensor], default=0) >= batch[0][0]
        ):
            return Answer(self.status, {}, b'{"error":"no"}')
        self.held[sensor].update(dict(batch))
        return OK


def feed(device, minutes):
    device.feed(60 * minutes, sensors=device.uploader._sensors)


def live(device, intervals):
    """Let so many upload intervals pass; return what was fed to A."""
    fed = []
    for _ in range(intervals):
        before = len(device.store.buffer(A))
        feed(device, 5)
        fed += device.store.buffer(A).batch(upload.BATCH, before)
        device.due()
        device.drain()
    return fed


@pytest.mark.parametrize(
    "status", [status for status in upload.BODY_REFUSED if status != upload.TOO_LARGE]
)
@pytest.mark.parametrize(
    "backlog, poison", [(5, 0), (5, 4), (341, 0), (341, 170), (341, 340), (900, 450)]
)
def test_one_poisoned_tuple_stops_nobody(status, backlog, poison):
    device = Device()
    feed(device, backlog)
    fed = device.store.buffer(A).batch(1000)
    server = Server(
        device, lambda sensor, ts, counter: (ts, counter) == fed[poison] and sensor == A, status
    )
    device.due()
    fed += live(device, 4)
    assert (
        device.uploader.aside.newest == [(A, *fed[poison], status)]
        and device.uploader.aside.count == 1
    )
    assert server.held[A] == dict(fed[:poison] + fed[poison + 1 :])
    assert len(device.store) == 0
    warnings = [event.text for event in device.events if event.level == "warning"]
    assert "[{},{}]".format(*fed[poison]) in warnings[-1] and "sensor " + A in warnings[-1]
    assert len(warnings) == 2


def test_a_batch_is_asked_three_times_before_it_is_split():
    device = Device([A])
    feed(device, 20)
    poison = device.store.buffer(A).batch(20)[7]
    server = Server(device, lambda sensor, *one: one == poison)
    live(device, sieve.TRIES - 1)
    assert len(server.posts) == sieve.TRIES - 1 and not server.held[A]
    live(device, 1)
    assert len(server.held[A]) == 19 + 15 and device.uploader.aside.count == 1
    assert len(server.posts) < 25


@pytest.mark.parametrize("status", upload.BODY_REFUSED)
@pytest.mark.parametrize("backlog", [1, 2, 3, 5, 300, 900])
def test_a_server_that_refuses_everything_loses_nothing_and_is_not_pestered(status, backlog):
    device = Device([A])
    feed(device, backlog)
    server = Server(device, lambda *one: True, status)
    fed = device.store.buffer(A).batch(2000) + live(device, 60)
    assert device.uploader.aside.count == 0
    assert device.store.buffer(A).batch(2000)[-1] == fed[-1]
    assert len(server.posts) < 100
    assert len([event for event in device.events if event.level == "warning"]) == 1
    server.bad = lambda *one: False
    device.mono += 4000
    device.drain()
    assert len(device.store) == 0 and device.uploader.aside.count == 0


def test_neighbours_that_are_poisoned_too_are_found():
    device = Device([A])
    feed(device, 400)
    fed = device.store.buffer(A).batch(1000)
    bad = set(fed[3:5] + fed[100:103] + fed[350:352])
    server = Server(device, lambda sensor, *one: one in bad)
    device.due()
    fed += live(device, 8)
    assert device.uploader.aside.count == 7 and device.store.buffer(A).batch(9) == []
    assert server.held[A] == {ts: counter for ts, counter in fed if (ts, counter) not in bad}


def test_a_whole_body_of_poison_is_passed_in_the_end():
    """Such as all that is older than what a server keeps."""
    device = Device([A])
    feed(device, 500)
    fed = device.store.buffer(A).batch(1000)
    bad = set(fed[:350])
    server = Server(device, lambda sensor, *one: one in bad)
    device.due()
    fed += live(device, 40)
    assert server.held[A] == {ts: counter for ts, counter in fed if (ts, counter) not in bad}
    assert (
        device.uploader.aside.count == 350 and len(device.uploader.aside.newest) == sieve.ASIDE_MAX
    )


def test_a_server_that_takes_only_rising_stamps_loses_the_poison_alone():
    device = Device([A])
    feed(device, 300)
    fed = device.store.buffer(A).batch(1000)
    server = Server(device, lambda sensor, *one: one == fed[200], rising=True)
    device.due()
    fed += live(device, 4)
    assert server.held[A] == dict(fed[:200] + fed[201:])


@pytest.mark.parametrize("most", [1, 2, 50, 200])
def test_a_server_that_takes_only_small_bodies_gets_small_ones(most):
    device = Device([A])
    feed(device, 600)
    server = Server(device, most=most)
    device.due()
    assert len(server.held[A]) == 600 and device.uploader.aside.count == 0
    refused = [count for _, count in server.posts if count > most]
    assert len(refused) <= 9
    before = len(server.posts)
    live(device, 2)
    assert all(count <= most for _, count in server.posts[before:])


def test_a_tuple_that_makes_the_server_fail_holds_up_no_other_sensor_and_is_set_aside():
    device = Device()
    feed(device, 40)
    poison = device.store.buffer(A).batch(40)[11]
    server = Server(device, lambda sensor, *one: sensor == A and one == poison, 500)
    for _ in range(40):
        live(device, 1)
    assert device.uploader.aside.newest == [(A, *poison, 500)]
    assert len(device.store) <= 12 and len(server.held[B]) >= 238


@pytest.mark.parametrize("seed", range(5))
def test_a_server_that_fails_at_random_loses_nothing(seed):
    device = Device([A])
    feed(device, 40)
    whole, chance = Server(device).answer, random.Random(seed)

    def answer(request):
        fails = request.kind == TUPLES and chance.random() < 0.4
        return Answer(500, {}, b"") if fails else whole(request)

    device.answer = answer
    live(device, 400)
    assert device.uploader.aside.count == 0 and device.uploader.acknowledged > 1900


def test_a_server_that_fails_altogether_is_backed_off_from_and_nothing_is_set_aside():
    device = Device([A])
    feed(device, 40)
    server = Server(device, lambda *one: True, 500)
    live(device, 60)
    assert device.uploader.aside.count == 0 and len(server.posts) <= 60
    server.bad = lambda *one: False
    device.mono += 4000
    device.drain()
    live(device, 2)
    assert len(device.store) == 0 and device.uploader.aside.count == 0


def test_a_tuple_that_is_taken_when_asked_again_is_not_set_aside():
    device = Device([A])
    feed(device, 8)
    first = device.store.buffer(A).batch(1)[0]
    refusals = []

    def bad(sensor, *one):
        if one != first or len(refusals) > 5:
            return False
        refusals.append(1)
        return True

    server = Server(device, bad)
    live(device, 3)
    assert first[0] in server.held[A] and device.uploader.aside.count == 0


def test_what_is_re_dated_in_a_search_is_posted_with_its_new_stamps():
    device = Device([A])
    feed(device, 20)
    counters = [counter for _, counter in device.store.buffer(A).batch(20)]
    server = Server(device, lambda sensor, ts, counter: counter == counters[3], 500)
    for _ in range(12):
        # between two requests; a request that is on its way keeps its stamps (Daemon)
        device.store.shift(T0, 7)
        device.due()
    live(device, 20)
    assert len(device.store) == 0 and [one.counter for one in device.uploader.aside.newest] == [
        counters[3]
    ]
    arrived = [counter for _, counter in sorted(server.held[A].items())]
    assert arrived == sorted(set(arrived)) and set(counters) - set(arrived) == {counters[3]}


@given(
    st.integers(1, 60),
    st.sets(st.integers(0, 59), max_size=8),
    st.sampled_from([400, 422, 500]),
    st.integers(1, 60),
)
@settings(deadline=None, max_examples=25)
def test_whatever_is_poisoned_the_good_ones_arrive_and_only_poison_is_set_aside(
    count, places, status, most
):
    device = Device([A])
    feed(device, count)
    fed = device.store.buffer(A).batch(100)
    bad = {fed[place] for place in places if place < count}
    server = Server(device, lambda sensor, *one: one in bad, status, most)
    fed += live(device, 120)
    assert server.held[A] == {ts: counter for ts, counter in fed if (ts, counter) not in bad}
    assert device.uploader.aside.count == len(bad) and len(device.store) == 0


def test_a_buffer_gives_tuples_from_a_position_on():
    store = Store()
    for n in range(1, 6):
        store.add(A, n * 100, n)
    buffer = store.buffer(A)
    assert buffer.batch(2, 1) == [(200, 2), (300, 3)]
    assert buffer.batch(9, 3) == [(400, 4), (500, 5)]
    assert (
        buffer.batch(1, 4) == [(500, 5)] and buffer.batch(1, 5) == [] and buffer.batch(3, 99) == []
    )

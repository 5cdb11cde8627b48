# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of points: what goes in comes out, and no other bytes raise anything but CodecError."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flukso_server.series.lasting import lasting
from flukso_server.series.plausible import calm, judge
from flukso_server.series.points import Points, pack, thin, union, unpack
from flukso_server.series.sqlite import codec

# also right where other work takes the CPU
BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEY = 20_000 << 32 | 7
TIMES = st.sets(st.integers(0, (1 << 32) - 1), min_size=1, max_size=60).map(sorted)
COUNTERS = st.lists(st.integers(0, (1 << 32) - 1) | st.integers(0, 300), min_size=60, max_size=60)


def points(times, counters):
    return Points(np.array(times, np.int64), np.array(counters[: len(times)], np.int64))


def same(a, b):
    return a.ts.tolist() == b.ts.tolist() and a.counter.tolist() == b.counter.tolist()


@BUSY
@given(TIMES, COUNTERS)
def test_a_block_holds_its_points(times, counters):
    given_points = points(times, counters)
    block = codec.encode(given_points, KEY)
    assert same(codec.decode(block, KEY), given_points)
    assert same(unpack(pack(given_points)), given_points)
    (head,) = codec.summaries(block[: codec.HEADER.size])
    assert (head["size"], head["ts0"], head["ts1"]) == (len(times), times[0], times[-1])
    if codec.fits(np.array([head])):  # then both ends stand for the block
        assert calm(given_points)
        assert (
            head["energy"]
            == judge(given_points).energy.sum()
            == counters[len(times) - 1] - counters[0]
        )
        assert head["known"] == judge(given_points).known.sum()


@BUSY
@given(st.binary(max_size=200))
def test_other_bytes_raise_only_codec_error(data):
    try:
        codec.decode(data, KEY)
    except codec.CodecError:
        pass


@BUSY
@given(TIMES, COUNTERS, st.data())
def test_a_cut_or_spoilt_block_is_found(times, counters, data):
    block = bytearray(codec.encode(points(times, counters), KEY))
    at = data.draw(st.integers(0, len(block) - 1))
    block[at] ^= data.draw(st.integers(1, 255))
    for spoilt in (bytes(block), bytes(block[:at])):
        if spoilt:
            with pytest.raises(codec.CodecError):
                codec.decode(spoilt, KEY)


def test_each_bit_of_a_block_counts():
    """Also of the header alone, as days are read; and of the key, so that none takes another's."""
    whole = points([1_700_000_000 + 60 * n for n in range(60)], [3 * n * n for n in range(60)])
    block = codec.encode(whole, KEY)
    for at in range(8 * len(block)):
        spoilt = bytearray(block)
        spoilt[at >> 3] ^= 1 << (at & 7)
        with pytest.raises(codec.CodecError):
            codec.decode(bytes(spoilt), KEY)
        assert codec.is_header(bytes(spoilt[: codec.HEADER.size]), KEY) == (
            at >= 8 * codec.HEADER.size
        )
    for bit in range(63):
        with pytest.raises(codec.CodecError):
            codec.decode(block, KEY ^ (1 << bit))
        assert not codec.is_header(block[: codec.HEADER.size], KEY ^ (1 << bit))


@BUSY
@given(TIMES, COUNTERS, TIMES, COUNTERS)
def test_in_a_union_the_first_wins(times, counters, more_times, more_counters):
    first, second = points(times, counters), points(more_times, more_counters)
    want = dict(zip(more_times, more_counters, strict=False)) | dict(
        zip(times, counters, strict=False)
    )
    assert list(zip(*(x.tolist() for x in union(first, second)), strict=True)) == sorted(
        want.items()
    )


@BUSY
@given(
    st.lists(st.integers(1, 5000), min_size=2, max_size=60),
    st.lists(st.integers(0, 500), min_size=60, max_size=60),
    st.sampled_from([900, 3600, 86_400]),
    st.integers(0, 59),
)
def test_thinning_keeps_the_energy(steps, rises, step_s, fall):
    """Also over a counter that starts again somewhere."""
    times = np.cumsum(steps)
    counters = np.cumsum(rises[: len(steps)])
    counters[fall:] -= counters[min(fall, len(counters) - 1)]
    whole = Points(times, counters)
    thinned = thin(lasting(whole), step_s)
    assert judge(thinned).energy.sum() == judge(whole).energy.sum()
    assert judge(thinned).known.sum() == judge(whole).known.sum()
    assert (np.diff(thinned.ts) > 0).all()


def test_a_broken_counter_keeps_no_more_than_a_bound():
    times = np.arange(0, 86_400, 60)
    counters = np.where(np.arange(len(times)) % 2, 1_000_000, 5_000_000)
    assert len(thin(lasting(Points(times, counters)), 900).ts) < 96 + 4 * 32 + 4


def test_a_block_of_the_first_encoder_is_read():
    """It wrote every step of a counter by zigzag, and no checksums, which it gets."""
    block = bytes.fromhex(
        "010500000400000000f153650a00000084f45365bc020000b20200000000000084030000b2b1e5666060064c84218081811500"
    )
    want = points([1_700_000_000, 1_700_000_060, 1_700_000_121, 1_700_000_900], [10, 20, 20, 700])
    assert same(codec.decode(block, KEY), want)
    checked = codec.checked(block, KEY)
    assert same(codec.decode(checked, KEY), want) and codec.checked(checked, KEY) == checked
    with pytest.raises(codec.CodecError):
        codec.decode(checked, KEY + 1)


@BUSY
@given(st.lists(st.integers(0, 300) | st.integers(0, 70_000), min_size=1, max_size=60))
def test_a_counter_that_only_rises(rises):
    whole = Points(1_700_000_000 + 60 * np.arange(len(rises)), np.cumsum(rises))
    block = codec.encode(whole, KEY)
    assert same(codec.decode(block, KEY), whole)
    assert codec.summaries(block[: codec.HEADER.size])["energy"][0] == sum(rises[1:])


@pytest.mark.parametrize("count", [1, 2, 1440, 86_400])
def test_sizes(count):
    times = np.arange(count) * 1 + 1_700_000_000
    assert same(codec.decode(codec.encode(Points(times, times), KEY), KEY), Points(times, times))

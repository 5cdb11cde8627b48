# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of the SPI board: what is sent, what is believed, and how much is clocked."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso import spi

VECTORS = Path(__file__).parents[1] / "vectors"


def cases(name, part):
    return [
        pytest.param(case, id=case["id"])
        for case in json.loads((VECTORS / (name + ".json")).read_text())[part]
    ]


@pytest.mark.parametrize("case", cases("crc8", "cases"))
def test_crc8(case):
    assert "%02x" % spi.crc8(bytes.fromhex(case["hex"])) == case["crc"]


@pytest.mark.parametrize("case", cases("control", "good"))
def test_encodes(case):
    assert spi.encode(case["command"], *case["values"]) == case["message"].encode()


@pytest.mark.parametrize("case", cases("control", "refused"))
def test_refuses_to_encode(case):
    with pytest.raises(spi.SpiError):
        spi.encode(case["command"], *case["values"])


@pytest.mark.parametrize("case", cases("replies", "good"))
def test_decodes(case):
    reply = spi.decode(bytes.fromhex(case["wire"]))
    assert reply == (case["command"], tuple(case["values"]), bytes.fromhex(case["uart"]))


@pytest.mark.parametrize("case", cases("replies", "deltas"))
def test_decodes_deltas_of_both_lengths(case):
    reply = spi.decode(bytes.fromhex(case["wire"]))
    assert [list(delta) for delta in reply.values] == case["deltas"]


def play(wire, command, values=()):
    """Run the exchange against recorded bytes; return the reply and how many bytes beyond the
    terminator were clocked.
    """
    steps = spi.exchange(command, values)
    steps.send(None)
    assert steps.send(b"")[0] == "sleep"
    at, answer = 0, None
    while True:
        try:
            _, ask = steps.send(answer)
        except StopIteration as end:
            return end.value, at - len(wire)
        answer = (wire + bytes(64))[at : at + len(ask)]
        at += len(ask)


@pytest.mark.parametrize("case", cases("replies", "good"))
def test_clocks_exactly_one_byte_after_the_terminator(case):
    values = tuple(case["values"][: len(spi.COMMANDS[case["command"]][0])])
    reply, over = play(bytes.fromhex(case["wire"]), case["command"], values)
    assert over == 1
    assert reply.values == tuple(case["values"])


@pytest.mark.parametrize("case", cases("replies", "deltas"))
def test_clocks_exactly_one_byte_after_a_delta(case):
    _, over = play(bytes.fromhex(case["wire"]), "gd")
    assert over == 1


@pytest.mark.parametrize("case", cases("replies", "bad"))
def test_bad_replies_are_not_believed(case):
    values = (0,) * len(spi.COMMANDS[case["ask"]][0])
    with pytest.raises(spi.SpiError) as raised:
        spi.decode(bytes.fromhex(case["wire"]))
        play(bytes.fromhex(case["wire"]), case["ask"], values)
    assert raised.value.refused == (case["error"] == "refused")


def test_a_silent_board_and_one_without_power_are_told_apart():
    with pytest.raises(spi.SpiError, match="silent"):
        play(bytes(600), "gd")
    with pytest.raises(spi.SpiError, match="power"):
        play(b"\xff" * 600, "gd")


def test_commit_and_historic_boards_get_their_time():
    waits = {}
    for command in ("gd", "ct"):
        for historic in (True, False):
            steps = spi.exchange(command, (), historic)
            steps.send(None)
            waits[command, historic] = steps.send(b"")[1]
    assert waits["gd", True] >= 0.03 and waits["ct", True] >= 0.5
    assert waits["gd", False] >= 0.015 and waits["ct", False] >= 0.4


@given(st.binary(max_size=200))
def test_decode_raises_only_its_error(wire):
    try:
        spi.decode(wire)
    except spi.SpiError:
        pass


@given(
    st.lists(
        st.sampled_from(
            [b"\0", b"l", b"gd", b"gc", b"00", b"f", b".", b"u", b"30", b"zz", b"\xff"]
        ),
        max_size=40,
    )
)
def test_decode_raises_only_its_error_near_the_grammar(parts):
    test_decode_raises_only_its_error.hypothesis.inner_test(b"".join(parts))


@given(st.binary(max_size=700), st.sampled_from(sorted(spi.COMMANDS)))
def test_an_exchange_always_ends(wire, command):
    try:
        play(wire, command, (0,) * len(spi.COMMANDS[command][0]))
    except spi.SpiError:
        pass


@given(st.binary(min_size=1, max_size=40), st.integers(0, 39), st.integers(1, 255))
def test_a_changed_byte_is_noticed(data, at, change):
    at %= len(data)
    assert spi.crc8(data) != spi.crc8(data[:at] + bytes([data[at] ^ change]) + data[at + 1 :])

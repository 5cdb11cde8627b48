# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of the UART board: what they say, and that damage is counted and skipped."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso import uart

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/uart.json").read_text())
ENDS = [bytes.fromhex(case["hex"]) for case in VECTORS["endings"]]


def cases(part):
    return [pytest.param(case, id=case["id"]) for case in VECTORS[part]]


def wanted(case):
    return tuple(
        case.get(name) for name in ("kind", "sensor", "counter", "board_ms", "power_w", "text")
    )


@pytest.mark.parametrize("case", cases("good"))
def test_reads_a_line(case):
    assert uart.parse(case["line"].encode()) == wanted(case)


@pytest.mark.parametrize("case", cases("bad"))
def test_refuses_a_damaged_line(case):
    with pytest.raises(uart.UartError):
        uart.parse(bytes.fromhex(case["hex"]))


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("size", [1, 7, 10000])
def test_lines_are_found_however_the_bytes_come(end, size):
    stream = end.join([case["line"].encode() for case in VECTORS["good"]] + [b""])
    splitter = uart.Splitter()
    found = [
        line for at in range(0, len(stream), size) for line in splitter.feed(stream[at : at + size])
    ]
    assert found == [wanted(case) for case in VECTORS["good"]]
    assert (splitter.good, splitter.bad) == (len(VECTORS["good"]), 0)


def test_damage_costs_its_own_line_only():
    good = VECTORS["good"][0]["line"].encode() + b"\r\n"
    splitter = uart.Splitter()
    stream = good + bytes(300) + b"\n" + good + b"x" * 5000 + b"\n" + good
    found = [
        line for at in range(0, len(stream), 50) for line in splitter.feed(stream[at : at + 50])
    ]
    assert len(found) == 3 and splitter.bad == 2


def test_an_endless_line_takes_no_memory():
    splitter = uart.Splitter()
    for _ in range(100):
        splitter.feed(b"y" * 1000)
    assert len(splitter._rest) <= uart.LINE_MAX + 1


@given(st.binary(max_size=120))
def test_raises_only_its_error(line):
    try:
        uart.parse(line)
    except uart.UartError:
        pass

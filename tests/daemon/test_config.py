# SPDX-License-Identifier: GPL-3.0-or-later
"""UCI files: what is read, and that every error is listed with its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso import config, uci
from flukso.config_reader import thousandths

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/uci.json").read_text())
GOOD = [pytest.param(case, id=case["id"]) for case in VECTORS["good"]]
BAD = [pytest.param(case, id=case["id"]) for case in VECTORS["bad"]]


@pytest.mark.parametrize("case", GOOD)
def test_reads(case):
    settings = config.parse(case["flukso"], case["system"])
    for name, want in case["expect"].items():
        if name == "sensors":
            got = [
                {key: getattr(sensor, "class_" if key == "class" else key) for key in expected}
                for sensor, expected in zip(settings.sensors, want, strict=True)
            ]
            assert [{**sensor, "ports": list(sensor["ports"])} for sensor in got] == want
        else:
            assert getattr(settings, name) == want, name


@pytest.mark.parametrize("case", BAD)
def test_lists_every_error(case):
    with pytest.raises(config.ConfigErrors) as raised:
        config.parse(case["flukso"], case["system"])
    problems = raised.value.problems
    assert [p.line for p in problems] == [line for line, _ in case["errors"]]
    for problem, (_, word) in zip(problems, case["errors"], strict=True):
        assert word in problem.text


NUMBERS = [
    ("5163.5", 5163500),
    ("0.5", 500),
    (".5", 500),
    ("1.", 1000),
    ("1.2345", 1235),
    ("1.9999", 2000),
    ("7", 7000),
]


@pytest.mark.parametrize("text, want", NUMBERS)
def test_decimal_numbers_are_kept_in_thousandths(text, want):
    assert thousandths(text) == want


@pytest.mark.parametrize(
    "text", ["", ".", "-1", "+1", "1e3", "1_0", " 1", "1.2.3", "0x1", "nan", "1234567890"]
)
def test_what_is_no_number(text):
    assert thousandths(text) is None


WORDS = [
    ("option a 'b c'", ["option", "a", "b c"]),
    ("option a 'it'\\''s'", ["option", "a", "it's"]),
    ('option a "say \\"x\\""', ["option", "a", 'say "x"']),
    ("option a ''", ["option", "a", ""]),
    ("option a b#c", ["option", "a", "b"]),
    ("option a 'b#c'", ["option", "a", "b#c"]),
    ("# all of it", []),
    ("option a b # rest", ["option", "a", "b"]),
]


@pytest.mark.parametrize("line, want", WORDS)
def test_words_are_split_as_uci_does(line, want):
    problems = []
    sections = uci.parse("config x\n" + line, "f", problems)
    assert not problems
    assert [value.text for value in sections[0].options.values()] == want[2:]


@given(st.text(max_size=200))
def test_raises_nothing_but_its_own_error(text):
    try:
        config.parse(text)
    except config.ConfigErrors as error:
        assert error.problems


@given(
    st.lists(
        st.sampled_from(
            [
                "config sensor 1",
                "config system",
                "option id",
                " '",
                "x",
                "option class analog",
                "list port 4",
                "\n",
                '"',
                "\\",
            ]
        )
    )
)
def test_raises_nothing_but_its_own_error_near_the_grammar(parts):
    test_raises_nothing_but_its_own_error.hypothesis.inner_test(" ".join(parts))


ONE = (
    "config settings daemon\n\toption enable_wan_branch 0\nconfig sensor {}\n\toption id "
    "0123456789abcdef0123456789abcde0\n"
)
ONE += (
    "\toption class {}\n\toption type {}\n\tlist port {}\n\toption constant 1\n\toption enable {}\n"
)
TYPES = [
    ("heating", "pulse", 1, None),
    ("water", "pulse", 1, None),
    ("temperature", "pulse", 1, "temperature"),
    ("humidity", "pulse", 1, "humidity"),
    ("temperature", "pulse", 0, None),
    ("temperature", "uart", 1, None),
]


@pytest.mark.parametrize("kind, class_, enable, error", TYPES)
def test_types_that_are_no_counters_are_refused_with_a_sentence(kind, class_, enable, error):
    number = 6 if class_ == "uart" else 4
    text = ONE.format(number, class_, kind, number, enable)
    if error is None:
        config.parse(text)
        return
    with pytest.raises(config.ConfigErrors, match=error + " is not counted; known are"):
        config.parse(text)


def test_a_board_cannot_count_what_its_inputs_do_not_have():
    with pytest.raises(config.ConfigErrors, match="sensor 1 of the board cannot be pulse"):
        config.parse(ONE.format(1, "pulse", "electricity", 4, 1))


def test_a_uart_board_knows_its_own_inputs():
    text = ONE.format(3, "pulse", "electricity", 3, 1).replace(
        "_branch 0", "_branch 0\n\toption bus uart:/dev/ttyS0"
    )
    assert config.parse(text).sensors[0].number == 3
    assert config.parse(ONE.format(3, "pulse", "electricity", 3, 1), bus="uart:/dev/ttyS0").sensors[
        0
    ].ports == (3,)


def test_without_upload_no_identity_is_needed():
    assert config.parse(ONE.format(4, "pulse", "gas", 4, 1)).device == ""
    with pytest.raises(config.ConfigErrors, match="no device"):
        config.parse("config settings daemon\n")

# SPDX-License-Identifier: GPL-3.0-or-later
"""UCI files: what is read, and that every error is listed with its line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso import config, uci

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


NUMBERS = [("5163.5", 5163500), ("0.5", 500), (".5", 500), ("1.", 1000), ("1.2345", 1235), ("1.9999", 2000), ("7", 7000)]


@pytest.mark.parametrize("text, want", NUMBERS)
def test_decimal_numbers_are_kept_in_thousandths(text, want):
    assert config.thousandths(text) == want


@pytest.mark.parametrize("text", ["", ".", "-1", "+1", "1e3", "1_0", " 1", "1.2.3", "0x1", "nan", "1234567890"])
def test_what_is_no_number(text):
    assert config.thousandths(text) is None


WORDS = [
    ("option a 'b c'", ["option", "a", "b c"]),
    ("option a 'it'\\''s'", ["option", "a", "it's"]),
    ('option a "say \\"x\\""', ["option", "a", 'say "x"']),
    ("option a ''", ["option", "a", ""]),
    ("option a b#c", ["option", "a", "b#c"]),
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
        st.sampled_from(["config sensor 1", "config system", "option id", " '", "x", "option class analog", "list port 4", "\n", '"', "\\"])
    )
)
def test_raises_nothing_but_its_own_error_near_the_grammar(parts):
    test_raises_nothing_but_its_own_error.hypothesis.inner_test(" ".join(parts))

# SPDX-License-Identifier: GPL-3.0-or-later
"""A price as it is typed, in whatever language, and as money is written."""

import pytest

HERE = "tests.server.inside.pages."
TYPED = [  # as it is typed, cents, or False where it is refused
    ("28,45", "28.45"),
    ("28.45", "28.45"),
    (" 28,45 ", "28.45"),
    ("-3,5", "-3.5"),
    ("−3.5", "-3.5"),
    ("0", "0"),
    ("-10000", "-10000"),
    ("2,845.10", False),
    ("2.845,10", False),
    ("1,2,3", False),
    ("1_0", False),
    ("1e3", False),
    ("nan", False),
    ("10001", False),
    ("-10001", False),
    ("0,12345", False),
    ("", False),
]


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("text, cents", TYPED)
def test_a_price_is_read_alike_in_every_language(desk, language, text, cents):
    taken, has_a_field_for_numbers = desk.call(HERE + "price_typed", language, text)
    assert taken == cents and not has_a_field_for_numbers


@pytest.mark.parametrize(
    "value, text", [(1.5, "€1.50"), (-1.5, "-€1.50"), (-0.001, "€0.00"), (None, "")]
)
def test_what_is_earned_has_its_minus_before_the_sign(desk, value, text):

    assert desk.call(HERE + "money", value) == text

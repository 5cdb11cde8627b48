# SPDX-License-Identifier: GPL-3.0-or-later
"""A short round of the fuzzer; `make fuzz` goes on for longer."""

import pytest

from tools.fuzz.__main__ import compare
from tools.fuzz.mutate import Random, mutated
from tools.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_both_interpreters_keep_the_contract_and_agree(name):
    assert compare(name, 400, seed=7)["wrong"] == []


def test_mutations_reach_beyond_their_seeds():
    """Some inputs are still accepted, most are not, and few are seen twice: otherwise nothing is
    tried.
    """
    target, rand = TARGETS["spi-reply-right-crc"], Random(1)
    seeds, seen, good = target.seeds(), set(), 0
    for _ in range(1000):
        data = mutated(rand, seeds)
        seen.add(data)
        try:
            target.try_one(data)
            good += 1
        except target.own:
            continue
    assert len(seen) > 800 and 10 < good < 800

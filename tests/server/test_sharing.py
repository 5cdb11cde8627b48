# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sees whom, at most how many, and what a price's history is: asked of the functions that every
page asks.
"""

import pytest

from tools.harness.testbed import Platform

pytestmark = pytest.mark.dated


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    with Platform(tmp_path_factory.mktemp("sharing")) as platform:
        yield platform.call("tests.server.inside.sharing.story")


WANTED = {
    "unanswered": ["private", 0],
    "private sees nobody": 0,
    "nobody sees the private": [None, "no such member"],
    "chosen": ["day", None, "minutes"],
    "four in the chart": ["bob", "dee", "eva", "fay"],
    "a fifth": "at most 4 others at a time",
    "who hides leaves": ["dee", "eva", "fay"],
    "who comes back": ["bob", "dee", "eva", "fay"],
    "unsubscribed": ["dee", "eva", "fay", "gus"],
    "blocked": None,
    "oneself": "no such member",
    "private and unknown alike": [["no such member", None, "no such member", "no such member"]] * 2,
    "private and followed": ["no such member"] * 2,
    "export": ["dee", "eva", "fay", "gus"],
    "chosen nobody": ["private", 0, 0],
    "chosen a name": ["day", True],
    "chosen one": ["day", True],
    "followers": [["ann", False, False], ["bob", True, True]],
    "chosen of mine": ["bob", "eva"],
    "page": [["bob"], []],
    "choice before": ["ann", "bob", "eva"],
    "choice of a crowd": [100, ["bob", "eva"]],
    "page of a crowd": [100, ["followers"]],
    "no price": [[], 0.18],
    "history": [0.18, 0.25, 0.25, 0.305],
    "local midnight": 1767222000,  # 2025-12-31 23:00 UTC
    "refused": [
        "cannot be taken: " + name
        for name in ("cents_per_kwh", "cents_per_kwh", "currency", "cents_per_kwh")
    ],
    "too far": "a date at most two years ahead",
}


@pytest.mark.parametrize("what", WANTED)
def test_sharing_and_prices(told, what):
    assert told[what] == WANTED[what]

# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make prove-fresh` makes of the runs in its root."""

import pytest

from tools.prove_fresh import counts, demo_is_right

DEMO = 'demo: {"board_wh": [12], "received_wh": [12], "tls_verified": true}'
RUNS = [  # id, exit status, lines of make test, (passed, failed)
    ("passed", 0, ["..", "=========== 3071 passed in 1200.20s (0:20:00) ==========="], (3071, 0)),
    ("quiet", 0, ["3071 passed, 2 warnings in 12.30s"], (3071, 0)),
    (
        "failed",
        2,
        ["======= 2 failed, 30 passed, 1 error in 1.20s =======", "make: *** [test] Error 1"],
        (30, 3),
    ),
    ("lint-alone", 2, ["lint: c", "make: *** [lint] Error 1"], (0, 1)),
    ("a-test-says-passed", 2, ["9 passed by", "make: *** Error"], (0, 1)),
]
DEMOS = [  # id, exit status, lines, right
    ("right", 0, ["board 12 Wh", DEMO], True),
    ("something-after", 0, [DEMO, "Traceback"], False),
    ("lost", 0, [DEMO.replace("[12]", "[13]", 1)], False),
    ("nothing", 0, [DEMO.replace("12", "0")], False),
    ("no-tls", 0, [DEMO.replace("true", "false")], False),
    ("failed", 1, [DEMO], False),
    ("silent", 0, [], False),
]


@pytest.mark.parametrize("status, lines, want", [pytest.param(*run[1:], id=run[0]) for run in RUNS])
def test_counts_what_pytest_says_last(status, lines, want):
    assert counts(status, lines) == want


@pytest.mark.parametrize(
    "status, lines, right", [pytest.param(*run[1:], id=run[0]) for run in DEMOS]
)
def test_a_demo_is_right_when_all_arrived_verified(status, lines, right):
    assert demo_is_right(status, lines) is right

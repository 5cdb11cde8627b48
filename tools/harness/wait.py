# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what comes sooner or later."""

import time
from collections.abc import Callable

LIMIT_S = 60.0  # a busy machine is slow; what must be quick is proved otherwise
STEP_S = 0.05


def wait_until(condition: Callable, limit_s: float = LIMIT_S, trouble: Callable = str):
    """Wait until the condition returns something true, and return that.

    AssertionError after limit_s, with what trouble() says then, as a program's log.
    """
    deadline = time.monotonic() + limit_s
    while not (result := condition()):
        assert time.monotonic() < deadline, "still not so after {} s: {}".format(limit_s, trouble())
        time.sleep(STEP_S)
    return result

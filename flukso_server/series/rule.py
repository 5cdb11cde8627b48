# SPDX-License-Identifier: GPL-3.0-or-later
"""What a counter can do in a time: how falls are resolved, and which rises say nothing."""

from collections.abc import Callable
from datetime import timezone, tzinfo
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WRAP = 1 << 32  # the counter is a u32

Ints = NDArray[np.int64]


class Rule(NamedTuple):
    """How fast a counter runs, in its unit a second.

    held: it always runs, between `least` and `most`: it is the integral of something that has a
    value at each moment. A step that is neither such a rise nor such a wrap is a gap. A counter
    that is not held may stand still, and it may begin again from 0.
    """

    least: float
    most: float
    held: bool = False

    def gaps(self, rise: Ints, elapsed: Ints) -> NDArray[np.bool_]:
        """Tell which steps of a held counter say nothing of their time.

        A counter is whole, so each of a step's ends may be off by less than one.
        """
        low: NDArray[np.bool_] = rise < self.least * elapsed - 1
        high: NDArray[np.bool_] = rise > self.most * elapsed + 1
        return low | high


# 72 kW: no household counts faster; the limit of the historic RRDs
COUNTER = Rule(0, 20)

Rules = Callable[[str], Rule]  # of a sensor
Zones = Callable[[str], tzinfo]  # of a sensor's household


def counters_alone(_sensor: str) -> Rule:
    """Return the rule of a sensor where nobody tells sensors apart."""
    return COUNTER


def utc_alone(_sensor: str) -> tzinfo:
    """Return the zone of a household where nobody knows households."""
    return timezone.utc

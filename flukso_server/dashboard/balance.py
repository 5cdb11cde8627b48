# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sensors of a line add up to in each bucket, and where their sum means what it says.
Pure.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flukso_server.devices.models import Sensor
from flukso_server.series.curve import Floats
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import Ints
from flukso_server.series.query import XFF

GRACE_S = (
    900  # a sensor that has sent nothing for so long is not waited for: the others' sum goes on
)
RETIRED_S = (
    100 * DAY_S
)  # but in a balance it is, for as long as a silent counter's energy may still come (docs/design/series.md)
EVEN = 0.01  # shares of a bucket that differ by less are of the same time
NEVER = 1 << 40  # unix s: later than any tuple

PANELS = (Sensor.Role.PV, Sensor.Role.EXPORT)  # a household has both or neither

Flags = NDArray[np.bool_]


class Counted(NamedTuple):
    """What one sensor counted (units) in the known share (0 … 1) of each bucket; first and last:
    unix s of its tuples.
    """

    role: str
    sign: int
    energy: Floats
    share: Floats
    first: int
    last: int


class Total(NamedTuple):
    """Of each bucket. energy: units of the whole of it, nan where unknown; counted: of what is
    known of it, nan where that is no sum.
    """

    energy: Floats
    counted: Floats
    share: Floats


def add_up(parts: list[Counted], starts: Ints) -> Total:
    """The sum in each bucket, by the buckets' beginnings.

    A sensor must be known from its first tuple until GRACE_S after its last. Where one is taken
    away from another, each role must be known.
    """
    count = len(starts)
    energy, counted, share = np.zeros(count), np.zeros(count), np.zeros(count)
    known, complete = np.zeros(count, bool), np.ones(count, bool)
    for part in parts:
        enough = part.share >= XFF
        complete &= enough | (starts < part.first) | (starts >= part.last + GRACE_S)
        energy += np.where(enough, part.sign * part.energy / np.where(enough, part.share, 1.0), 0.0)
        counted += part.sign * part.energy
        share = np.maximum(share, part.share)
        known |= enough
    if any(part.sign < 0 for part in parts):
        whole, even = _balanced(parts, starts)
        complete &= whole
        counted[~even] = np.nan
    return Total(np.where(known & complete, energy, np.nan), counted, share)


def _balanced(parts: list[Counted], starts: Ints) -> tuple[Flags, Flags]:
    """Where every role is known, and where all are of the same time. Before there were panels, and
    when they are long gone, neither counts.
    """
    shares = {
        role: _best([part.share for part in parts if part.role == role])
        for role in {part.role for part in parts}
    }
    panels = [share for role, share in shares.items() if role in PANELS]
    others = [share for role, share in shares.items() if role not in PANELS]
    theirs = [part for part in parts if part.role in PANELS]
    without = (starts < min(part.first for part in theirs)) | (
        starts >= max(part.last for part in theirs) + RETIRED_S
    )
    without &= _best(panels) < XFF
    known = (
        np.all([share >= XFF for share in others], axis=0) if others else np.ones(len(starts), bool)
    )
    whole = known & (np.all([share >= XFF for share in panels], axis=0) | without)
    spread = _best(list(shares.values())) - np.min(list(shares.values()), axis=0)
    return whole, (spread <= EVEN) | (without & (_best(panels) == 0))


def _best(shares: list[Floats]) -> Floats:
    found: Floats = np.max(shares, axis=0)
    return found

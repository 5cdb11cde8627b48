# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up the sensors of a line in each bucket, and tells where the sum is meaningful. Pure."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flukso_server.devices.models import Sensor
from flukso_server.series.curve import Floats
from flukso_server.series.localtime import DAY_S
from flukso_server.series.query import XFF
from flukso_server.series.rule import Ints

# after a sensor's last tuple, the sum waits so long for it, then goes on without it
GRACE_S = 900
# a balance waits longer: a silent counter's energy may still come (docs/design/series.md)
RETIRED_S = 100 * DAY_S
EVEN = 0.01  # known shares of a bucket that differ by less are taken for the same time
NEVER = 1 << 40  # unix s: later than any tuple

PANELS = (Sensor.Role.PV, Sensor.Role.EXPORT)  # a household has both roles or neither

Flags = NDArray[np.bool_]


class Counted(NamedTuple):
    """What one sensor counted in each bucket."""

    role: str
    sign: int
    energy: Floats  # units, in the known share of the bucket
    share: Floats  # 0 … 1
    first: int  # unix s of its first tuple
    last: int  # unix s of its last tuple


class Total(NamedTuple):
    """The sum of a line in each bucket."""

    energy: Floats  # units of the whole bucket, nan where unknown
    counted: Floats  # units of what is known of it, nan where that is no sum
    share: Floats  # known share, 0 … 1


def add_up(parts: list[Counted], starts: Ints) -> Total:
    """Return the sum in each bucket; `starts` are the buckets' beginnings.

    It is known where each sensor is, from its first tuple until GRACE_S after its last. Where a
    sensor is subtracted, each role must be known.
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
    """Tell where every role is known, and where all of them are known for the same time.

    Panels need not be known before there were any, nor when they are long gone.
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
    """Return the largest share in each bucket."""
    largest: Floats = np.max(shares, axis=0)
    return largest

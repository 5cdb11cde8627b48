# SPDX-License-Identifier: GPL-3.0-or-later
"""When a device was silent: for over a quarter of an hour no tuple of any sensor, no heartbeat."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flukso_server.devices.housekeeping import HEARTBEATS_KEPT
from flukso_server.devices.models import Heartbeat, Sensor
from flukso_server.series.curve import instants
from flukso_server.series.localtime import DAY_S
from flukso_server.series.reading import survey

SILENT_S = 900
# days for which quarters of an hour are kept, with a margin; docs/design/series.md
QUARTERS_D = 390
HOUR_S = 3600
BEATS_MAX = 5000  # heartbeats read: three times those of HEARTBEATS_KEPT if they come hourly
LONG_STEPS = ("day", "night", "week")  # twenty silent minutes do not spoil the mean of one of these

Stretch = tuple[int, int]  # start, end, unix s


def threshold_s(step: str, start: int, now: int) -> int:
    """Return how long a silence must be: longer than points of its time are apart when aged."""
    if step == "week":
        return DAY_S  # shorter silences do not matter, and leaving them out reads faster
    return SILENT_S if start > now - QUARTERS_D * DAY_S else HOUR_S


class Search(NamedTuple):
    """Where silences are looked for."""

    boundaries: Sequence[int]
    over_s: int  # a silence is longer than this
    now: int


def of_device(
    store,
    device: str | None,
    by_sensor: dict[str, list[Stretch]],
    heard: Stretch,
    search: Search,
) -> list[Stretch]:
    """Return the device's silences between the times at which it was first and last `heard`.

    by_sensor: the silences of some of its sensors; the others are read only where these are silent.
    """
    boundaries, over_s, now = search
    silent = [
        each
        for each in _common(list(by_sensor.values()))
        if heard[0] < each[1] and each[0] < heard[1]
    ]
    if not silent or device is None:
        return silent
    others = Sensor.objects.filter(device=device).exclude(pk__in=by_sensor)
    for sensor in others.values_list("pk", flat=True):
        silent = _common([silent, survey(store, sensor, (silent[0][0], silent[-1][1]), over_s)[2]])
        if not silent:
            return []
    start, end = boundaries[0], boundaries[-1]
    pieces = _cut(silent, _beats(device, silent, now))
    return [
        piece
        for piece in pieces
        if piece[1] - piece[0] > over_s or piece[0] == start or piece[1] == end
    ]


def gaps(stretches: list[Stretch], boundaries, step: str) -> NDArray[np.bool_]:
    """Tell which buckets are drawn as gaps.

    Over SILENT_S of such a bucket lie in the stretches, which ascend without overlaps; over half of
    it, if it is short or of LONG_STEPS.
    """
    at = instants(boundaries)
    if not stretches:
        return np.zeros(len(at) - 1, bool)
    edges = np.asarray(stretches, np.int64).reshape(-1)
    steps = np.diff(edges, prepend=edges[0])
    steps[::2] = 0  # between two stretches
    covered = np.diff(np.interp(at, edges, np.cumsum(steps)))
    half = np.diff(at) / 2
    silent: NDArray[np.bool_] = covered > (
        half if step in LONG_STEPS else np.minimum(half, SILENT_S)
    )
    return silent


def _common(lists: list[list[Stretch]]) -> list[Stretch]:
    """Return the stretches that lie in all of the lists; each ascends without overlaps."""
    common = lists[0]
    for other in lists[1:]:
        both, i, j = [], 0, 0
        while i < len(common) and j < len(other):
            (a, b), (c, d) = common[i], other[j]
            if max(a, c) < min(b, d):
                both.append((max(a, c), min(b, d)))
            i, j = (i + 1, j) if b <= d else (i, j + 1)
        common = both
    return common


def _beats(device: str, silent: list[Stretch], now: int) -> list[int]:
    """Return the heartbeats in the stretches, as far back as they are kept.

    A stretch that is older than these is judged by tuples alone.
    """
    oldest = now - int(HEARTBEATS_KEPT.total_seconds())
    start, end = (
        datetime.fromtimestamp(max(at, oldest), timezone.utc)
        for at in (silent[0][0], silent[-1][1])
    )
    rows = (
        Heartbeat.objects.filter(device=device, at__gt=start, at__lt=end)
        .order_by("at")
        .values_list("at", flat=True)
    )
    return [int(at.timestamp()) for at in rows[:BEATS_MAX]]


def _cut(silent: list[Stretch], beats: list[int]) -> list[Stretch]:
    """Return the stretches cut at each heartbeat."""
    pieces: list[Stretch] = []
    for start, end in silent:
        pieces += pairwise(
            [start, *beats[bisect_right(beats, start) : bisect_left(beats, end)], end]
        )
    return pieces

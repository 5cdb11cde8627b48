# SPDX-License-Identifier: GPL-3.0-or-later
"""When a device was silent: no tuple of any of its sensors and no heartbeat for over a quarter of an hour."""

from datetime import datetime, timezone

import numpy as np
from devices.models import Heartbeat, Sensor
from series.curve import Floats, instants
from series.localtime import DAY_S

SILENT_S = 900
QUARTERS_D = 390  # days for which quarters of an hour are kept, with a margin; docs/series.md
HOUR_S = 3600
BEATS_MAX = 5000  # heartbeats looked at: half a year of hourly ones

Stretch = tuple[int, int]  # start, end, unix s


def threshold_s(step: str, start: int, now: int) -> int:
    """From how long on a silence can be told from the store's own spacing of what has aged."""
    if step == "week":
        return DAY_S  # read by whole days
    return SILENT_S if start > now - QUARTERS_D * DAY_S else HOUR_S


def of_device(store, device: str | None, found: dict[str, list[Stretch]], boundaries, over_s: int) -> list[Stretch]:
    """The device's silences, given those of some of its sensors; the others are asked only where these are silent."""
    silent = _common(list(found.values()))
    if not silent or device is None:
        return silent
    others = Sensor.objects.filter(device=device).exclude(pk__in=found).values_list("pk", flat=True)
    for sensor in others:
        silent = _common([silent, store.survey(sensor, boundaries, over_s)[2]])
        if not silent:
            return []
    start, end = boundaries[0], boundaries[-1]
    return [piece for piece in _cut(silent, _beats(device, silent)) if piece[1] - piece[0] > over_s or piece[0] == start or piece[1] == end]


def share(stretches: list[Stretch], boundaries) -> Floats:
    """The share (0 … 1) of each interval between two boundaries that lies in the stretches, which do not overlap."""
    at = instants(boundaries)
    covered = np.zeros(len(at) - 1)
    for start, end in stretches:
        covered += np.clip(np.minimum(at[1:], end) - np.maximum(at[:-1], start), 0, None)
    return covered / np.maximum(np.diff(at), 1)


def _common(lists: list[list[Stretch]]) -> list[Stretch]:
    """What lies in all of them."""
    common = lists[0]
    for other in lists[1:]:
        common = [(max(a, c), min(b, d)) for a, b in common for c, d in other if max(a, c) < min(b, d)]
    return common


def _beats(device: str, silent: list[Stretch]) -> list[int]:
    start, end = (datetime.fromtimestamp(at, timezone.utc) for at in (silent[0][0], silent[-1][1]))
    rows = Heartbeat.objects.filter(device=device, at__gt=start, at__lt=end).order_by("at").values_list("at", flat=True)
    return [int(at.timestamp()) for at in rows[:BEATS_MAX]]


def _cut(silent: list[Stretch], beats: list[int]) -> list[Stretch]:
    """The stretches in pieces, a heartbeat between each two."""
    pieces = []
    for start, end in silent:
        edges = [start, *[beat for beat in beats if start < beat < end], end]
        pieces += list(zip(edges, edges[1:], strict=False))
    return pieces

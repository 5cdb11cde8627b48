# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sensor's curve says at boundaries (ascending unix s) and between them, from any store."""

from collections.abc import Sequence

import numpy as np

from flukso_server.series.curve import Floats, instants
from flukso_server.series.doubts import Doubt
from flukso_server.series.localtime import DAY_S
from flukso_server.series.store import Store, Tuple


def counters(store: Store, sensor: str, boundaries: Sequence[int]) -> list[float | None]:
    """Return the continuous counter at each boundary, linear between tuples.

    None before the first tuple, after the last one and inside a silence over HEARTBEAT_S.
    Differences within one answer are energy, over wraps and resets too; the level itself means
    nothing.
    """
    return store.curve(sensor, instants(boundaries)).counters()


def coverage(store: Store, sensor: str, boundaries: Sequence[int]) -> Floats:
    """Return the share (0 … 1) of each interval of which the energy is known."""
    return store.curve(sensor, instants(boundaries)).coverage()


def profile(store: Store, sensor: str, boundaries: Sequence[int]) -> tuple[Floats, Floats]:
    """Return the energy (Wh) of each interval's known part, and the known share of its time."""
    curve = store.curve(sensor, instants(boundaries))
    return curve.energies(), curve.coverage()


def doubts(store: Store, sensor: str, start: int, end: int) -> list[Doubt]:
    """Return what is doubted in the UTC days from start to end, the newest first, bounded."""
    days = (start // DAY_S * DAY_S, -(-end // DAY_S) * DAY_S)
    return store.curve(sensor, instants(days)).doubts()


def running(
    store: Store, sensor: str, tuples: Sequence[Tuple], level: int
) -> list[tuple[int, int | str]]:
    """Return (time, continuous counter) of tuples as they are kept, beginning with `level`.

    An RRD would take a wrap or a reset for an unknown minute, and believe what is doubted. What is
    unknown ends with "U", a second before the tuple that ends it.
    """
    times = [ts for ts, _counter in tuples]
    curve = store.curve(sensor, instants(times), shortest_silence_s=1)
    levels = curve.levels()
    whole = np.floor(levels - levels[0] + 0.5).astype(np.int64) + level
    values: list[tuple[int, int | str]] = list(zip(times, whole.tolist(), strict=True))
    unknown = [times[i + 1] - 1 for i in np.flatnonzero(curve.coverage() == 0).tolist()]
    values += [(ts, "U") for ts in set(unknown).difference(times)]
    return sorted(values, key=lambda value: value[0])


def survey(
    store: Store, sensor: str, boundaries: Sequence[int], over_s: int
) -> tuple[Floats, Floats, list[Tuple]]:
    """Return profile(), and the silences: stretches (start, end) without a tuple for over over_s.

    Silences are cut off at the first and the last boundary.
    """
    curve = store.curve(sensor, instants(boundaries), over_s)
    return curve.energies(), curve.coverage(), curve.silences(over_s)

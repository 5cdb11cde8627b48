# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sensor's curve says at boundaries (ascending unix s) and between them, from any store."""

from collections.abc import Sequence

from flukso_server.series.curve import Floats, instants
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


def survey(
    store: Store, sensor: str, boundaries: Sequence[int], over_s: int
) -> tuple[Floats, Floats, list[Tuple]]:
    """Return profile(), and the silences: stretches (start, end) without a tuple for over over_s.

    Silences are cut off at the first and the last boundary.
    """
    curve = store.curve(sensor, instants(boundaries), over_s)
    return curve.energies(), curve.coverage(), curve.silences(over_s)

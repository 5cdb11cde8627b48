# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts history that somebody brought into a series."""

import time

from flukso_server.project.stores import note_late, store
from flukso_server.series.admission import MAX_TUPLES
from flukso_server.series.appending import append

TUPLES_MAX = 40_000  # at once: a month of minutes, or a year of quarter hours


def ends(series: str) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Return the oldest and the newest tuple that are kept of a series, None for none."""
    kept = store()
    first = kept.first(series)
    oldest = [] if first is None else kept.raw(series, first, first + 1)
    return (oldest[0] if oldest else None), kept.last(series)


def store_tuples(series: str, tuples: list[tuple[int, int]]) -> dict[str, int]:
    """Store the tuples, and return how many are new, duplicate, in conflict and refused.

    What is stored already stays as it is, so the same tuples may come again.
    """
    counts = [0, 0, 0, 0]
    for begin in range(0, len(tuples), MAX_TUPLES):
        part = tuples[begin : begin + MAX_TUPLES]
        outcome = append(store(), series, part, int(time.time()))
        # Duplicates count, too: an earlier request may have stored them and then failed.
        if outcome.new or outcome.duplicate:
            note_late(series, min(ts for ts, _counter in part))
        counts = [sum(pair) for pair in zip(counts, outcome[:4], strict=True)]
    return dict(zip(("new", "duplicate", "conflict", "refused"), counts, strict=True))

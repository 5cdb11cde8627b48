# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the highest quarter of each month before quarters become hours."""

from flukso_server.series.peaks import by_month
from flukso_server.series.points import Points
from flukso_server.series.sqlite.archive import Archive
from flukso_server.series.store import Tuple

_KEEP = (
    "INSERT INTO peak VALUES (?,?,?,?) ON CONFLICT DO UPDATE"
    " SET ts=excluded.ts, energy=excluded.energy WHERE excluded.energy > energy"
)


def keep(archive: Archive, no: int, points: Points) -> None:
    """Note the highest quarters of points that are about to become hours."""
    terms = archive.terms(no)
    if not terms.rule.held:
        rows = [(no, month, *peak) for month, peak in by_month(points, archive.zone(no), terms)]
        archive.db.executemany(_KEEP, rows)


def peaks_of(archive: Archive, no: int) -> list[Tuple]:
    """Return (beginning, Wh) of the highest quarters that are kept, ascending."""
    rows = archive.db.execute("SELECT ts, energy FROM peak WHERE no=? ORDER BY month", (no,))
    return rows.fetchall()


def remove(archive: Archive, no: int) -> None:
    """Remove those of a sensor that was forgotten."""
    archive.db.execute("DELETE FROM peak WHERE no=?", (no,))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one sensor's points from the main file: blocks of days, ladders, and what waits in memory."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from flukso_server.series.curve import Part
from flukso_server.series.ladder import DAY, HOUR, LEVELS, QUARTER, Horizons
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import EMPTY, HEARTBEAT_S, Ints, Points, consistent, steps, union
from flukso_server.series.sqlite import codec
from flukso_server.series.sqlite.archive import Archive

FAR_DAYS = (
    HEARTBEAT_S // DAY_S + 1
)  # a neighbour further off makes a silence that is unknown anyway
EVER_DAYS = (
    LEVELS[HOUR].keep_days + LEVELS[DAY].span_days
)  # further off than any late point's neighbour: ten years are accepted
OUTLINES = 256  # kept, found by their bytes: 8 KB for two months
LAST_DAY = (1 << 32) // DAY_S  # times are u32


class Window(NamedTuple):
    """Whole UTC days first … last of a sensor; pending: its points not merged yet, which ascend."""

    no: int
    first: int
    last: int
    pending: Points


def horizons(archive: Archive) -> Horizons:
    """Return the horizons as the file has them now; in the last span before each, ageing may be under
    way.
    """
    found = dict(
        archive.db.execute(
            "SELECT name, value FROM meta WHERE name >= 'aged' AND name < 'agee'"
        ).fetchall()
    )
    return Horizons(
        found.get("aged_raw", 0), found.get("aged_quarter", 0), found.get("aged_hour", 0)
    )


def parts(archive: Archive, window: Window, by_day: bool = False) -> list[Part]:
    """What is known of the window, ascending; by_day: only good for boundaries at 00:00 UTC, and
    fast.
    """
    aged = horizons(archive)
    found: list[Part] = []
    if by_day:
        _ladder(archive, window, range(aged.raw), DAY, found)
    else:
        _ladder(archive, window, range(aged.hour), DAY, found)
        _ladder(archive, window, range(aged.hour, aged.quarter), HOUR, found)
        _ladder(
            archive,
            window,
            range(aged.quarter - LEVELS[QUARTER].span_days, aged.raw),
            QUARTER,
            found,
        )
    _raw(archive, window, aged.raw, by_day, found)
    return _with_late(archive, window, aged, found)


def around(
    archive: Archive, window: Window, start: int, end: int, by_day: bool = False
) -> list[Part]:
    """parts() of the window, and the nearest point on each side when its own points do not reach
    `start` or `end`.
    """
    found = parts(archive, window, by_day)
    if not found or found[0].points.ts[0] > start:
        left = before(archive, window, window.first)
        if left is not None:
            found.insert(0, Part(left))
    if not found or found[-1].points.ts[-1] < end:
        right = after(archive, window, window.last)
        if right is not None:
            found.append(Part(right))
    return found


def before(archive: Archive, window: Window, day: int, far_days: int = FAR_DAYS) -> Points | None:
    """The last point before the day, at most far_days before."""
    for near, far in ((1, 1), (2, far_days)):
        first = max(day - far, 0)
        found = _ends(archive, Window(window.no, first, day - near, window.pending))
        if found:
            return Points(found[-1].points.ts[-1:], found[-1].points.counter[-1:])
    return None


def after(archive: Archive, window: Window, day: int, far_days: int = FAR_DAYS) -> Points | None:
    """The first point after the day, at most far_days after."""
    for near, far in ((1, 1), (2, far_days)):
        found = _ends(
            archive, Window(window.no, day + near, min(day + far, LAST_DAY), window.pending)
        )
        if found:
            return Points(found[0].points.ts[:1], found[0].points.counter[:1])
    return None


def _ends(archive: Archive, window: Window) -> list[Part]:
    """As parts(), but days that are raw by their two ends."""
    aged = horizons(archive)
    found: list[Part] = []
    if window.first < aged.raw:
        _ladder(archive, window, range(aged.hour), DAY, found)
        _ladder(archive, window, range(aged.hour, aged.quarter), HOUR, found)
        _ladder(
            archive,
            window,
            range(aged.quarter - LEVELS[QUARTER].span_days, aged.raw),
            QUARTER,
            found,
        )
    _raw(archive, window, aged.raw, True, found)
    return _with_late(archive, window, aged, found)


def _ladder(archive: Archive, window: Window, days: range, level: int, found: list[Part]) -> None:
    """Append the ladder's points of those of the days that are in the window, and the one that ends
    them.
    """
    high = days.stop
    first, end = max(window.first, days.start, 0), min(window.last + 1, high)
    if first >= end:
        return
    span = LEVELS[level].span_days
    points = EMPTY
    last_chunk = (
        end // span if end == high else (end - 1) // span
    )  # the point at the end lies in the next block
    for chunk in range(first // span, last_chunk + 1):
        points = union(points, archive.ladder(level, chunk, window.no))
    join(found, Part(points.between(first * DAY_S, end * DAY_S + (end == high)), rungs=True))


def _with_late(archive: Archive, window: Window, aged: Horizons, found: list[Part]) -> list[Part]:
    """The parts with what waits for days that have aged, unless it contradicts what is there."""
    if not len(window.pending.ts):
        return found
    rungs = [part for part in found if part.rungs]
    blocks = found[len(rungs) :]
    end = min(window.last + 1, aged.raw) * DAY_S
    if blocks:
        end = min(end, int(blocks[0].points.ts[0]))
    late = window.pending.between(window.first * DAY_S, end)
    if not len(late.ts):
        return found
    points = EMPTY
    for part in rungs:
        points = union(points, part.points)
    merged = window._replace(pending=EMPTY)
    near = union(before(archive, merged, window.first, EVER_DAYS) or EMPTY, points)
    near = union(
        near,
        blocks[0].points if blocks else after(archive, merged, window.last, EVER_DAYS) or EMPTY,
    )
    return [Part(union(points, consistent(near, late)), rungs=True), *blocks]


def _raw(archive: Archive, window: Window, low: int, heads: bool, found: list[Part]) -> None:
    """Append the days' blocks, or only their outlines; the last day that ages may still have one."""
    first = max(window.first, low - 1, 0)
    if first > window.last:
        return
    rows = (archive.heads if heads else archive.days)(window.no, first, window.last)
    if first < low and first not in rows:
        first = low
    loose = window.pending.between(first * DAY_S, (window.last + 1) * DAY_S)
    loose = union(archive.chunks(window.no, first, window.last), loose)
    waiting = _days(loose.ts)
    outlined: list[bytes] = []
    for day in sorted(waiting.union(rows)):
        if heads and day not in waiting:
            outlined.append(rows[day])
            continue
        if outlined:
            join(found, _outline(b"".join(outlined)))
            outlined = []
        block = archive.block(day, window.no) if heads and day in rows else rows.get(day, b"")
        join(
            found, Part(union(archive.decode(block), loose.between(day * DAY_S, (day + 1) * DAY_S)))
        )
    if outlined:
        join(found, _outline(b"".join(outlined)))


def _days(ts: Ints) -> set[int]:
    """The days that have one of these times, which ascend."""
    if not len(ts):
        return set()
    first, last = int(ts[0]) // DAY_S, int(ts[-1]) // DAY_S
    (found,) = steps(ts.searchsorted(np.arange(first, last + 2) * DAY_S)).nonzero()
    return set((first + found).tolist())


@lru_cache(OUTLINES)
def _outline(headers: bytes) -> Part:
    """Both ends of each block, with the energy and the known time in between; for several readers:
    nobody may write to it.
    """
    heads = codec.summaries(headers)
    count = len(heads)
    ts, counter, energy, known = (np.full((count, 2), -1, np.int64) for _ in range(4))
    ts[:, 0], ts[:, 1], counter[:, 0], counter[:, 1] = (
        heads["ts0"],
        heads["ts1"],
        heads["counter0"],
        heads["counter1"],
    )
    energy[:, 0], known[:, 0] = heads["energy"], heads["known"]
    lone = heads["size"] == 1
    energy[lone, 0] = -1
    keep = np.ones((count, 2), bool)
    keep[lone, 1] = False
    return Part(Points(ts[keep], counter[keep]), energy[keep], known[keep])


def join(found: list[Part], part: Part) -> None:
    """Append a part; where it overlaps the one before, or contradicts its last rung, the finer part
    is right.
    """
    if not len(part.points.ts):
        return
    if found:
        last = found[-1].points
        overlap = last.ts[-1] >= part.points.ts[0]
        if overlap:
            last = last.between(0, int(part.points.ts[0]))
        rungs = found[-1].rungs
        if rungs:
            last = last.without_false_rung(int(part.points.counter[0]))
        if len(last.ts) != len(found[-1].points.ts):
            found.pop()
            if len(last.ts):
                found.append(Part(last, rungs=rungs))  # only ladders overlap what follows
    found.append(part)

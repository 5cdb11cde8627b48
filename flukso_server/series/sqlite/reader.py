# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one sensor's points: blocks and ladders of the main file, and what waits in memory."""

from collections.abc import Container
from enum import Enum
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

import numpy as np

from flukso_server.series.admission import MAX_AGE_S
from flukso_server.series.curve import Part
from flukso_server.series.ladder import DAY, HOUR, LEVELS, QUARTER, Horizons
from flukso_server.series.localtime import DAY_S
from flukso_server.series.points import EMPTY, HEARTBEAT_S, Points, consistent, steps, union
from flukso_server.series.rule import Ints
from flukso_server.series.sqlite import codec
from flukso_server.series.sqlite.archive import Archive
from flukso_server.series.terms import Correction

FAR_DAYS = HEARTBEAT_S // DAY_S + 1  # a neighbour further off makes a silence unknown anyway
# further off than the neighbour of any late point
EVER_DAYS = MAX_AGE_S // DAY_S + LEVELS[DAY].span_days
NEAR = 2  # points of the days beside a window that are read
SIDE_DAYS = 2  # with data, that are read on each side where tuples do not fit
OUTLINES = 256  # kept in memory, known by their headers: 8 KB for two months
LAST_DAY = (1 << 32) // DAY_S  # times are u32


class Heads(Enum):
    """Which days are read by their headers: none, those that fit, all (for their ends)."""

    NONE = 0
    THAT_FIT = 1
    ALL = 2


class Window(NamedTuple):
    """The whole UTC days first … last of a sensor, and its points that are not merged yet."""

    no: int
    first: int
    last: int
    pending: Points
    corrections: tuple[Correction, ...] = ()
    doubtful: frozenset[int] = frozenset()  # days whose headers do not stand for them

    def corrected(self, day: int) -> bool:
        """Tell whether the day's header does not stand for it, perhaps because of a correction."""
        start = day * DAY_S
        return day in self.doubtful or any(
            each.start < start + DAY_S + 1 and start <= each.end + 1 for each in self.corrections
        )


def horizons(archive: Archive) -> Horizons:
    """Return the horizons that the file has now.

    In the last span before each, ageing may be under way.
    """
    rows = archive.db.execute("SELECT name, value FROM meta WHERE name >= 'aged' AND name < 'agee'")
    aged = dict(rows.fetchall())
    return Horizons(aged.get("aged_raw", 0), aged.get("aged_quarter", 0), aged.get("aged_hour", 0))


def parts(archive: Archive, window: Window, by_day: bool = False) -> list[Part]:
    """Return what is known of the window, ascending.

    by_day: read days by their headers, which is fast, and exact for boundaries at 00:00 UTC alone.
    """
    aged = horizons(archive)
    pieces: list[Part] = []
    if by_day and not any(each.start < aged.raw * DAY_S for each in window.corrections):
        _ladder(archive, window, range(aged.raw), DAY, pieces)
    else:
        _ladders(archive, window, aged, pieces)
    _raw(archive, window, aged.raw, Heads.THAT_FIT if by_day else Heads.NONE, pieces)
    return _with_late(archive, window, aged, pieces)


def around(
    archive: Archive, window: Window, start: int, end: int, by_day: bool = False
) -> list[Part]:
    """Return parts() of the window, extended so that they reach `start` and `end`, and further.

    The days on both sides show whether the window's first and last points fit. A side that the
    points do not reach gets the nearest one beyond.
    """
    first, last = window.first, window.last
    window = window._replace(first=max(first - 1, 0), last=min(last + 1, LAST_DAY))
    pieces = _nearest(parts(archive, window, by_day), first * DAY_S, last * DAY_S + DAY_S)
    if not pieces or pieces[0].points.ts[0] > start:
        left = before(archive, window, window.first)
        if left is not None:
            pieces.insert(0, Part(left))
    if not pieces or pieces[-1].points.ts[-1] < end:
        right = after(archive, window, window.last)
        if right is not None:
            pieces.append(Part(right))
    return pieces


def _nearest(pieces: list[Part], start: int, end: int) -> list[Part]:
    """Return the parts, of those outside of start … end only the nearest points."""
    inside = [part for part in pieces if part.points.ts[-1] >= start and part.points.ts[0] < end]
    left = [part for part in pieces if part.points.ts[-1] < start][-1:]
    right = [part for part in pieces if part.points.ts[0] >= end][:1]
    near_left = [_cut(part, np.s_[-NEAR:]) for part in left]
    return [*near_left, *inside, *[_cut(part, np.s_[:NEAR]) for part in right]]


def _cut(part: Part, where: slice) -> Part:
    """Return some of a part's points."""
    points, summed, rungs = part
    some = Points(points.ts[where], points.counter[where])
    return Part(some, None if summed is None else summed[where], rungs)


def context(
    archive: Archive, window: Window, start: int, end: int, by_day: bool = False
) -> list[Part]:
    """Return around(), with the days on both sides whose tuples may decide about odd ones."""
    first, last = window.first, window.last
    for _day in range(SIDE_DAYS):
        if (left := before(archive, window, first)) is not None:
            first = int(left.ts[0]) // DAY_S
        if (right := after(archive, window, last)) is not None:
            last = int(right.ts[0]) // DAY_S
    wide = window._replace(first=first, last=last)
    return around(archive, wide, min(start, first * DAY_S), max(end, last * DAY_S + DAY_S), by_day)


def before(archive: Archive, window: Window, day: int, far_days: int = FAR_DAYS) -> Points | None:
    """Return the last point before the day, at most far_days before."""
    for near, far in ((1, 1), (2, far_days)):
        first = max(day - far, 0)
        pieces = _ends(archive, Window(window.no, first, day - near, window.pending))
        if pieces:
            return Points(pieces[-1].points.ts[-1:], pieces[-1].points.counter[-1:])
    return None


def after(archive: Archive, window: Window, day: int, far_days: int = FAR_DAYS) -> Points | None:
    """Return the first point after the day, at most far_days after."""
    for near, far in ((1, 1), (2, far_days)):
        pieces = _ends(
            archive, Window(window.no, day + near, min(day + far, LAST_DAY), window.pending)
        )
        if pieces:
            return Points(pieces[0].points.ts[:1], pieces[0].points.counter[:1])
    return None


def _ends(archive: Archive, window: Window) -> list[Part]:
    """Return parts(), but only both ends of days that are raw."""
    aged = horizons(archive)
    pieces: list[Part] = []
    if window.first < aged.raw:
        _ladders(archive, window, aged, pieces)
    _raw(archive, window, aged.raw, Heads.ALL, pieces)
    return _with_late(archive, window, aged, pieces)


def _ladders(archive: Archive, window: Window, aged: Horizons, pieces: list[Part]) -> None:
    """Append the points of each day from the finest ladder that has it."""
    quarters = range(aged.quarter - LEVELS[QUARTER].span_days, aged.raw)
    _ladder(archive, window, range(aged.hour), DAY, pieces)
    _ladder(archive, window, range(aged.hour, aged.quarter), HOUR, pieces)
    _ladder(archive, window, quarters, QUARTER, pieces)


def _ladder(archive: Archive, window: Window, days: range, level: int, pieces: list[Part]) -> None:
    """Append the ladder's points of the days that are in the window, with the rung at their end."""
    high = days.stop
    first, end = max(window.first, days.start, 0), min(window.last + 1, high)
    if first >= end:
        return
    span = LEVELS[level].span_days
    points = EMPTY
    # the rung at the end lies in the next block
    last_chunk = end // span if end == high else (end - 1) // span
    for chunk in range(first // span, last_chunk + 1):
        points = union(points, archive.ladder(level, chunk, window.no))
    join(pieces, Part(points.between(first * DAY_S, end * DAY_S + (end == high)), rungs=True))


def _with_late(archive: Archive, window: Window, aged: Horizons, pieces: list[Part]) -> list[Part]:
    """Return the parts with the pending points of aged days that do not contradict them."""
    if not len(window.pending.ts):
        return pieces
    rungs = [part for part in pieces if part.rungs]
    blocks = pieces[len(rungs) :]
    end = min(window.last + 1, aged.raw) * DAY_S
    if blocks:
        end = min(end, int(blocks[0].points.ts[0]))
    late = window.pending.between(window.first * DAY_S, end)
    if not len(late.ts):
        return pieces
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


def _raw(archive: Archive, window: Window, low: int, heads: Heads, pieces: list[Part]) -> None:
    """Append the days' blocks, or only their outlines.

    The last day before the horizon may still have its block, while ageing is under way.
    """
    first = max(window.first, low - 1, 0)
    if first > window.last:
        return
    by_heads = heads != Heads.NONE
    rows = (archive.heads if by_heads else archive.days)(window.no, first, window.last)
    if first < low and first not in rows:
        first = low
    loose = window.pending.between(first * DAY_S, (window.last + 1) * DAY_S)
    loose = union(archive.chunks(window.no, first, window.last), loose)
    waiting = _days(loose.ts)
    outlined: list[bytes] = []
    fitting = _by_header(rows, window, heads)
    for day in sorted(waiting.union(rows)):
        if day in fitting and day not in waiting:
            outlined.append(rows[day])
            continue
        if outlined:
            join(pieces, _outline(b"".join(outlined)))
            outlined = []
        block = archive.block(day, window.no) if by_heads and day in rows else rows.get(day, b"")
        join(
            pieces,
            Part(
                union(
                    archive.closed(day, window.no, block),
                    loose.between(day * DAY_S, (day + 1) * DAY_S),
                )
            ),
        )
    if outlined:
        join(pieces, _outline(b"".join(outlined)))


def _by_header(rows: dict[int, bytes], window: Window, heads: Heads) -> Container[int]:
    """Return the days that are read by their headers, which `rows` has unless that is none."""
    if heads == Heads.NONE:
        return ()
    fits = None if heads == Heads.ALL else _fitting(b"".join(rows.values()))
    days = rows if fits is None else dict(compress(rows.items(), fits))
    if window.corrections or window.doubtful:
        return {day for day in days if heads == Heads.ALL or not window.corrected(day)}
    return days


@lru_cache(OUTLINES)
def _fitting(headers: bytes) -> list[bool] | None:
    """Tell of joined headers which block fits; None: all do."""
    fits: list[bool] = codec.fits(codec.summaries(headers)).tolist()
    return None if all(fits) else fits


def _days(ts: Ints) -> set[int]:
    """Return the days that have one of these times, which ascend."""
    if not len(ts):
        return set()
    first, last = int(ts[0]) // DAY_S, int(ts[-1]) // DAY_S
    (with_times,) = steps(ts.searchsorted(np.arange(first, last + 2) * DAY_S)).nonzero()
    return set((first + with_times).tolist())


@lru_cache(OUTLINES)
def _outline(headers: bytes) -> Part:
    """Return both ends of each block, of which all that lies in between fits.

    The result is shared by several readers: do not write to it.
    """
    heads = codec.summaries(headers)
    count = len(heads)
    ts, counter = np.empty((count, 2), np.int64), np.empty((count, 2), np.int64)
    ts[:, 0], ts[:, 1], counter[:, 0], counter[:, 1] = (
        heads["ts0"],
        heads["ts1"],
        heads["counter0"],
        heads["counter1"],
    )
    summed = np.zeros((count, 2), bool)
    keep = np.ones((count, 2), bool)
    keep[:, 1] = summed[:, 0] = heads["size"] > 1
    return Part(Points(ts[keep], counter[keep]), summed[keep])


def join(pieces: list[Part], part: Part) -> None:
    """Append a part to those before.

    Where it overlaps the last one, or contradicts its last rung, the finer part is right.
    """
    if not len(part.points.ts):
        return
    if pieces:
        last = pieces[-1].points
        overlap = last.ts[-1] >= part.points.ts[0]
        if overlap:
            last = last.between(0, int(part.points.ts[0]))
        rungs = pieces[-1].rungs
        if rungs:
            last = last.without_false_rung(int(part.points.counter[0]))
        if len(last.ts) != len(pieces[-1].points.ts):
            pieces.pop()
            if len(last.ts):
                pieces.append(Part(last, rungs=rungs))  # only ladders overlap what follows
    pieces.append(part)

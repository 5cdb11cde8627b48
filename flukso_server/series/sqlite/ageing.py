# SPDX-License-Identifier: GPL-3.0-or-later
"""Old data gets coarser: blocks become quarters of an hour and days, quarters hours; hours go."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from flukso_server.series.ladder import (
    DAY,
    HOUR,
    LEVELS,
    QUARTER,
    RAW,
    Horizons,
    horizons_at,
    level_of,
)
from flukso_server.series.lasting import lasting
from flukso_server.series.localtime import DAY_S, off_the_hour
from flukso_server.series.points import EMPTY, Points, consistent, thin, union
from flukso_server.series.sqlite import peaks
from flukso_server.series.sqlite.archive import (
    LAST_CHUNK,
    Archive,
    day_key,
    ladder_key,
    open_key,
)
from flukso_server.series.sqlite.damage import (
    BLOCK,
    CHUNK,
    LADDER,
    NO_MASK,
    UnreadableError,
    span_of,
)
from flukso_server.series.sqlite.reader import (
    EVER_DAYS,
    Window,
    after,
    before,
    parts,
)

ROWS = 64  # aged in one transaction


class Ladder(NamedTuple):
    """Which ladder: its level, its sensor's number."""

    level: int
    no: int


class Block(NamedTuple):
    """Which block of the ladders: its level, its span of days, its sensor's number."""

    level: int
    chunk: int
    no: int


def run(archive: Archive, now: int) -> Iterator[None]:
    """Age what has become old enough.

    A horizon moves before its data does; meanwhile readers look in both places.
    """
    due = horizons_at(now)
    yield from _age_days(archive, due.raw)
    yield from _age_quarters(archive, due.quarter)
    yield from _drop_hours(archive, due.hour)


def _age_days(archive: Archive, target: int) -> Iterator[None]:
    """Thin the blocks of days before `target` into quarters and days."""
    low = 0
    while True:
        horizon = archive.get("aged_raw")
        oldest = archive.oldest(BLOCK, day_key(low, 0), day_key(target, 0))
        day = target if oldest is None else oldest >> 32
        if day >= target and horizon >= target:
            return
        archive.begin()
        archive.put("aged_raw", max(min(day + 1, target), horizon))
        archive.commit()
        if day < target:
            yield from _age_rows(archive, BLOCK, day_key(day, 0), level=RAW)
            low = day + 1  # what could not be aged waits there for repair
        elif archive.get("aged_raw") >= target:
            return


def _age_quarters(archive: Archive, target: int) -> Iterator[None]:
    """Thin whole blocks of quarters before the day `target` into hours."""
    span = LEVELS[QUARTER].span_days
    base = low = ladder_key(QUARTER, 0, 0)
    while (horizon := archive.get("aged_quarter")) + span <= target:
        oldest = archive.oldest(LADDER, low, ladder_key(QUARTER, LAST_CHUNK, 0))
        chunk = target // span if oldest is None else (oldest - base) >> 32
        moved = min((chunk + 1) * span, target // span * span)
        archive.begin()
        archive.put("aged_quarter", max(moved, horizon))
        archive.commit()
        if (chunk + 1) * span > target:
            return
        yield from _age_rows(archive, LADDER, ladder_key(QUARTER, chunk, 0), level=QUARTER)
        low = ladder_key(QUARTER, chunk + 1, 0)


def _drop_hours(archive: Archive, target: int) -> Iterator[None]:
    """Delete whole blocks of hours before the day `target`; days stay for ever."""
    span = LEVELS[HOUR].span_days
    moved = target // span * span
    if moved <= archive.get("aged_hour"):
        return
    archive.begin()
    archive.put("aged_hour", moved)
    archive.commit()
    low, high = ladder_key(HOUR, 0, 0), ladder_key(HOUR, moved // span, 0)
    for rows in archive.slices(LADDER, low, high, ROWS):
        archive.begin()
        archive.delete(LADDER, [key for key, _data in rows])
        archive.commit()
        yield


def _age_rows(archive: Archive, table: str, low: int, *, level: int) -> Iterator[None]:
    """Merge the blocks of one span into the coarser ladders, and delete them.

    One that cannot be, because a page of the file is damaged, stays where it is.
    """
    high = low | NO_MASK
    first = span_of(table, low).first
    last = first + LEVELS[level].span_days - 1
    while low:
        archive.begin()
        rows, low = archive.some(table, low, high, ROWS)
        aged = []
        for key, data in rows:
            no = key & NO_MASK
            try:
                points = archive.points(table, key, data)
                following = after(archive, Window(no, first, last, EMPTY), last) or EMPTY
                if level == RAW:
                    put(archive, Ladder(QUARTER, no), points, following)
                    put(archive, Ladder(DAY, no), points, following)
                else:
                    peaks.keep(archive, no, union(points, following))
                    put(archive, Ladder(HOUR, no), points, following)
                aged.append(key)
            except (UnreadableError, sqlite3.DatabaseError) as error:
                archive.tolerate(table, key, error)
            yield
        archive.delete(table, aged)
        archive.commit()


def put_late(archive: Archive, no: int, points: Points, rest: Points, aged: Horizons) -> None:
    """Put points of days that have aged into the ladders that keep these days.

    The ladder of days is then drawn anew from them. `rest`: the points that come after these.
    """
    while len(points.ts):
        level = level_of(int(points.ts[0]) // DAY_S, aged)
        until = {QUARTER: aged.raw, HOUR: aged.quarter, DAY: aged.hour}[level] * DAY_S
        part, points = points.between(0, until), points.between(until, 1 << 33)
        following = points if len(points.ts) else rest
        put(archive, Ladder(level, no), part, following, late=True)
        if level != DAY:
            _draw_days(archive, no, part, following)


def put(
    archive: Archive, ladder: Ladder, points: Points, following: Points, *, late: bool = False
) -> None:
    """Thin points into one ladder.

    `following` begins with the next point after them. late: `following` knows only points that came
    with these, so the ladder may have a nearer one.
    """
    level, no = ladder
    span_s = LEVELS[level].span_days * DAY_S
    while len(points.ts):
        chunk = int(points.ts[0]) // span_s
        part = points.between(chunk * span_s, (chunk + 1) * span_s)
        points = points.between((chunk + 1) * span_s, 1 << 33)
        beyond = points if len(points.ts) else following
        if late:
            beyond = _next(archive, no, int(part.ts[-1]) // DAY_S, beyond)
        _put_chunk(
            archive, Block(level, chunk, no), part, Points(beyond.ts[:1], beyond.counter[:1]), late
        )


def _draw_days(archive: Archive, no: int, late: Points, following: Points) -> None:
    """Draw the rungs of days anew where late points have changed a finer ladder.

    What was left out there, or ended a silence there, must do the same here. The stretch reaches
    from the neighbour on one side to that on the other, and a day further than the late points: the
    next day may hold no more than the rung at the end of the late day, with a silence behind it.
    """
    window = Window(no, int(late.ts[0]) // DAY_S, int(late.ts[-1]) // DAY_S + 1, EMPTY)
    left = before(archive, window, window.first, EVER_DAYS) or EMPTY
    right = _next(archive, no, window.last, following)
    right = Points(right.ts[:1], right.counter[:1])
    points = left
    for part in parts(archive, window):
        points = union(points, part.points)
    points = union(points, right)
    low, high = (
        (int(left.ts[0]) if len(left.ts) else -1),
        (int(right.ts[0]) if len(right.ts) else 1 << 33),
    )
    kept_as_sent = lasting(points, archive.terms(no))
    ts, counter = thin(kept_as_sent, DAY_S)
    wanted = ((ts > low) & (ts < high)) | (ts % DAY_S == 0)
    wanted |= np.isin(ts, kept_as_sent.points.ts[kept_as_sent.stay])
    drawn = Points(ts[wanted], counter[wanted])
    span_s = LEVELS[DAY].span_days * DAY_S
    for chunk in range(int(ts[0]) // span_s, int(ts[-1]) // span_s + 1):
        mine = drawn.between(chunk * span_s, (chunk + 1) * span_s)
        kept = archive.ladder(DAY, chunk, window.no)
        mine = union(mine, union(kept.between(0, low + 1), kept.between(high, 1 << 33)))
        if len(mine.ts):
            archive.put_ladder(DAY, chunk, window.no, mine)


def _next(archive: Archive, no: int, day: int, following: Points) -> Points:
    """Return the first point after a day, of `following` or of what the file has already."""
    far_days = int(following.ts[0]) // DAY_S - day if len(following.ts) else EVER_DAYS
    there = after(archive, Window(no, day, day, EMPTY), day, far_days) or EMPTY
    return union(there, following)


def _put_chunk(
    archive: Archive, block: Block, points: Points, following: Points, late: bool
) -> None:
    level, chunk, no = block
    span_s = LEVELS[level].span_days * DAY_S
    start = int(points.ts[0]) // DAY_S * DAY_S
    end = (int(points.ts[-1]) // DAY_S + 1) * DAY_S
    kept = archive.ladder(level, chunk, no)
    if not late:
        kept = _without_false_rung(archive, block, kept, start, int(points.counter[0]))
    left = _left(archive, block, kept, start, late)
    right = kept.between(end + 1, 1 << 33)
    right = Points(right.ts[:1], right.counter[:1])
    if not len(right.ts) or (len(following.ts) and following.ts[0] < right.ts[0]):
        right = following
    here = _without_false_start(left, kept.between(start, end + 1), points)
    if (
        not late
        and len(here.ts)
        and here.ts[-1] == end
        and len(following.ts)
        and following.ts[0] > end
    ):
        here = Points(here.ts[:-1], here.counter[:-1])  # it is drawn anew, from what is known now
    near = union(union(left, here), right)
    # a late point may lie in a silence across which a rung was drawn: it must fit between both its
    # neighbours
    points = consistent(near if late else here, points)
    whole = union(near, points)
    as_sent = lasting(whole, archive.terms(no))
    also = off_the_hour(start, end, archive.zone(no)) if level == HOUR else ()
    thinned = thin(as_sent, LEVELS[level].step_s, also).between(start, end + 1)
    whole = union(union(kept.between(0, start), thinned), kept.between(end + 1, 1 << 33))
    mine = whole.between(0, (chunk + 1) * span_s)
    if len(mine.ts):
        archive.put_ladder(level, chunk, no, mine)
    over = thinned.between((chunk + 1) * span_s, 1 << 33)
    if len(over.ts):  # the rung at the end begins the next block
        archive.put_ladder(level, chunk + 1, no, union(over, archive.ladder(level, chunk + 1, no)))


def _without_false_rung(
    archive: Archive, block: Block, kept: Points, start: int, counter: int
) -> Points:
    """Return `kept` without a false last rung before `start`.

    The rung may also lie in the block before; that block is then written without it.
    """
    step_s = LEVELS[block.level].step_s
    before_start = kept.between(0, start)
    if len(before_start.ts):
        return union(before_start.without_false_rung(counter, step_s), kept.between(start, 1 << 33))
    earlier = archive.ladder(block.level, block.chunk - 1, block.no) if block.chunk else EMPTY
    rest = earlier.between(0, start).without_false_rung(counter, step_s)
    if len(rest.ts) < len(earlier.ts) and earlier.ts[-1] < start:
        archive.put_ladder(block.level, block.chunk - 1, block.no, rest)
    return kept


def _left(archive: Archive, block: Block, kept: Points, start: int, late: bool) -> Points:
    """Return the ladder's last point before `start`, from this block or the one before.

    For late points it may come from any ladder, however far away.
    """
    left = kept.between(0, start)
    if not len(left.ts) and block.chunk:
        left = archive.ladder(block.level, block.chunk - 1, block.no)
    if late and not len(left.ts):
        day = start // DAY_S
        left = before(archive, Window(block.no, day, day, EMPTY), day, EVER_DAYS) or EMPTY
    return Points(left.ts[-1:], left.counter[-1:])


def _without_false_start(left: Points, here: Points, points: Points) -> Points:
    """Return `here` without a first rung that was drawn across a silence which `points` end."""
    if (
        len(left.ts)
        and len(here.ts)
        and here.ts[0] < points.ts[0]
        and left.counter[0] <= points.counter[0] < here.counter[0]
    ):
        return Points(here.ts[1:], here.counter[1:])
    return here


def remove(archive: Archive, no: int, first_day: int, last_day: int) -> None:
    """Delete all blocks of a sensor, whose data lies in these days."""
    runs = archive.runs(first_day, last_day)
    archive.delete(CHUNK, [open_key(day, sweep, no) for day, sweep in runs])
    archive.delete(BLOCK, [day_key(day, no) for day in range(first_day, last_day + 1)])
    for level in (QUARTER, HOUR, DAY):
        span = LEVELS[level].span_days
        chunks = range(first_day // span, last_day // span + 2)
        archive.delete(LADDER, [ladder_key(level, chunk, no) for chunk in chunks])
    peaks.remove(archive, no)
    archive.db.execute("DELETE FROM damaged WHERE no=?", (no,))

# SPDX-License-Identifier: GPL-3.0-or-later
"""One sensor's RRD files, by librrd alone or through rrdcached: create, update, draw, read."""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import rrdtool  # type: ignore[import-not-found,unused-ignore] # it has no types

from flukso_server.series.rrd.cached import Cached
from flukso_server.series.rule import COUNTER, Rule

STEP_S = 60
DAY_S = 86_400
HEARTBEAT_S = 8_640_000  # 100 days
# steps a row, rows: docs/design/protocols.md §4
METER_ARCHIVES = ((1, 1440), (15, 672), (1440, 365), (10_080, 520))
NIGHT_ARCHIVES = ((1, 365), (7, 520))
BATCH = 2000  # values in one call of librrd, where each is an argument

RrdError = (rrdtool.OperationalError, rrdtool.ProgrammingError)


class Graph(NamedTuple):
    """What to draw: from `start` to `end` (unix s), the counter's rate × factor + offset."""

    start: int
    end: int
    factor: float
    unit: str
    night: bool = False  # from a file of nights
    offset: float = 0.0


class Rrd:
    """The calls of librrd that this project uses.

    `daemon` is rrdcached's address (unix:/path), "" for none. A call that goes through rrdcached
    raises CachedError if it refuses, or does not answer within seconds.
    """

    def __init__(self, daemon: str = "") -> None:
        self._cached = Cached(daemon) if daemon else None

    def create(self, path: str, start: int, night: bool = False, rule: Rule = COUNTER) -> None:
        """Make an empty file, whose first value must be later than `start`.

        A rate that the rule does not allow is unknown in it.
        """
        os.makedirs(os.path.dirname(path), exist_ok=True)
        step, kind, archives = (
            (DAY_S, "night:GAUGE", NIGHT_ARCHIVES)
            if night
            else (STEP_S, "meter:DERIVE", METER_ARCHIVES)
        )
        source = f"DS:{kind}:{HEARTBEAT_S}:{rule.least:g}:{rule.most:g}"
        rows = [f"RRA:AVERAGE:0.5:{steps}:{count}" for steps, count in archives]
        rrdtool.create(path, "--start", str(start), "--step", str(step), source, *rows)

    def update(self, path: str, values: Iterable[tuple[int, float | str]]) -> None:
        """Add values later than the file's last one, ascending; "U" is an unknown one."""
        updates = [f"{ts}:{value}" for ts, value in values]
        if self._cached:
            self._cached.update(path, updates)
            return
        for at in range(0, len(updates), BATCH):
            rrdtool.update(path, *updates[at : at + BATCH])

    def last(self, path: str) -> tuple[int, int | None]:
        """Return the time of the last value, and the last counter (None before the first)."""
        self.flush(path)
        info = rrdtool.info(path)
        value = str(info.get("ds[meter].last_ds", "U"))
        return int(info["last_update"]), None if value in {"U", "UNKN"} else int(float(value))

    def ping(self) -> None:
        """Raise Deaf if rrdcached writes the files and does not answer."""
        if self._cached:
            self._cached.ping()

    def flush(self, path: str) -> None:
        """Have rrdcached write what it holds."""
        if self._cached:
            self._cached.flush(path)

    def forget(self, path: str) -> None:
        """Have rrdcached drop what it holds, because the file is removed or replaced."""
        if self._cached:
            self._cached.forget(path)

    def png(self, path: str, graph: Graph) -> bytes:
        """Draw a graph in the historic platform's first colour."""
        start, end, factor, unit, night, offset = graph
        if not path.isprintable() or ":" in path:
            raise ValueError("a path that rrdtool cannot take")
        self.flush(path)
        drawn = rrdtool.graphv(
            "-",
            *("--start", str(start), "--end", str(end), "--width", "600", "--height", "200"),
            *("--vertical-label", unit, "--border", "0"),
            # a temperature need not begin at 0
            *(("--alt-autoscale",) if offset else ("--lower-limit", "0")),
            f"DEF:rate={path}:{'night' if night else 'meter'}:AVERAGE",
            f"CDEF:value=rate,{factor},*,{offset},+",
            "LINE2:value#F1572F",
        )
        image: bytes = drawn["image"]
        return image


def steps_back(path: str, source: str = "meter") -> Sequence[tuple[int, int, float]]:
    """Return all that a file knows: (start, end, Wh/s), ascending.

    Each time comes from the finest archive that has it.
    """
    info = rrdtool.info(path)
    last = int(info["last_update"])
    step = int(info["step"])
    known: list[tuple[int, int, float]] = []
    until = last + 1
    for number in range(64):
        if f"rra[{number}].rows" not in info:
            break
        if info[f"rra[{number}].cf"] != "AVERAGE":
            continue
        width = step * int(info[f"rra[{number}].pdp_per_row"])
        end = last // width * width
        begin = end - width * int(info[f"rra[{number}].rows"])
        (start, _end, got), names, rows = rrdtool.fetch(
            path, "AVERAGE", "-r", str(width), "-s", str(begin), "-e", str(end)
        )
        if got != width or source not in names:
            continue
        at = names.index(source)
        mine = [(start + i * width, start + (i + 1) * width, row[at]) for i, row in enumerate(rows)]
        mine = [
            _clip(row, until, known)
            for row in mine
            if row[2] is not None and row[0] < until and row[1] <= last
        ]
        known += mine
        until = min([until, *(begin for begin, _end, _rate in mine)])
    return sorted(known)


def _clip(
    row: tuple[int, int, float], until: int, finer: Sequence[tuple[int, int, float]]
) -> tuple[int, int, float]:
    """Return the part of a row before the finer rows, with the energy that they leave of it."""
    begin, end, rate = row
    if end <= until:
        return row
    theirs = sum(value * (b - a) for a, b, value in finer if a >= until and b <= end)
    return begin, until, max(rate * (end - begin) - theirs, 0.0) / (until - begin)

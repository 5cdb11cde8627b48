# SPDX-License-Identifier: GPL-3.0-or-later
"""One sensor's RRD files through librrd, directly or through rrdcached: create, update, draw, read."""

import os
from collections.abc import Iterable, Sequence

import rrdtool  # type: ignore[import-not-found,unused-ignore] # it has no types

from flukso_server.series.rrd.cached import Cached

STEP_S = 60
DAY_S = 86_400
HEARTBEAT_S = 8_640_000  # 100 days
MAX_WH_S = 20
METER = f"DS:meter:DERIVE:{HEARTBEAT_S}:0:{MAX_WH_S}"
NIGHT = f"DS:night:GAUGE:{HEARTBEAT_S}:0:{MAX_WH_S}"
METER_ARCHIVES = (
    (1, 1440),
    (15, 672),
    (1440, 365),
    (10_080, 520),
)  # steps a row, rows: docs/design/protocols.md §4
NIGHT_ARCHIVES = ((1, 365), (7, 520))
BATCH = 2000  # values in one call of librrd: an argument each

RrdError = (rrdtool.OperationalError, rrdtool.ProgrammingError)


class Rrd:
    """The calls of librrd that this project uses. `daemon`: rrdcached's address (unix:/path), ""
    for none.

    What goes through rrdcached raises CachedError when it refuses, or does not answer within
    seconds.
    """

    def __init__(self, daemon: str = "") -> None:
        self._cached = Cached(daemon) if daemon else None

    def create(self, path: str, start: int, night: bool = False) -> None:
        """Make an empty file whose first value will be later than `start`."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        step, source, archives = (
            (DAY_S, NIGHT, NIGHT_ARCHIVES) if night else (STEP_S, METER, METER_ARCHIVES)
        )
        rows = [f"RRA:AVERAGE:0.5:{steps}:{count}" for steps, count in archives]
        rrdtool.create(path, "--start", str(start), "--step", str(step), source, *rows)

    def update(self, path: str, values: Iterable[tuple[int, float]]) -> None:
        """Add values later than the file's last one, ascending."""
        words = [f"{ts}:{value}" for ts, value in values]
        if self._cached:
            self._cached.update(path, words)
            return
        for at in range(0, len(words), BATCH):
            rrdtool.update(path, *words[at : at + BATCH])

    def last(self, path: str) -> tuple[int, int | None]:
        """The time of the last value, and the last counter (None before the first one)."""
        self.flush(path)
        info = rrdtool.info(path)
        value = str(info.get("ds[meter].last_ds", "U"))
        return int(info["last_update"]), None if value in {"U", "UNKN"} else int(float(value))

    def ping(self) -> None:
        """Raises Deaf when the files are rrdcached's to write and it does not answer."""
        if self._cached:
            self._cached.ping()

    def flush(self, path: str) -> None:
        """Have rrdcached write what it holds."""
        if self._cached:
            self._cached.flush(path)

    def forget(self, path: str) -> None:
        """Another file will be in this place, or none: rrdcached drops what it holds."""
        if self._cached:
            self._cached.forget(path)

    def png(
        self, path: str, start: int, end: int, factor: float, unit: str, night: bool = False
    ) -> bytes:
        """A graph in the historic platform's first colour; night: of a file of nights."""
        if not path.isprintable() or ":" in path:
            raise ValueError("a path that rrdtool cannot take")
        self.flush(path)
        drawn = rrdtool.graphv(
            "-",
            *("--start", str(start), "--end", str(end), "--width", "600", "--height", "200"),
            *("--vertical-label", unit, "--lower-limit", "0", "--border", "0"),
            f"DEF:rate={path}:{'night' if night else 'meter'}:AVERAGE",
            f"CDEF:value=rate,{factor},*",
            "LINE2:value#F1572F",
        )
        image: bytes = drawn["image"]
        return image


def steps_back(path: str, source: str = "meter") -> Sequence[tuple[int, int, float]]:
    """All that a file knows, ascending: (start, end, Wh/s) of its rows, each time from the finest
    archive that has it.
    """
    info = rrdtool.info(path)
    last = int(info["last_update"])
    step = int(info["step"])
    found: list[tuple[int, int, float]] = []
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
            _clip(row, until, found)
            for row in mine
            if row[2] is not None and row[0] < until and row[1] <= last
        ]
        found += mine
        until = min([until, *(begin for begin, _end, _rate in mine)])
    return sorted(found)


def _clip(
    row: tuple[int, int, float], until: int, finer: Sequence[tuple[int, int, float]]
) -> tuple[int, int, float]:
    """The part of a row before the finer rows begin, with what they leave of its energy."""
    begin, end, rate = row
    if end <= until:
        return row
    theirs = sum(value * (b - a) for a, b, value in finer if a >= until and b <= end)
    return begin, until, max(rate * (end - begin) - theirs, 0.0) / (until - begin)

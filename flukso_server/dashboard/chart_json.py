# SPDX-License-Identifier: GPL-3.0-or-later
"""What the chart is fed with: the lines of a window as one JSON answer (docs/design/dashboard.md
has its form).
"""

from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from flukso_server.accounts import prices
from flukso_server.dashboard import scales
from flukso_server.dashboard.lines import Line
from flukso_server.dashboard.measure import Values, measure
from flukso_server.dashboard.scales import Window
from flukso_server.dashboard.texts import sign_of
from flukso_server.series.ladder import grain_s

DIGITS = {
    "electricity": 0,
    "water": 1,
    "gas": 1,
}  # of a rate: whole watts, tenths of litres an hour
WHOLE = 0.999  # of a bucket: known but for a few seconds at its end


class Asked(msgspec.Struct):
    """What a request asked for, checked."""

    resource: str
    start: int
    end: int
    step: str


def answer(store, account, asked: Asked, lines: list[Line], now: int) -> bytes:
    """Raises scales.WindowError."""
    zone, sensors = ZoneInfo(account.time_zone), sum(len(line.parts) for line in lines)
    kept_s = grain_s(asked.start, now) if sensors else 1
    window = scales.window(asked.start, asked.end, asked.step, now, zone, sensors, kept_s)
    digits = DIGITS[asked.resource]
    history = prices.spans_of(account)
    return msgspec.json.encode(
        {
            "now": now,
            "start": asked.start,
            "end": asked.end,
            "step": window.step,
            "t": deltas(window),
            "lines": [
                told(store, line, measure(store, line, window, now), digits) for line in lines
            ],
            "prices": [[span.start, span.per_kwh, sign_of(span.currency)] for span in history],
            "sign": sign_of(prices.at(history, now).currency),
            "zone": scales.offsets(window.start, window.end, zone),
        }
    )


def deltas(window: Window) -> list[int]:
    """The first boundary, then the steps to each next one."""
    at = np.asarray(window.boundaries, np.int64)
    return [int(at[0]), *np.diff(at).tolist()]


def told(store, line: Line, values: Values, digits: int) -> dict:
    """A line as it is sent; `part` and `last`, the time of its newest value, are those of who
    shares minutes.
    """
    rate = np.round(values.rate, digits)
    numbers = [
        None if value != value else value  # noqa: PLR0124
        for value in (rate.astype(object) if digits else _whole(rate)).tolist()
    ]
    fine = line.detail == "minutes"
    return {
        "key": line.key,
        "name": line.name,
        "kind": line.kind,
        "detail": line.detail,
        "v": numbers,
        "gaps": runs(values.gap),
        "part": partly(values, digits) if fine else [],
        "last": newest(store, line) if fine else None,
    }


def partly(values: Values, digits: int) -> list[list[float]]:
    """[bucket, units counted, known share of its time] of those that are known in part, too little
    of it for a mean as well.
    """
    found = np.flatnonzero((values.share > 0) & (values.share < WHOLE) & ~np.isnan(values.counted))
    amounts, shares = np.round(values.counted[found], digits), np.round(values.share[found], 4)
    return [
        list(each) for each in zip(found.tolist(), amounts.tolist(), shares.tolist(), strict=True)
    ]


def _whole(rate: np.ndarray) -> np.ndarray:
    """Integers, and nan as it is: JSON then has no `.0`."""
    found = np.empty(len(rate), object)
    known = ~np.isnan(rate)
    found[known] = rate[known].astype(np.int64)
    found[~known] = np.nan
    return found


def newest(store, line: Line) -> int | None:
    """When the line's sensors were last heard of, unix s."""
    found = [store.last(part.sensor) for part in line.parts]
    return max((each[0] for each in found if each), default=None)


def runs(flags: np.ndarray) -> list[list[int]]:
    """[first, last] of each run of what is true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return [[int(a), int(b) - 1] for a, b in zip(edges[::2], edges[1::2], strict=True)]

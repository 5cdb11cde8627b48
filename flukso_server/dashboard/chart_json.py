# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart's data: the lines of a window as one JSON answer (docs/design/dashboard.md)."""

import msgspec
import numpy as np

from flukso_server.accounts import prices
from flukso_server.accounts.zones import zone_of
from flukso_server.dashboard import scales
from flukso_server.dashboard.lines import Line
from flukso_server.dashboard.measure import Values, measure
from flukso_server.dashboard.scales import Window
from flukso_server.dashboard.texts import sign_of
from flukso_server.series.ladder import grain_s
from flukso_server.series.quantities import BY_NAME

WHOLE = 0.999  # from this known share on a bucket counts as whole: seconds at its end may lack


class Asked(msgspec.Struct):
    """What a request asks for, checked."""

    resource: str
    start: int
    end: int
    step: str


def answer(store, account, asked: Asked, lines: list[Line], now: int) -> bytes:
    """Return the chart's data. Raises scales.WindowError."""
    zone, sensors = zone_of(account), sum(len(line.parts) for line in lines)
    kept_s = grain_s(asked.start, store.horizons()) if sensors else 1
    wish = scales.Wish(asked.start, asked.end, asked.step, sensors, kept_s)
    window = scales.window(wish, now, zone)
    digits = BY_NAME[asked.resource].digits
    history = prices.spans_of(account)
    return msgspec.json.encode(
        {
            "now": now,
            "start": asked.start,
            "end": asked.end,
            "step": window.step,
            "t": deltas(window),
            "lines": [
                line_json(store, line, measure(store, line, window, now), digits) for line in lines
            ],
            "prices": [[span.start, span.per_kwh, sign_of(span.currency)] for span in history],
            "sign": sign_of(prices.at(history, now).currency),
            "zone": scales.offsets(window.start, window.end, zone),
        }
    )


def deltas(window: Window) -> list[int]:
    """Return the first boundary, then the step to each next one."""
    at = np.asarray(window.boundaries, np.int64)
    return [int(at[0]), *np.diff(at).tolist()]


def line_json(store, line: Line, values: Values, digits: int) -> dict:
    """Return a line as it is sent.

    Who shares days alone shows neither `part` nor `last`, the time of the newest value.
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
    """Return [bucket, units counted, known share] of buckets that are known in part.

    A bucket is among them also if too little is known for its mean.
    """
    in_part = (values.share > 0) & (values.share < WHOLE) & ~np.isnan(values.counted)
    buckets = np.flatnonzero(in_part)
    amounts, shares = np.round(values.counted[buckets], digits), np.round(values.share[buckets], 4)
    columns = buckets.tolist(), amounts.tolist(), shares.tolist()
    return [list(row) for row in zip(*columns, strict=True)]


def _whole(rate: np.ndarray) -> np.ndarray:
    """Return integers, and nan as it is, so that the JSON has no `.0`."""
    numbers = np.empty(len(rate), object)
    known = ~np.isnan(rate)
    numbers[known] = rate[known].astype(np.int64)
    numbers[~known] = np.nan
    return numbers


def newest(store, line: Line) -> int | None:
    """Return the time of the newest tuple of the line's sensors, None if they have none."""
    tuples = [store.last(part.sensor) for part in line.parts]
    return max((each[0] for each in tuples if each), default=None)


def runs(flags: np.ndarray) -> list[list[int]]:
    """Return [first, last] of each run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return [[int(a), int(b) - 1] for a, b in zip(edges[::2], edges[1::2], strict=True)]

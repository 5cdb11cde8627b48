# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a counter of powers, as the old API answers them; pure."""

from collections import Counter

from flukso_server.history import faults
from flukso_server.history.faults import Fault

WS_IN_WH = 3600
FALLS = 4  # a counter falls at resets; of powers about each second value is lower than the last
ENOUGH = 8  # values from which that can be told

Power = tuple[int, int, float | None]  # line, unix s at the end of its time, W or None for `nan`


def are_powers(rows: list[Power]) -> bool:
    """Tell powers from counters: some are unknown or below 0, or a quarter of them fall."""
    values = [watt for _line, _ts, watt in rows]
    if any(watt is None or watt < 0 for watt in values):
        return True
    falls = sum(after < watt for watt, after in zip(values, values[1:], strict=False))  # type: ignore[operator]
    return len(values) >= ENOUGH and falls * FALLS >= len(values)


def counted(rows: list[Power]) -> tuple[list[tuple[int, int]], list[Fault]]:
    """Return the tuples of a counter of Wh from 0 on, and the lines that are not taken.

    A power is the mean of the time up to its stamp: since the row before, or as long as the rows
    mostly lie apart where some are missing. What is unknown counts nothing.
    """
    tuples: list[tuple[int, int]] = []
    refused: list[Fault] = []
    energy = 0.0  # Ws
    step, last = _usual(rows), None
    for line, ts, watt in rows:
        if last is not None and ts <= last:
            refused.append(Fault(line, faults.BACKWARD, {}))
            continue
        begins = ts - step if last is None or ts - last > step * 1.5 else last
        last = ts
        if watt is None:
            refused.append(Fault(line, faults.NAN, {}))
            continue
        if not tuples or tuples[-1][0] < begins:
            tuples.append((max(begins, 0), int(energy // WS_IN_WH)))
        energy += max(watt, 0.0) * (ts - begins)
        tuples.append((ts, int(energy // WS_IN_WH)))
    return tuples, refused


def _usual(rows: list[Power]) -> int:
    """Return the most common distance of the rows in s, a minute for a single one."""
    apart = Counter(b[1] - a[1] for a, b in zip(rows, rows[1:], strict=False) if b[1] > a[1])
    return apart.most_common(1)[0][0] if apart else 60

# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of a line in the buckets of a window: means, nights, live; unknown ones and gaps."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flukso_server.accounts.sharing import Detail
from flukso_server.dashboard import balance, demo, silences
from flukso_server.dashboard.balance import NEVER, Counted, add_up
from flukso_server.dashboard.lines import DEMO_SEED, Line
from flukso_server.dashboard.scales import LIVE_MEAN_S, LIVE_STEP_S, Window
from flukso_server.series.curve import Floats, instants
from flukso_server.series.localtime import (
    DAY_S,
    HOUR_S,
    day_boundaries,
    local_date,
    midnight,
    night_of,
)
from flukso_server.series.quantities import of_resource
from flukso_server.series.reading import counters, coverage, survey

# how long answers for those who share days are kept: their days are over, and a late tuple may show
# that much later
REMEMBERED_S = 600
WHOLE = 0.999  # known share of a minute that counts as all of it
REMEMBERED = 1000  # answers kept, 8 kB each at most


class Values(NamedTuple):
    """The values of a line in each bucket.

    The mean of half a bucket stands for all of it, its amount does not: hence both are here.
    """

    rate: Floats  # units an hour (W, l/h), nan where unknown
    gap: NDArray[np.bool_]  # the counter gives a value, but the device was silent
    counted: Floats  # units in the known share of its time, nan where the bucket is not over
    share: Floats  # known, 0 … 1

    def of(self, where) -> "Values":
        """Return the values of the chosen buckets (a slice or indices)."""
        return Values(*[each[where] for each in self])


def measure(store, line: Line, window: Window, now: int) -> Values:
    """Return the line's values in the window. A bucket that is not over is nan."""
    if window.step == "night":
        return _nights(store, line, window, now)
    if line.detail == Detail.DAY or _of_another_clock(store, line, window):
        return _by_days(store, line, window, now)
    if window.step == "live":
        return _live(store, line, window)
    return _buckets(store, line, window.boundaries, window.step, now)


def _of_another_clock(store, line: Line, window: Window) -> bool:
    """Tell whether the viewer's days begin where a peer's old data, kept by the hour, has no rung.

    The peer's own days stand for these then: they are exact (docs/design/series.md).
    """
    if line.kind != "peer" or window.step != "day":
        return False
    hours = store.horizons().quarter * DAY_S
    return any(ts % HOUR_S and ts < hours for ts in window.boundaries)


def _buckets(store, line: Line, boundaries: Sequence[int], step: str, now: int) -> Values:
    """Return the line's means between boundaries; `step` decides what is a gap."""
    at = instants(boundaries)
    hours = np.diff(at) / 3600
    if line.kind == "demo":
        rate = demo.energy_wh(DEMO_SEED, at) / hours
        rate[(at[1:] > now) | (at[:-1] < demo.EPOCH)] = np.nan
        return _whole(rate, hours)
    over_s = silences.threshold_s(step, int(at[0]), now)
    counted: list[Counted] = []
    silent_by_device: dict[str | None, dict] = {}
    for part in line.parts:
        energy, share, silent_stretches = survey(store, part.sensor, boundaries, over_s)
        counted.append(Counted(part.role, part.sign, energy, share, *life(store, part.sensor)))
        silent_by_device.setdefault(part.device, {})[part.sensor] = silent_stretches
    total = add_up(counted, at[:-1])
    over = at[1:] <= now
    rate = np.where(over, total.energy / hours, np.nan)
    gap = np.zeros(len(hours), bool)
    search = silences.Search(boundaries, over_s, now)
    for device, silent in silent_by_device.items():
        its = [
            each for part, each in zip(line.parts, counted, strict=True) if part.device == device
        ]
        heard = min(each.first for each in its), max(each.last for each in its)
        stretches = silences.of_device(store, device, silent, heard, search)
        gap |= silences.gaps(stretches, boundaries, step)
    return Values(rate, gap & ~np.isnan(rate), np.where(over, total.counted, np.nan), total.share)


def life(store, sensor: str) -> tuple[int, int]:
    """Return unix s of the sensor's first and last tuple, or NEVER and before all, if none came."""
    first, last = store.first(sensor), store.last(sensor)
    return (NEVER, -NEVER) if first is None or last is None else (first, last[0])


def _whole(rate: Floats, hours: Floats) -> Values:
    """Return values of buckets that are wholly known or not at all, without gaps."""
    return Values(rate, np.zeros(len(rate), bool), rate * hours, np.where(np.isnan(rate), 0.0, 1.0))


def _nothing(count: int) -> Values:
    return _whole(np.full(count, np.nan), np.zeros(count))


def _nights(store, line: Line, window: Window, now: int) -> Values:
    """Return the means between 02:00 and 05:00 of each date, where the line's household is.

    Who shares day means shows no nights.
    """
    nothing = _nothing(len(window.boundaries) - 1)
    if line.detail == Detail.DAY:
        return nothing
    noons = [(a + b) // 2 for a, b in zip(window.boundaries, window.boundaries[1:], strict=False)]
    days = [local_date(noon, line.zone) for noon in noons]
    nights = [night_of(day, line.zone) for day in days]
    edges = [edge for night in nights for edge in night[:2]]
    if any(b < a for a, b in zip(edges, edges[1:], strict=False)):
        return nothing  # a zone so far off that two of the viewer's days hold one of its nights
    values = _buckets(store, line, edges, "night", now).of(np.s_[::2])
    later = np.array([known > now for _start, _end, known in nights])
    values.rate[later], values.gap[later] = np.nan, False
    return values


def _by_days(store, line: Line, window: Window, now: int) -> Values:
    """Return the means of the household's own days, whatever the viewer's buckets are.

    Nothing finer is shown; a week is one of seven of these days.
    """
    if window.step == "week":
        thursdays = [_utc_date(at) for at in window.boundaries]
        weeks = tuple(midnight(day, line.zone) for day in thursdays)
        return _remembered(store, line, weeks, "week", now // REMEMBERED_S)
    first = local_date(window.start, line.zone)
    last = local_date(window.end, line.zone) + timedelta(1)
    days = tuple(day_boundaries(first, last, line.zone))
    at = instants(window.boundaries)
    where = np.clip(np.searchsorted(days, (at[1:] + at[:-1]) // 2, "right") - 1, 0, len(days) - 2)
    return _remembered(store, line, days, "day", now // REMEMBERED_S).of(where)


@lru_cache(REMEMBERED)
def _remembered(store, line: Line, cuts: tuple[int, ...], step: str, moment: int) -> Values:
    """Return _buckets() as of the last whole REMEMBERED_S; it is shared: do not write to it."""
    return _buckets(store, line, cuts, step, moment * REMEMBERED_S)


def _utc_date(at: int) -> date:
    return datetime.fromtimestamp(at, timezone.utc).date()


def _live(store, line: Line, window: Window) -> Values:
    """Return the mean of the minute before each bucket's end."""
    if line.kind == "demo":
        ends = list(window.boundaries)[1:]
        rate = np.array(
            [demo.power_w(DEMO_SEED, end - 1) if end > demo.EPOCH else np.nan for end in ends]
        )
        return _whole(rate, np.full(len(ends), LIVE_STEP_S / 3600))
    back = LIVE_MEAN_S // LIVE_STEP_S
    held = of_resource(line.resource).rule.held
    grid = range(window.start - LIVE_MEAN_S + LIVE_STEP_S, window.end + 1, LIVE_STEP_S)
    counted: list[Counted] = []
    for part in line.parts:
        first, last = life(store, part.sensor)
        level = np.full(len(grid), np.nan)
        if last >= grid.start - balance.GRACE_S:
            levels = counters(store, part.sensor, grid)
            level = np.array([np.nan if each is None else each for each in levels])
        energy = level[back:] - level[:-back]
        if held and len(energy):  # one that was not known for a part of the minute tells nothing
            known = np.concatenate(([0.0], np.cumsum(coverage(store, part.sensor, grid))))
            energy[known[back:] - known[:-back] < back * WHOLE] = np.nan
        share = (~np.isnan(energy)).astype(float)
        counted.append(Counted(part.role, part.sign, np.nan_to_num(energy), share, first, last))
    total = add_up(counted, instants(grid)[:-back])
    return _whole(total.energy * 3600 / LIVE_MEAN_S, np.full(len(total.energy), LIVE_STEP_S / 3600))

# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of a line in the buckets of a window: means, nights, live; what is unknown, and what is a gap."""

from datetime import timedelta
from typing import NamedTuple

import numpy as np
from accounts.sharing import Detail
from dashboard import demo, silences
from dashboard.lines import DEMO_SEED, Line
from dashboard.scales import LIVE_MEAN_S, LIVE_STEP_S, Window
from numpy.typing import NDArray
from series.curve import Floats, instants
from series.localtime import NIGHT_FROM, NIGHT_KNOWN, NIGHT_TO, day_boundaries, instant, local_date
from series.query import XFF

GRACE_S = 900  # a sensor that has sent nothing for so long is not waited for: the others' sum goes on
GAP = 0.5  # a bucket more of which was silent is drawn as a gap


class Values(NamedTuple):
    """rate: units an hour (W, l/h), nan where unknown; gap: known by its counter, but the device was silent."""

    rate: Floats
    gap: NDArray[np.bool_]


def measure(store, line: Line, window: Window, now: int) -> Values:
    """The line's value in each bucket of the window. A bucket that is not over is nan."""
    if window.step == "night":
        return _nights(store, line, window, now)
    if line.detail == Detail.DAY and window.step != "week":
        return _by_days(store, line, window, now)
    if window.step == "live":
        return _live(store, line, window)
    return _buckets(store, line, window.boundaries, window.step, now)


def _buckets(store, line: Line, boundaries, step: str, now: int) -> Values:
    at = instants(boundaries)
    hours = np.diff(at) / 3600
    if line.kind == "demo":
        rate = demo.energy_wh(DEMO_SEED, at) / hours
        rate[at[1:] > now] = np.nan
        return Values(rate, np.zeros(len(rate), bool))
    over_s = silences.threshold_s(step, int(at[0]), now)
    total, known, missing = np.zeros(len(hours)), np.zeros(len(hours), bool), at[1:] > now
    quiet: dict[str | None, dict] = {}
    for part in line.parts:
        energy, share, silent = store.survey(part.sensor, boundaries, over_s)
        enough = share >= XFF
        first, last = store.first(part.sensor) or 0, (store.last(part.sensor) or (0,))[0]
        # it must be known for the sum to be one, from its first tuple until some time after its last
        missing |= ~enough & (at[:-1] >= first) & (at[:-1] < last + GRACE_S) if last else False
        total += np.where(enough, part.sign * energy / np.where(enough, share, 1.0), 0.0)
        known |= enough
        # before its first and after its last it is not known anyway
        quiet.setdefault(part.device, {})[part.sensor] = [each for each in silent if first < each[1] and each[0] < last]
    gap = np.zeros(len(hours), bool)
    for device, found in quiet.items():
        if any(found.values()):
            gap |= silences.share(silences.of_device(store, device, found, boundaries, over_s), boundaries) > GAP
    known &= ~missing
    return Values(np.where(known, total / hours, np.nan), gap & known)


def _nights(store, line: Line, window: Window, now: int) -> Values:
    """The mean between 02:00 and 05:00 of each local date, where the line's household is; nothing for who shares day means."""
    count = len(window.boundaries) - 1
    nothing = Values(np.full(count, np.nan), np.zeros(count, bool))
    if line.detail == Detail.DAY:
        return nothing
    noons = [(a + b) // 2 for a, b in zip(window.boundaries, window.boundaries[1:], strict=False)]
    days = [local_date(noon, line.zone) for noon in noons]
    edges = [instant(day, at, line.zone) for day in days for at in (NIGHT_FROM, NIGHT_TO)]
    if any(b <= a for a, b in zip(edges, edges[1:], strict=False)):
        return nothing  # a zone so far off that two of the viewer's days hold one of its nights
    found = _buckets(store, line, edges, "night", now)
    later = np.array([instant(day, NIGHT_KNOWN, line.zone) > now for day in days])
    return Values(np.where(later, np.nan, found.rate[::2]), found.gap[::2] & ~later)


def _by_days(store, line: Line, window: Window, now: int) -> Values:
    """The means of the household's own days, and nothing finer, whatever the viewer's buckets are."""
    first = local_date(window.start, line.zone)
    last = local_date(window.end, line.zone) + timedelta(1)
    days = day_boundaries(first, last, line.zone)
    found = _buckets(store, line, days, "day", now)
    at = instants(window.boundaries)
    where = np.clip(np.searchsorted(days, (at[1:] + at[:-1]) // 2, "right") - 1, 0, len(days) - 2)
    return Values(found.rate[where], found.gap[where])


def _live(store, line: Line, window: Window) -> Values:
    """The mean of the minute before each bucket's end."""
    if line.kind == "demo":
        ends = list(window.boundaries)[1:]
        return Values(np.array([demo.power_w(DEMO_SEED, end - 1) for end in ends]), np.zeros(len(ends), bool))
    back = LIVE_MEAN_S // LIVE_STEP_S
    grid = range(window.start - LIVE_MEAN_S + LIVE_STEP_S, window.end + 1, LIVE_STEP_S)
    total = np.full(len(grid) - back, np.nan)
    for part in line.parts:
        last = store.last(part.sensor)
        if last is None or last[0] < grid.start:
            continue  # silent for long: the others' sum goes on
        level = np.array([np.nan if each is None else each for each in store.counters(part.sensor, grid)])
        rate = part.sign * (level[back:] - level[:-back]) * 3600 / LIVE_MEAN_S
        total = rate if np.isnan(total).all() else total + rate
    return Values(total, np.zeros(len(total), bool))

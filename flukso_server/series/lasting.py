# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a sensor's tuples must stay as it was sent when they age."""

import numpy as np

from flukso_server.series import held
from flukso_server.series.localtime import DAY_S
from flukso_server.series.plausible import Bools, dilated, exceeds, is_large, judge
from flukso_server.series.points import HEARTBEAT_S, MAX_IRREGULAR, Lasting, Points, steps
from flukso_server.series.rule import Ints
from flukso_server.series.terms import PLAIN, USUAL_DAY_WH, Terms

ASIDE_KEPT = 8  # tuples set aside that a broken counter's day keeps when it ages


def lasting(points: Points, terms: Terms = PLAIN) -> Lasting:
    """Return what of points that are to age must stay as it was sent.

    Those are both ends of all that is doubted or that a correction, its undoing or another highest
    day would change, with their neighbours, so that judge() says the same of what is left. At most
    MAX_IRREGULAR of a UTC day: of a broken counter, most that is set aside goes.
    """
    if terms.rule.held:
        return held.lasting(points, terms.rule)
    irregular = doubtful(points, terms)
    few = irregular
    if _most(points.ts, irregular) > MAX_IRREGULAR:
        points = _without_most_aside(points, irregular, terms)
        irregular = doubtful(points, terms)
        (at,) = irregular.nonzero()
        day = points.ts[at] // DAY_S
        few = np.zeros(len(irregular), bool)
        few[at[np.arange(len(day)) - np.searchsorted(day, day) < MAX_IRREGULAR]] = True
    near = dilated(few)
    stay = np.append(near, False)
    stay[1:] |= near
    return Lasting(points, ~dilated(irregular), stay)


def doubtful(points: Points, terms: Terms) -> Bools:
    """Tell which intervals do not fit, or might not by other corrections or another highest day."""
    ts, counter = points
    elapsed, rise = steps(ts), steps(counter)
    irregular = (rise < 0) | exceeds(elapsed, rise, ts[1:], terms)
    irregular |= (elapsed > HEARTBEAT_S) | is_large(ts, rise, USUAL_DAY_WH)
    for each in terms.of_history():
        for edge in (each.start, each.end + 1):
            irregular |= (ts[:-1] < edge) & (edge <= ts[1:])
    return irregular


def _most(ts: Ints, irregular: Bools) -> int:
    """Return how many irregular intervals the UTC day with most of them has."""
    days = ts[:-1][irregular] // DAY_S
    return int(np.unique(days, return_counts=True)[1].max()) if len(days) else 0


def _without_most_aside(points: Points, irregular: Bools, terms: Terms) -> Points:
    """Return the points without most of those set aside on days with too many cuts."""
    days, count = np.unique(points.ts[:-1][irregular] // DAY_S, return_counts=True)
    aside = np.ones(len(points.ts), bool)
    aside[judge(points, terms._replace(corrections=())).kept] = False
    aside &= np.isin(points.ts // DAY_S, days[count > MAX_IRREGULAR])
    (at,) = aside.nonzero()
    day = points.ts[at] // DAY_S
    aside[at[np.arange(len(day)) - np.searchsorted(day, day) < ASIDE_KEPT]] = False
    return Points(points.ts[~aside], points.counter[~aside])

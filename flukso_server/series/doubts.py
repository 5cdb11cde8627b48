# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a sensor's history is doubted, and why, for its owner."""

from typing import NamedTuple

from flukso_server.series.plausible import GAP_S, Judged
from flukso_server.series.points import HEARTBEAT_S, steps

DOUBTS_MAX = 100  # told at once: the newest ones
LOOKED_AT = 4096  # tuples, of which those that belong together are told as one


class Doubt(NamedTuple):
    """A stretch (unix s, both ends included) and why it is doubted.

    reason: `odd`, one tuple that is set aside between two that fit; `line`, several; `rise`, more
    than the meter can count; `gap`, more than on its own highest days; `fall`, a counter that
    neither wraps nor begins again. What is set aside within an hour of each other is one doubt. Of
    the first two the ends are tuples that are set aside, of the others the believed tuples on both
    sides. before, after: the believed counters on both sides; odd: the first counter that is set
    aside, None if there is none.
    """

    start: int
    end: int
    reason: str
    aside: int  # how many tuples are set aside
    before: int
    after: int
    odd: int | None = None


def doubts_of(judged: Judged, most: float, walls: list[int]) -> list[Doubt]:
    """Return the doubts, the newest first, at most DOUBTS_MAX.

    most: Wh/s, to tell a rise from one that only the highest days forbid. walls: when the meter was
    replaced, which is no doubt.
    """
    kept, broken, known = judged.kept, judged.broken, judged.known
    found: list[Doubt] = []
    ts, counter = judged.points
    (at,) = ((steps(kept) > 1) | (broken & (known == 0))).nonzero()
    for i in at[::-1][:LOOKED_AT].tolist():
        if len(found) == DOUBTS_MAX:
            break
        first, last = int(kept[i]) + 1, int(kept[i + 1])
        ends = int(counter[i]), int(counter[i + 1])
        if last > first:
            doubt = _aside(judged, first, last, ends)
            if found and found[-1].aside and found[-1].start - doubt.end <= GAP_S:
                later = found.pop()
                many = doubt.aside + later.aside
                doubt = doubt._replace(end=later.end, reason="line", aside=many, after=later.after)
            found.append(doubt)
        elif broken[i] and not known[i] and ts[i + 1] - ts[i] <= HEARTBEAT_S:
            start, end = int(ts[i]), int(ts[i + 1])
            if not any(start < wall <= end for wall in walls):
                reason = _reason(end - start, ends[1] - ends[0], most)
                found.append(Doubt(start, end, reason, 0, *ends))
    return found


def _aside(judged: Judged, first: int, last: int, ends: tuple[int, int]) -> Doubt:
    ts, counter = judged.given
    reason = "odd" if last - first == 1 else "line"
    odd = int(counter[first])
    return Doubt(int(ts[first]), int(ts[last - 1]), reason, last - first, *ends, odd)


def _reason(elapsed: int, rise: int, most: float) -> str:
    if rise < 0:
        return "fall"
    return "gap" if elapsed > GAP_S and rise <= most * elapsed else "rise"

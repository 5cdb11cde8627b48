# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the server's clock is to be believed before something irreversible is done by it.

Three things tell: the clock that counts how long the process has run, the signed times in the
heartbeats of claimed devices, and when the files were last written to. In doubt nothing is thinned,
removed or refused by time; docs/design/series.md has the rules.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

log = logging.getLogger("series")

HOUR_S = 3600
DAY_S = 86_400
# by which clocks of one time differ: a device's may be 120 s ahead, a request may wait
TOLERANCE_S = 600
JUMP_S = 300  # against the clock that counts: more than NTP's slow corrections make in a round
VOTE_S = 26 * HOUR_S  # a heartbeat counts for so long; they come hourly
VOTERS_MAX = 10_000  # owners whose devices are remembered; the oldest vote goes
# since the files were written to, which is each six hours, for a start to end a mere pause
REST_S = 7 * HOUR_S
QUIET_S = 7 * DAY_S  # of steady time, after which a clock that nobody attests is believed
# of steady time, after which one or two owners whose devices say otherwise are not believed: what
# is broken or hostile must not keep data from ageing for ever
STUBBORN_S = 30 * DAY_S
MANY = 3  # owners: a majority of so many is believed against the clock, however long it takes


class State(NamedTuple):
    """What outlives the process."""

    at: int  # unix s
    steady_s: int  # for how long the clock had not jumped then
    sure: bool


class _Vote(NamedTuple):
    ahead_s: float  # the device's time less that of the counting clock
    at: float  # by the counting clock


def steady() -> float:
    """Return the seconds that the machine has run, also while it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Trust:
    """Thread-safe. `clock`: unix s; `counting`: seconds from anywhere, never set."""

    def __init__(
        self, clock: Callable[[], float] = time.time, counting: Callable[[], float] = steady
    ) -> None:
        self.clock = clock
        self._counting = counting
        self._lock = threading.Lock()
        self._votes: dict[str, _Vote] = {}
        self._shift = clock() - counting()
        self._since = counting()  # by the counting clock: when the clock was last set
        self._sure = True  # as far as it is known without votes
        self._why = "the platform was just started"
        self._told = False  # that it is in doubt

    def resume(self, state: State | None, newest_ts: int) -> None:
        """Take up what was known when the files were written to last; newest_ts: of their tuples.

        state: None in files that have none. New files, which hold nothing, have nothing to lose.
        """
        with self._lock:
            now = self.clock()
            if state is not None and state.at - TOLERANCE_S <= now <= state.at + REST_S:
                self._sure = state.sure
                self._since = self._counting() - state.steady_s
            elif state is not None or newest_ts > 0:
                self._sure = False
                self._why = "the files were written to last {} days {}".format(
                    round(abs(now - (state.at if state else newest_ts)) / DAY_S, 1),
                    "ago" if now >= (state.at if state else newest_ts) else "from now",
                )

    def state(self) -> State:
        """Return what is to outlive the process."""
        sure = self.is_sure()
        with self._lock:
            return State(int(self.clock()), int(self._counting() - self._since), sure)

    def heard(self, owner: str, device_s: float) -> None:
        """Note the time that a claimed device of this owner tells now, in a signed message."""
        with self._lock:
            counting = self._counting()
            self._votes.pop(owner, None)
            self._votes[owner] = _Vote(device_s - counting, counting)
            if len(self._votes) > VOTERS_MAX:
                del self._votes[next(iter(self._votes))]

    def is_sure(self) -> bool:
        """Return whether irreversible work may go by the clock; tell the log when that changes."""
        with self._lock:
            self._follow()
            sure = self._judge()
            if sure and self._told:
                log.warning("the server's clock is believed again")
            elif not sure and not self._told:
                log.warning(
                    "the server's clock is in doubt (%s): until devices confirm it nothing is "
                    "thinned, nothing expires, and tuples from its future are put off with 503",
                    self._why,
                )
            self._told = not sure
            return sure

    def is_confirmed(self) -> bool:
        """Return whether most owners' devices have told the same time lately."""
        with self._lock:
            self._follow()
            agree, others = self._count()
            return agree > others

    def _follow(self) -> None:
        """Notice that the clock was set."""
        shift = self.clock() - self._counting()
        if abs(shift - self._shift) > JUMP_S:
            self._why = f"it was set by {round(shift - self._shift)} s"
            self._sure = False
            self._since = self._counting()
        self._shift = shift

    def _count(self) -> tuple[int, int]:
        """Return how many owners' devices agree with the clock, and how many do not."""
        counting = self._counting()
        recent = [vote for vote in self._votes.values() if vote.at > counting - VOTE_S]
        agree = sum(abs(vote.ahead_s - self._shift) <= TOLERANCE_S for vote in recent)
        return agree, len(recent) - agree

    def _judge(self) -> bool:
        agree, others = self._count()
        steady_s = self._counting() - self._since
        if agree > others:
            self._sure = True
        elif others > agree and (agree + others >= MANY or steady_s < STUBBORN_S):
            self._why = f"devices of {others} owners tell another time, of {agree} the same"
            return False
        elif steady_s >= (STUBBORN_S if others > agree else QUIET_S):
            self._sure = True
        return self._sure

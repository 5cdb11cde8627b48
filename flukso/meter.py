# SPDX-License-Identifier: GPL-3.0-or-later
"""Counter and board clock -> rate (W, l/day, tenths of °C) of one sensor, and its last 60 seconds;
pure.
"""

from array import array
from collections import namedtuple

from flukso.quantities import LPERDAY, POWER, WATT

WINDOW_S = 60  # what the LAN API shows, docs/design/protocols.md §5
NAN = -(1 << 30)  # in the window: not measured
NEVER = -WINDOW_S  # second of a reading that there was not; monotonic time is never negative
WRAP = 1 << 32  # of counter and board clock

# per unit: factor on (Wh or l) per ms, and the highest rate believed. 500 kW: three clamps of 500 A
# carry 345 kW; 10,000 m³ a day is far more than a household's pipe
UNITS = {WATT: (3600 * 1000, 500000), LPERDAY: (86400 * 1000, 10000000)}
POWER_MAX = UNITS[WATT][1]
HELD_S = 10  # a held counter's rate is a mean over so long: in one second it counts whole kelvins

CLOCK_SLACK_MS = 3000  # a pulse is seen up to one poll late, and a poll may be late itself
CLOCK_SLACK_PARTS = 50  # 2 %: more than board and router clocks differ by

# what `pulse` makes of a reading: rate is None when it cannot be known; reset: the counter fell or
# leapt
Step = namedtuple("Step", ("rate", "reset"))


class Meter:
    """The figures of one sensor.

    Times are monotonic seconds; the wall clock counts only when the window is shown.
    """

    def __init__(self, quantity=POWER):
        self.quantity = quantity
        self.unit = unit = quantity.unit
        self.counter = None  # the newest, as the board says it
        self.milli = None
        self.resets = 0  # counter resets seen
        self.restarts = 0  # board restarts seen by the board's clock
        self._held = None  # (mono s, counter) from which the next rate of a held counter is
        if quantity.range is None:
            self._leap = UNITS[unit][1] * 3600000 // UNITS[unit][0]
        else:
            self._leap = WRAP  # its steps are judged by the time that they took
        self._board_ms = None
        self._pulse_at = None
        self.slots = array("l", [NAN] * WINDOW_S)  # a second's rate stands at second % WINDOW_S
        self._slot = NEVER  # second of the newest slot written

    @property
    def rate(self) -> "int | None":
        """The newest one measured, in `unit`."""
        return None if self._slot == NEVER else self.slots[self._slot % WINDOW_S]

    @property
    def rate_at(self) -> "int | None":
        """When it was measured: monotonic s, rounded."""
        return None if self._slot == NEVER else self._slot

    def power(self, second: int, counter: int | None, watt: int) -> bool:
        """Add an analog sensor's reading of this second; counter None: not known yet.

        Returns False for an impossible power, which is not shown.
        """
        before = self.counter
        if counter != before and counter is not None:
            self.counter = counter
            if before is not None and not 0 <= counter - before <= self._leap:
                self.resets += self._leapt(before, counter)
        if not 0 <= watt <= POWER_MAX:
            return False
        self._show(second, watt)
        return True

    def follow(self, second: int, counter: int):
        """Add the newest counter of an analog sensor whose powers stand in `slots` already."""
        self._count(counter, None)
        self._slot = second

    def count(self, now_s: float, counter: int):
        """Take a bare counter. It gives no rate; if it moved, the next pulse gives none either.

        A held counter gives one each HELD_S, unless it did what it cannot do.
        """
        if self.quantity.range is not None:
            self._hold(now_s, counter)
        elif counter != self.counter:
            self._count(counter, None)
            self._board_ms = None

    def pulse(self, now_s: float, counter: int, milli: int | None, board_ms: int) -> Step:
        """Take the reading of a pulse sensor: counter and the board's clock at its newest pulse."""
        if self.quantity.range is not None:
            self._hold(now_s, counter)
            return Step(None, False)
        step = self._step(now_s, counter, milli, board_ms)
        self._count(counter, milli)
        self._board_ms = board_ms
        self._pulse_at = now_s
        if step.rate is not None:
            self._show(round(now_s), step.rate)
        return step

    def _hold(self, now_s, counter):
        """Tell the mean since HELD_S ago, in tenths; a step out of the range begins anew."""
        self.counter = counter
        if self._held is None:
            self._held = (now_s, counter)
            return
        since, before = self._held
        elapsed = now_s - since
        if elapsed < HELD_S:
            return
        self._held = (now_s, counter)
        least, most, zero = self.quantity.range
        gone = (counter - before) % WRAP
        if least * elapsed - 1 <= gone <= most * elapsed + 1:
            self._show(round(now_s), round(10 * (gone / elapsed - zero)))

    def _step(self, now_s, counter, milli, board_ms):
        if self.counter is None or self._board_ms is None:
            return Step(None, False)
        elapsed_ms = (now_s - self._pulse_at) * 1000
        board_elapsed_ms = (board_ms - self._board_ms) % WRAP
        slack_ms = CLOCK_SLACK_MS + elapsed_ms / CLOCK_SLACK_PARTS
        if abs(board_elapsed_ms - elapsed_ms % WRAP) > slack_ms:
            self.restarts += 1
            return Step(None, False)
        if board_elapsed_ms == 0:
            return Step(None, False)  # the same pulse again
        factor, highest = UNITS[self.unit]
        gone = (counter - self.counter) % WRAP * 1000 + (milli or 0) - (self.milli or 0)
        span = 1000 * board_elapsed_ms
        # to the nearest, as the historic daemon does
        rate = int((2 * gone * factor + span) // (2 * span))
        if gone < 0 or rate > highest:
            return Step(None, True)
        return Step(rate, False)

    def _count(self, counter, milli):
        if self.counter is not None:
            self.resets += self._leapt(self.counter, counter)
        self.counter = counter
        self.milli = milli

    def _leapt(self, before, counter):
        """Return whether a counter fell, or leapt more than a household could use in an hour.

        Its wrap is no fall.
        """
        return (counter - before) % WRAP > self._leap

    def _show(self, second, rate):
        """Write the second's slot, and the same value into the hole before it, as §5 says."""
        if second - self._slot >= WINDOW_S or second < self._slot:
            never = self._slot == NEVER
            first = second if never else second - WINDOW_S + 1
            fill = NAN if never else rate
            for index in range(WINDOW_S):
                self.slots[index] = fill
        else:
            first = min(self._slot + 1, second)
        for at in range(first, second + 1):
            self.slots[at % WINDOW_S] = rate
        self._slot = second

    def window(self, now_s: float, now_unix_s: float) -> list:
        """Return the last 60 s as (unix s, rate or None), oldest first.

        Returns [] when nothing was ever measured.
        """
        if self._slot == NEVER:
            return []
        now = round(now_s)
        shift = round(now_unix_s) - now
        shown = []
        for at in range(now - WINDOW_S + 1, now + 1):
            known = self._slot - WINDOW_S < at <= self._slot
            rate = self.slots[at % WINDOW_S] if known else NAN
            shown.append((at + shift, None if rate == NAN else rate))
        return shown

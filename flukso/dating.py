# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the readings dated by the time that is known.

It asks clock, kernel and server, moves what is held, and logs what it learns.
"""

import time

from flukso.clock import AGREE_S, ALONE, CHECKED, NONE, SERVER, SOURCES, note, plausible, resume
from flukso.https import HttpsError
from flukso.version import BUILT

JUMPS_APART_S = 3600  # a clock that jumps all the time is said that often


class Dating:
    """The daemon's Believer, and all that follows when it learns something.

    Call begin() before anything else.
    """

    def __init__(self, clock, log, store):
        mono = clock.monotonic()
        self._clock = clock
        self._log = log
        self._store = store
        self._boot = clock.boot()
        self.believer, self.sent, undated = resume(
            store.note, self._boot, mono, store.newest(), BUILT
        )
        dropped = store.forget(undated) if undated is not None else 0
        if dropped:
            log(
                "warning",
                "{} readings of an earlier boot, which never learned the time, have no date: "
                "{}".format(dropped, LEFT_OUT),
            )
        self._source = self.believer.source
        self._said = False  # that the time is not known
        self._doubting = False
        self._disagreeing = False
        self._jumps = 0
        self._jump_said_at = mono - JUMPS_APART_S

    def begin(self, sender, save):
        """sender: the Sender that posts what is dated; save() saves the readings, with note()."""
        self._sender, self._save = sender, save

    def now(self) -> int:
        """Return the time in unix s by which readings are dated."""
        return self.believer.stamp(self._clock.monotonic())

    def note(self) -> bytes:
        """Return what is saved beside the readings, so that a restart can mend their dates."""
        return note(
            self.believer, self._boot, self._clock.monotonic(), self._sender.uploader.newest_sent
        )

    def observe(self, wall: float, mono: float) -> int:
        """Look at the clocks and the kernel; return the timestamp of a reading taken now."""
        uploader = self._sender.uploader
        shift = self.believer.observe(wall, mono, self._clock.synchronised(), uploader.newest_sent)
        self._follow(shift, wall, mono)
        return self.believer.stamp(mono)

    def heard(self, timestamp: "int | None", asked: float) -> None:
        """Judge the answer to the heartbeat that left at monotonic time `asked`.

        timestamp: the time that the server signed, None if it signed none.
        """
        wall, mono = self._clock.wall(), self._clock.monotonic()
        self.observe(wall, mono)
        if timestamp is None:
            self.believer.unsigned(mono)
            return
        shift = self.believer.signed(timestamp, asked, mono, self._sender.uploader.newest_sent)
        self._follow(shift, wall, mono)

    def _follow(self, shift, wall, mono):
        believer, sender = self.believer, self._sender
        if shift is not None:
            self._move(shift)
        learned = believer.source != self._source
        if (
            learned
            or believer.settled is self._doubting
            or not self._said
            or believer.jumps != self._jumps
        ):
            self._say(wall, mono)
        if learned:
            self._source = believer.source
            if len(self._store):
                # before anything is posted: whoever restarts must know what may be on the server
                self._save()
        disagreeing = bool(believer.disagrees_s)
        if disagreeing and not self._disagreeing:
            text = "the server's time is {} s {} the kernel's, which is believed"
            self._log(
                "warning",
                text.format(
                    abs(believer.disagrees_s), "ahead of" if believer.disagrees_s > 0 else "behind"
                ),
            )
        self._disagreeing = disagreeing
        if believer.wants_at is not None:
            sender.uploader.ask_time(believer.wants_at)
            believer.wants_at = None
            learned = True
        if learned or shift is not None:
            sender.plan(mono)

    def _move(self, shift):
        moved, dropped = self._store.shift(shift.start, shift.delta_s)
        self._sender.uploader.redated(shift.start + shift.delta_s)
        if moved:
            why = (
                "the server's time is taken"
                if self.believer.source == SERVER
                else "the clock was set"
            )
            self._log(
                "notice", "{}: {} readings re-dated by {} s".format(why, moved, shift.delta_s)
            )
        if dropped:
            self._log(
                "warning",
                "{} older readings were dated later than now, which is wrong: {}".format(
                    dropped, LEFT_OUT
                ),
            )

    def _say(self, wall, mono):
        """Say what is known of the time, when that has changed."""
        believer = self.believer
        if believer.source != self._source or (believer.believed and not self._said):
            text = "the time is known: " + SOURCES[believer.source]
            if believer.source == SERVER:
                text += " and is left alone: it is " + self._apart(wall, mono)
            self._log("warning" if believer.source == ALONE else "notice", text)
        elif believer.source == NONE and not self._said:
            what = (
                "nobody has confirmed the clock yet" if plausible(wall) else "the clock is not set"
            )
            self._log(
                "notice" if plausible(wall) else "warning",
                what + ": readings are kept, and dated and sent once it is",
            )
        self._said = True
        doubting = believer.believed and not believer.settled
        if doubting and not self._doubting:
            self._log(
                "warning",
                "the time that was known is contradicted: nothing is posted until it is clear "
                "which is right",
            )
        elif (
            believer.jumps != self._jumps
            and not doubting
            and mono - self._jump_said_at >= JUMPS_APART_S
        ):
            self._jump_said_at = mono
            self._log(
                "notice",
                "the machine's clock has jumped and is {}: readings are dated on as before".format(
                    self._apart(wall, mono)
                ),
            )
        self._doubting = doubting
        self._jumps = believer.jumps

    def _apart(self, wall, mono):
        behind_s = self.believer.behind_s(wall, mono)
        return "{} s {}".format(int(abs(behind_s)), "behind" if behind_s > 0 else "ahead")

    def blame(self, error) -> HttpsError:
        """Return the error of a certificate's dates with this machine's clock as its reason.

        Returns the error as it is when the clock is right.
        """
        wall, mono, believer = self._clock.wall(), self._clock.monotonic(), self.believer
        right = believer.source in CHECKED and abs(believer.behind_s(wall, mono)) <= AGREE_S
        if right:
            return error
        if believer.source in CHECKED:
            why = "which is wrong"
        elif wall < max(BUILT, believer.checked):
            why = "long past"
        else:
            why = "which nobody confirms"
        text = (
            "{}; the reason is this machine's clock: it shows {}-{:02d}-{:02d}, {}. Nothing is "
            "posted until it is right"
        )
        return HttpsError(error.kind, text.format(error, *time.gmtime(int(wall))[:3], why))


LEFT_OUT = "left out; their energy is in the counters that follow"

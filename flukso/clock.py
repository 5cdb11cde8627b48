# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the time is known, from whom, and how readings are dated meanwhile
(docs/design/upload.md, "Clock"); pure.

Readings are dated by the monotonic clock plus an offset. Whoever is believed only moves the offset,
and what is still held moves along.
"""

from collections import namedtuple

FLOOR_S = 1234567890  # an earlier wall clock has not been set yet; the field's limit
CEILING_S = 0xFFFFFFFF  # timestamps are 32 bits
STEP_S = 2  # a smaller difference is drift, a larger one a jump
AGREE_S = 60  # two clocks that differ by no more agree
# a kernel that contradicts what was believed must do so for that long, when something was sent
# already
CONFIRM_S = 300
SLEW = 16  # stamps that are ahead run slower by 1/SLEW until the true time has caught up
SLEW_MAX_S = 3600  # from further ahead they go back at once: slowing down would take days
# readings not dated yet start so far behind restored ones that the buffer does not take them for
# one minute
APART_S = 61
ROUND_TRIP_MAX_S = 20  # an answer that took longer says too little about now
# from a signed time that contradicts to the next: more than two round trips, so that no replay
# passes for it
SECOND_S = 60
TOO_SLOW_S = 60  # from an answer that took too long to the next question
DOUBT_MAX_S = 7200  # a contradiction that nothing confirmed is forgotten
ALONE_S = 3600  # a clock that nobody confirms stands for so long before it is used

NONE, KERNEL, CONFIRMED, SERVER, ALONE = "none", "kernel", "confirmed", "server", "alone"
# somebody beside the machine's own clock vouches for the time
CHECKED = (KERNEL, CONFIRMED, SERVER)
SOURCES = {
    NONE: "nobody has said yet what time it is",
    KERNEL: "the kernel says that the clock is synchronised",
    CONFIRMED: "the server confirms the clock",
    SERVER: "the server's, as the clock is wrong",
    ALONE: "the clock's alone, as nobody confirms it",
}

# re-date what was taken at or after stamp `start` by `delta_s`; what is older and yet dated later
# then cannot be right
Shift = namedtuple("Shift", ("start", "delta_s"))
# a signed answer: the wall clock's offset that it asks for, how far that may be off, when it came
Answer = namedtuple("Answer", ("wanted", "slack", "mono"))


def plausible(wall: float) -> bool:
    """Return whether a wall clock that shows this may be right."""
    return FLOOR_S <= wall <= CEILING_S


class Believer:
    """Dates readings. At each of them call date(), and where that is None observe(), then stamp().

    A Shift that observe() or signed() returns must be applied to the buffers before the next
    reading is taken.
    """

    def __init__(self, mono: float, newest: int = 0, checked: int = 0, built: int = 0):
        """Start at this monotonic time.

        newest: the latest stamp of a restored buffer, ours come after it. checked: the latest known
        to be dated under a time that somebody vouched for, and built: when this release was made; a
        clock that is right is past both.
        """
        self.source = NONE
        self.jumps = 0  # of the wall clock
        self.wants_at: float | None = None  # when the server should be asked for its time again
        # by how much the server's signed time is ahead of the kernel's; 0 while they agree
        self.disagrees_s = 0
        self.checked = checked
        self.restored = newest
        # of the stamps; ahead of `true` while they are slowed down
        self.offset = float(newest + APART_S - int(mono))
        self.true = self.offset  # of the time that is believed
        # stamp of the first reading that still moves with the offset
        self.session = self.stamp(mono)
        self._built = built
        self._seen = mono
        self._wall: float | None = None  # the wall clock's offset, and since when it has been that
        self._wall_since = mono
        self._synchronised = False
        # since when the server has answered without a time that says something
        self._alone_since: float | None = None
        self._doubt: Answer | None = None  # what contradicts what is believed

    @property
    def believed(self) -> bool:
        """Whether the time is known. It stays known: the monotonic clock carries it on."""
        return self.source != NONE

    @property
    def settled(self) -> bool:
        """Whether readings may be posted: the time is known, and nothing contradicts it."""
        return self.source != NONE and self._doubt is None

    def stamp(self, mono: float) -> int:
        """Return the timestamp of a reading taken at this monotonic time; preliminary until
        believed.
        """
        return int(self.offset + mono)

    def behind_s(self, wall: float, mono: float) -> float:
        """Return how far the wall clock is behind the stamps (negative: ahead)."""
        return self.offset + mono - wall

    def date(self, wall: float, mono: float) -> "int | None":
        """Return the timestamp of a reading taken now; None when the clocks did not go on as
        before: ask observe(). Every second.
        """
        difference = wall - mono - self.true
        if self.source == NONE or self.offset != self.true or not -STEP_S < difference < STEP_S:
            return None
        if difference > 0:
            self.true += difference
        elif difference < 0:
            self.true += max(difference, (self._seen - mono) / SLEW)
        self.offset = self.true
        self._seen = mono
        return int(self.offset + mono)

    def observe(
        self, wall: float, mono: float, synchronised: "bool | None" = None, sent: int = 0
    ) -> "Shift | None":
        """Note what both clocks show, and whether the kernel calls the wall clock synchronised
        (None: it does not say).

        sent is the newest stamp that a server may have.
        """
        self._slow_down(mono)
        self._note_wall(wall - mono, mono)
        self._synchronised = bool(synchronised) and plausible(wall)
        if self._synchronised:
            return self._by_kernel(wall - mono, mono, sent)
        if self._doubt is not None and (
            self._doubt.slack is None or mono - self._doubt.mono > DOUBT_MAX_S
        ):
            # the kernel's own, which it does not say any more, or one that nobody repeated
            self._doubt = None
        if self._stood_alone(wall, mono):
            return self._believe(ALONE, wall - mono, mono, sent)
        if self.source == NONE and plausible(wall):
            least = self._least(sent)
            return self._set(
                wall - mono if wall - mono >= least else least + APART_S - 1, mono, sent
            )
        return None

    def _slow_down(self, mono):
        if self.offset > self.true:
            self.offset = max(self.true, self.offset - (mono - self._seen) / SLEW)
        self._seen = mono

    def _note_wall(self, offset, mono):
        if self._wall is not None and abs(offset - self._wall) < STEP_S:
            self._wall = offset
            return
        if self._wall is not None and self.believed:
            self.jumps += 1
            self._want(mono)
        self._wall = offset
        self._wall_since = mono

    def _want(self, mono):
        self.wants_at = mono if self.wants_at is None else min(self.wants_at, mono)

    def _stood_alone(self, wall, mono):
        """Whether the machine's clock is to be used though nobody confirms it: the server signs
        nothing, and an hour has passed.
        """
        if (
            self._alone_since is None
            or self.source in CHECKED
            or (self.source == ALONE and abs(wall - mono - self.true) < STEP_S)
        ):
            return False
        if mono - max(self._alone_since, self._wall_since) < ALONE_S:
            return False
        return plausible(wall) and wall > max(self._built, self.checked)

    def _by_kernel(self, wanted, mono, sent):
        """The kernel vouches for the wall clock: it is believed, at once or when it has
        contradicted what was believed for long enough.
        """
        difference = wanted - self.true
        if self.source == KERNEL and abs(difference) < STEP_S:
            self._doubt = None
            return None  # date() follows it
        if self.source in CHECKED and abs(difference) > AGREE_S and sent >= self.session:
            doubt = self._doubt
            if doubt is None or doubt.slack is not None or abs(doubt.wanted - wanted) >= STEP_S:
                self._doubt = Answer(wanted, None, mono)
                return None
            if mono - doubt.mono < CONFIRM_S:
                return None
        return self._believe(KERNEL, wanted, mono, sent)

    def unsigned(self, mono: float) -> None:
        """Note that the server answers heartbeats and does not sign the time, or signs one that
        cannot be.
        """
        self._begin_alone(mono)
        if self._doubt is not None and self._doubt.slack is not None:
            self._doubt = None

    def _begin_alone(self, mono):
        if self._alone_since is None:
            self._alone_since = mono

    def signed(self, timestamp: int, asked: float, mono: float, sent: int = 0) -> "Shift | None":
        """Take the time that the server signed; the request left at monotonic time `asked`, the
        answer is here at `mono`.

        Believed at once when it agrees with the wall clock, or with what is believed. Another time
        is believed when a second answer agrees with it: both then advanced as our monotonic clock
        did, which an answer of long ago that is played back does not.
        """
        if not plausible(timestamp):
            self.unsigned(mono)
            return None
        if mono - asked > ROUND_TRIP_MAX_S:
            self._want(mono + TOO_SLOW_S)
            # else a line that is always slow would leave us without a time for ever
            self._begin_alone(mono)
            return None
        self._alone_since = None
        answer = Answer(timestamp + 0.5 - (asked + mono) / 2, 1 + (mono - asked) / 2, mono)
        if self._synchronised:
            difference = answer.wanted - self.true
            self.disagrees_s = int(difference) if abs(difference) > AGREE_S else 0
            return None
        self.disagrees_s = 0
        if self.source in CHECKED and abs(answer.wanted - self.true) <= AGREE_S:
            return self._refine(answer, mono, sent)
        if (
            self._wall is not None
            and abs(answer.wanted - self._wall) <= AGREE_S
            and self.source not in CHECKED
        ):
            return self._believe(CONFIRMED, self._wall, mono, sent)
        return self._contradicted(answer, mono, sent)

    def _refine(self, answer, mono, sent):
        """The server agrees. Where the wall clock is not followed, its time corrects what the
        monotonic clock drifts.
        """
        self._doubt = None
        drift = abs(answer.wanted - self.true)
        if self._followed() or drift < STEP_S + answer.slack:
            return None
        return self._set(answer.wanted, mono, sent)

    def _followed(self):
        return self._wall is not None and abs(self._wall - self.true) < STEP_S

    def _contradicted(self, answer, mono, sent):
        before = self._doubt
        if before is not None and before.slack is not None:
            if mono - before.mono < SECOND_S:
                self._want(before.mono + SECOND_S)
                return None
            if abs(answer.wanted - before.wanted) <= before.slack + answer.slack:
                if self._wall is not None and abs(answer.wanted - self._wall) <= AGREE_S:
                    return self._believe(CONFIRMED, self._wall, mono, sent)
                return self._believe(SERVER, answer.wanted, mono, sent)
        self._doubt = answer
        self._want(mono + SECOND_S)
        return None

    def _believe(self, source, wanted, mono, sent):
        first = self.source == NONE
        self.source = source
        self._doubt = None
        shift = self._set(wanted, mono, sent)
        if first and source in (KERNEL, SERVER):
            # heartbeats so far may have said another time, and the server took them for nothing
            self._want(mono)
        return shift

    def _least(self, sent):
        """Return the least offset at which what moves stays behind what does not: restored
        readings, and those that were sent.
        """
        if sent >= self.session:
            return self.offset
        return self.offset - (self.session - 1 - max(self.restored, sent))

    def _set(self, wanted, mono, sent):
        """Take the new offset: ahead at once, with what was not sent; a little back by slowing
        down, far back with all that is held.
        """
        self.true = wanted
        start = max(self.session, sent + 1)
        near = max(wanted, self._least(sent))
        if near - wanted > SLEW_MAX_S:
            near, start = wanted, self.session
        delta_s = int(near + mono) - self.stamp(mono)
        self.offset = near
        self.session = start + delta_s
        self.restored = min(max(self.restored, sent), self.session - 1)
        return Shift(start, delta_s) if delta_s else None


# What is saved with the readings: the boot that they belong to, and where this boot's clockwork
# stood. Offsets in ms
_Note = namedtuple(
    "_Note", ("boot", "source", "mono", "offset", "true", "session", "restored", "checked", "sent")
)
NOTE_WORDS = 1 + len(
    ("boot", "source", "mono", "offset", "true", "session", "restored", "checked", "sent")
)
BOOT_MAX = 64


def note(believer: Believer, boot: str, mono: float, sent: int) -> bytes:
    """Return what resume() needs to go on in another process. boot: what the kernel calls this
    boot, "" when it does not say.
    """
    checked = believer.stamp(mono) if believer.source in CHECKED else believer.checked
    words = ["1", boot if _is_word(boot) else "-", believer.source]
    words += [str(int(seconds * 1000 // 1)) for seconds in (mono, believer.offset, believer.true)]
    words += [str(stamp) for stamp in (believer.session, believer.restored, checked, sent)]
    return " ".join(words).encode()


def _is_word(text):
    return 1 <= len(text) <= BOOT_MAX and all(33 <= ord(c) < 127 for c in text)


def _read(note):
    """Return the _Note, None when there is none that can be understood."""
    try:
        words = note.decode().split(" ")
        if len(words) != NOTE_WORDS or words[0] != "1" or words[2] not in SOURCES:
            return None
        return _Note(words[1], words[2], *[int(word) for word in words[3:]])
    except ValueError:
        return None


def resume(
    saved: bytes, boot: str, mono: float, newest: int, built: int = 0
) -> "tuple[Believer, int, int | None]":
    """Return the Believer that goes on after readings saved with this note, the newest stamp sent,
    and from which on none can be dated.

    In the same boot the monotonic clock has gone on: everything goes on as it was. After another
    boot's, what was never dated rightly never can be; that is what the third value says (None:
    everything is dated).
    """
    saved_note = _read(saved)
    if saved_note is None:
        return Believer(mono, newest, 0, built), 0, None
    if boot == saved_note.boot and boot != "-" and saved_note.mono / 1000 <= mono:
        believer = Believer(mono, saved_note.restored, saved_note.checked, built)
        believer.source, believer.session = saved_note.source, saved_note.session
        believer.offset, believer.true = saved_note.offset / 1000, saved_note.true / 1000
        return believer, saved_note.sent, None
    if saved_note.source == NONE:
        return Believer(mono, saved_note.restored, saved_note.checked, built), 0, saved_note.session
    return Believer(mono, newest, saved_note.checked, built), 0, None

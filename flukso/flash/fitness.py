# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an image may go to a board and its chip. Pure, for both interpreters."""

from collections import namedtuple

from flukso.flash import eeprom, fuses, image

# What the board says over its control port. version: of the firmware; counters: six; settings:
# whatever compares
State = namedtuple("State", ("version", "hardware", "counters", "settings"))
# What the programmer reads
Chip = namedtuple("Chip", ("signature", "fuses", "lock", "flash", "eeprom"))

FOREIGN_HARDWARE = (2, 2)  # another board: 16 MHz, radio
HISTORIC_MAJORS = (0, 1, 255)
LOCK_HIDES = 0x03  # both bits programmed: neither flash nor EEPROM can be read
U32 = 1 << 32
AHEAD_MAX = 1 << 31  # a counter further ahead than this is behind
COMMIT_WH = 40  # what the fastest inputs count between a question and the commit after it


class Refused(ValueError):
    """It is not done, and nothing was written. .forcible: --force would do it."""

    def __init__(self, text, forcible=False):
        super().__init__(text)
        self.forcible = forcible


def older(version: tuple, than: tuple) -> bool:
    """True when firmware `version` is older than firmware `than`; a historic one is older than any
    of ours.
    """
    if than[0] in HISTORIC_MAJORS:
        return False
    return version[0] in HISTORIC_MAJORS or tuple(version) < tuple(than)


def ours(flash: bytes) -> "image.Image | None":
    """Return our Image that a flash memory holds, None when it holds another program, or a part of
    one.
    """
    try:
        return image.described(flash)
    except image.ImageError:
        return None


def check_board(new: image.Image, state: "State | None", board: str, force: bool, asked: bool):
    """Raise Refused unless this image may go to the board that answered so; `asked`: there was a
    way to ask it.
    """
    if board not in ("auto", new.board):
        raise Refused("the image is for the {} board, not for {}".format(new.board, board))
    if state is None:
        if asked and not force:
            raise Refused("the board does not answer, so its counters cannot be compared", True)
        return
    if new.board != "spi":
        raise Refused(
            "the image is for the {} board, and this one answers over SPI".format(new.board)
        )
    if state.hardware == FOREIGN_HARDWARE:
        raise Refused("hardware 2.2 is another board")
    _check_version(new, state.version, force)


def _check_version(new, running, force):
    if older(new.version, running) and not force:
        raise Refused(
            "firmware {}.{} is older than {}.{}, which runs".format(
                *(new.version + tuple(running))
            ),
            True,
        )


def check_chip(new: image.Image, chip: Chip, force: bool):
    """Raise Refused unless the image may go to this chip, which the programmer has read."""
    readable(chip)
    reason = fuses.misfit(new.board, chip.fuses[0])
    if reason:
        raise Refused(reason)
    present = ours(chip.flash)
    if present is not None:
        if present.board != new.board:
            raise Refused(
                "the image is for the {} board, and on the chip runs that of the {} board".format(
                    new.board, present.board
                )
            )
        _check_version(new, present.version, force)


def readable(chip: Chip):
    """Raise Refused when lock bits hide the memories: what was read of them is no backup."""
    if not chip.lock & LOCK_HIDES:
        raise Refused("the chip's lock bits hide its memories, so they cannot be backed up")


def committed(state: "State | None", chip: Chip) -> tuple:
    """Return the counters as the EEPROM holds them after a commit, to the Wh; () when neither board
    nor EEPROM tells them.

    Raises Refused when the board has counters that its EEPROM does not hold: they would be lost.
    """
    stored = eeprom.read(chip.eeprom)
    if state is None:
        return stored.counters
    if stored.counters:
        if not counted_on(state.counters, stored.counters, COMMIT_WH):
            text = "the board says {}, its EEPROM {}: what it counted is not stored, try again"
            raise Refused(text.format(state.counters, stored.counters))
        return stored.counters
    if [counter for counter in state.counters if counter]:
        raise Refused(
            "the board has counters, and its EEPROM ({}) does not hold them".format(stored.layout)
        )
    return tuple(state.counters)


def counted_on(before: tuple, after: tuple, most: int = AHEAD_MAX) -> bool:
    """True when every counter stands where it stood, or up to `most` further."""
    return all([(after[n] - before[n]) % U32 <= most for n in range(len(before))])

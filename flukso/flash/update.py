# SPDX-License-Identifier: GPL-3.0-or-later
"""New firmware for a board: what is done in which order, so that a cut at any point loses no count. For both interpreters.

All effects go through a bench (tools/avrdude_wrap.py has the real one):
    async state() -> State, or None when the board does not answer; async commit(): counters and settings to EEPROM
    read_chip() -> Chip; avrdude(operations), raising AvrdudeError; file(name, bytes) -> path for an operation
    keep(Backup), kept() -> Backup or None, drop(); stop_daemon(), start_daemon(); seconds(); now(); say(sentence)
"""

from collections import namedtuple

from flukso.flash import avrdude, fuses, ihex, image
from flukso.flash.backup import Backup, at_stage

# version: of the firmware; hardware; counters: six; settings: whatever compares
State = namedtuple("State", ("version", "hardware", "counters", "settings"))
Chip = namedtuple("Chip", ("signature", "fuses", "flash", "eeprom"))
# counters_kept: after against before; blind_s: seconds in which nothing was counted
Result = namedtuple("Result", ("before", "after", "counters_kept", "blind_s"))

FOREIGN_HARDWARE = (2, 2)  # another board: 16 MHz, radio
HISTORIC_MAJORS = (0, 1, 255)
COUNT_MAX_WH = 100  # more than any board counts in the minutes of an update; 12 kW for 30 s
U32 = 1 << 32
FILE = "new.hex"


class Refused(ValueError):
    """The update is not done, and nothing was written. .forcible: --force would do it."""

    def __init__(self, text, forcible=False):
        super().__init__(text)
        self.forcible = forcible


class Failed(ValueError):
    """The update was begun and is not whole; the backup is kept and `recover` goes on from it."""


def check(found: image.Image, state: "State | None", board: str, force: bool):
    """Raise Refused unless this image may go to the board that answered so."""
    if board not in ("auto", found.board):
        raise Refused("the image is for the {} board, not for {}".format(found.board, board))
    if state is None:
        if not force:
            raise Refused("the board does not answer, so its counters cannot be compared", True)
        return
    if board == "auto" and found.board != "spi":
        raise Refused("the image is for the {} board, and this one answers over SPI".format(found.board))
    if state.hardware == FOREIGN_HARDWARE:
        raise Refused("hardware 2.2 is another board")
    historic = state.version[0] in HISTORIC_MAJORS
    if not historic and found.version < state.version and not force:
        raise Refused("firmware {}.{} is older than {}.{}, which runs".format(*(found.version + state.version)), True)


async def update(bench, text: bytes, board: str = "auto", force: bool = False) -> Result:
    """Put the firmware of an Intel hex file on the board and return what was compared.

    Raises ImageError, Refused and AvrdudeError before anything was written, Failed after. The daemon runs again in any case.
    """
    found = image.load(text)
    check(found, await bench.state(), board, force)
    bench.stop_daemon()
    try:
        before = await bench.state()
        check(found, before, board, force)
        if before is not None:
            await bench.commit()
            before = await bench.state()
        chip = bench.read_chip()
        avrdude.part_of(chip.signature)
        saved = _backup(bench, chip, before, text)
        bench.keep(saved)
        bench.say("backup kept")
        return await _write(bench, saved)
    finally:
        bench.start_daemon()


def _backup(bench, chip, before, text):
    counters, version = (before.counters, before.version) if before else ((), ())
    return Backup(bench.now(), chip.signature, chip.fuses, chip.flash, chip.eeprom, counters, version, text, "saved")


async def _write(bench, saved) -> Result:
    """From a kept backup to a board that counts again; raises Failed with the backup still kept."""
    begin = bench.seconds()
    try:
        saved = _keep_eeprom(bench, saved)
        saved = at_stage(saved, "flash")
        bench.keep(saved)
        bench.say("writing the firmware")
        bench.avrdude(["erase", "flash:w:{}:i".format(bench.file(FILE, saved.image))])
    except avrdude.AvrdudeError as error:
        raise Failed("{}; `flukso-flash recover` goes on from the backup".format(error))
    after = await bench.state()
    blind_s = bench.seconds() - begin
    if after is None:
        raise Failed("the board does not answer with its new firmware; `flukso-flash recover --old` brings the old one back")
    kept = counted_on(saved.counters, after.counters)
    if not kept:
        raise Failed("counters {} became {}; the backup is kept".format(saved.counters, after.counters))
    bench.drop()
    return Result(saved.counters, after.counters, kept, blind_s)


def _keep_eeprom(bench, saved):
    """Program EESAVE before anything is erased."""
    low, high, extended = saved.fuses
    wanted = fuses.kept_eeprom(high)
    if wanted == high:
        return saved
    reason = fuses.refusal(low, wanted, extended)
    if reason:
        raise Failed("the high fuse cannot be set: {}".format(reason))
    saved = at_stage(saved, "fuses")
    bench.keep(saved)
    bench.say("setting EESAVE, so that the EEPROM outlives the erase")
    bench.avrdude(["hfuse:w:0x{:02x}:m".format(wanted)])
    return saved


def counted_on(before: tuple, after: tuple) -> bool:
    """True when every counter stands where it stood, or a little further."""
    return all([(after[n] - before[n]) % U32 <= COUNT_MAX_WH for n in range(len(before))])


async def recover(bench, old: bool = False) -> Result:
    """Finish an update that was cut off, or with `old` bring back the firmware that ran before.

    Raises Refused when there is nothing to recover, Failed when it does not succeed either; then the backup is still kept. An EEPROM that
    an erase wiped is written back; one that holds anything is left alone, since the board may have counted on in it.
    """
    saved = bench.kept()
    if saved is None:
        raise Refused("there is no backup, so nothing was cut off")
    if old and not saved.flash:
        raise Refused("the backup has no old firmware: the chip's lock bits hid it")
    bench.stop_daemon()
    try:
        state = await bench.state()
        if state is not None:
            await bench.commit()
        chip = bench.read_chip()
        if chip.signature != saved.signature:
            raise Refused("the backup is of another chip")
        wiped = not chip.eeprom.strip(b"\xff")
        counters = saved.counters if state is None else state.counters  # a board that answers may have counted on for days
        text = ihex.write(saved.flash) if old else saved.image
        saved = Backup(
            saved.date, saved.signature, tuple(chip.fuses), saved.flash, saved.eeprom, counters, saved.firmware, text, saved.stage
        )
        if wiped and saved.eeprom.strip(b"\xff"):
            bench.say("writing the EEPROM back")
            bench.avrdude(["eeprom:w:{}:r".format(bench.file("eeprom.bin", saved.eeprom))])
        return await _write(bench, saved)
    except avrdude.AvrdudeError as error:
        raise Failed("{}; the backup is kept".format(error))
    finally:
        bench.start_daemon()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to a board in which order, so that a cut at any point loses no count. For both
interpreters.

All effects go through an Access (flukso/flash/access.py; its class says what each does). Between
begin() and end() the board is ours.
"""

from collections import namedtuple

from flukso.flash import avrdude, eeprom, fitness, fuses, image
from flukso.flash.backup import Backup
from flukso.flash.fitness import Refused, counted_on

# version: (major, minor) now; before, after: counters; counters_kept, settings_kept: results of
# comparing them (None: nobody to ask); blind_s: seconds in which nothing was counted; avrdude_s: of
# them and of the reading before in avrdude
Result = namedtuple(
    "Result",
    ("version", "before", "after", "counters_kept", "settings_kept", "blind_s", "avrdude_s"),
)

COUNTED_MAX_WH_S = 40  # what the fastest inputs count in a second: a clamp of 500 A and pulses
FLASH_FILE, EEPROM_FILE = "new-flash.bin", "eeprom.bin"


class Failed(ValueError):
    """It was begun and is not whole; the backup is kept and `recover` goes on from it. .reason is
    avrdude's, or "".
    """

    def __init__(self, text, reason=""):
        super().__init__(text)
        self.reason = reason


async def look(access) -> tuple:
    """Return State or None, and the Chip. What the board counted is committed before the programmer
    resets it.
    """
    state = await access.state()
    if state is not None:
        await access.commit()
    access.committed_at = access.seconds()
    return state, access.read_chip()


def backup_of(access, state, chip, new: bytes) -> Backup:
    """Return the Backup of what was read. Raises Refused when that would lose something."""
    fitness.readable(chip)
    running = fitness.ours(chip.flash)
    firmware = state.version if state else (running.version if running else ())
    hardware = state.hardware if state else ()
    counters = fitness.committed(state, chip)
    return Backup(
        access.now(),
        chip.signature,
        chip.fuses,
        chip.flash,
        chip.eeprom,
        counters,
        firmware,
        hardware,
        new,
    )


async def update(
    access, new: image.Image, board: str = "auto", force: bool = False, form: int = 0
) -> Result:
    """Put a firmware on the board and return what was compared. `form`: digits of its deltas from
    then on, 0: as they are.

    Raises Refused, AvrdudeError or BackupError before anything was written, Failed after. The
    daemon runs again in any case.
    """
    await access.begin()
    try:
        if access.kept() is not None:
            raise Refused("an update was cut off: `flukso-flash recover` goes on from its backup")
        state = await access.state()
        fitness.check_board(new, state, board, force, access.asks)
        state, chip = await look(access)
        fitness.check_chip(new, chip, force)
        saved = backup_of(access, state, chip, new.memory)
        access.keep(saved)
        access.say("backup kept: {}".format(access.backup_path))
        result = await _write(
            access, Plan(saved, chip, new.memory, new.board, None, saved.counters, False, state)
        )
        if form and result.after:
            await access.set_form(form)
        return result
    finally:
        await access.end()


# saved: the kept Backup; flash: the target, from address 0; eeprom: to write, None to leave and
# verify it; counters: that must be there afterwards, () when unknown; set: they are to be set over
# the control port; state: before
Plan = namedtuple("Plan", ("saved", "chip", "flash", "board", "eeprom", "counters", "set", "state"))


async def _write(access, plan) -> Result:
    """From a kept backup to a board that counts again; raises Failed with the backup still kept."""
    try:
        _keep_eeprom(access, plan)
        _program(access, plan)
        for name, value in fuses.planned(
            plan.board, fuses.kept_eeprom(plan.chip.fuses[1]), plan.chip.fuses[2]
        ):
            access.say("setting the {} to 0x{:02x}".format(name, value))
            access.avrdude(["{}:w:0x{:02x}:m".format(name, value)])
        return await _compare(access, plan)
    except (avrdude.AvrdudeError, OSError) as error:
        reason = getattr(error, "reason", "")
        raise Failed("{}; `flukso-flash recover` goes on from the backup".format(error), reason)


def _program(access, plan):
    """Write flash and perhaps EEPROM, verified; what is there already is not written again."""
    kept = plan.chip.eeprom if plan.eeprom is None else plan.eeprom
    operations = []
    if not holds(plan.chip.flash, plan.flash):
        access.say("writing the firmware, {} bytes".format(len(plan.flash.rstrip(b"\xff"))))
        operations = ["erase", "flash:w:{}:r".format(access.file(FLASH_FILE, plan.flash))]
    if operations or plan.eeprom is not None:
        what = "v" if plan.eeprom is None else "w"
        access.avrdude(operations + ["eeprom:{}:{}:r".format(what, access.file(EEPROM_FILE, kept))])


def holds(flash: bytes, target: bytes) -> bool:
    """True when the chip's flash is just this program."""
    return flash[: len(target)] == target and not flash[len(target) :].strip(b"\xff")


def _keep_eeprom(access, plan):
    """Program EESAVE before anything is erased."""
    high = plan.chip.fuses[1]
    wanted = fuses.kept_eeprom(high)
    if wanted == high:
        return
    reason = fuses.refusal("hfuse", wanted)
    if reason:
        raise Failed("the high fuse cannot be set: {}".format(reason))
    access.say("setting EESAVE, so that the EEPROM outlives the erase")
    access.avrdude(["hfuse:w:0x{:02x}:m".format(wanted)])


async def _compare(access, plan) -> Result:
    """Ask the board anew, compare, and drop the backup when all is as it should be."""
    if not access.asks and plan.set:
        raise Failed(
            "the EEPROM's counters are behind those of the backup, and there is no bus to set them "
            "over"
        )
    if not access.asks:
        access.drop()  # flash and EEPROM were verified by the programmer; there is nobody to ask
        return _result(access, plan, None, True, None)
    after = await access.state(wait=True)
    blind_s = access.seconds() - access.committed_at
    if after is None:
        raise Failed(
            "the board does not answer with this firmware; `flukso-flash recover --old` brings "
            "back the one before"
        )
    if plan.set:
        await access.set_counters(
            [max(plan.counters[n], after.counters[n]) for n in range(len(plan.counters))]
        )
        after = await access.state()
        if after is None:
            raise Failed("the board does not take its counters; `flukso-flash recover` tries again")
    kept = counted_on(plan.counters, after.counters, int(COUNTED_MAX_WH_S * (blind_s + 1)))
    if not kept:
        raise Failed(
            "counters {} became {}; the backup is kept".format(plan.counters, after.counters)
        )
    access.drop()
    settings = plan.state.settings == after.settings if plan.state else None
    return _result(access, plan, after, kept, settings)


def _result(access, plan, after, kept, settings):
    running = fitness.ours(plan.flash)
    version = after.version if after else (running.version if running else ())
    counters = after.counters if after else ()
    blind_s = access.seconds() - access.committed_at
    return Result(version, plan.counters, counters, kept, settings, blind_s, access.avrdude_s)


async def recover(access, old: bool = False, form: int = 0) -> Result:
    """Finish what was cut off, or with `old` bring back the firmware that ran before. `form`: as of
    update().

    Raises Refused when there is nothing to recover, Failed when it does not succeed either; then
    the backup is still kept.
    """
    await access.begin()
    try:
        saved = access.kept()
        if saved is None:
            raise Refused("there is no backup, so nothing was cut off")
        if not old and not saved.image:
            raise Refused(
                "a restore was cut off: give it again, or `flukso-flash recover --old` for what "
                "ran before it"
            )
        state, chip = await look(access)
        if chip.signature != saved.signature:
            raise Refused("the backup is of another chip")
        result = await _write(access, _recovery(saved, state, chip, old))
        if form and result.after:
            await access.set_form(form)
        return result
    except avrdude.AvrdudeError as error:
        raise Failed("{}; the backup is kept".format(error), error.reason)
    finally:
        await access.end()


def _recovery(saved, state, chip, old) -> Plan:
    """What remains to be done. An EEPROM in which a whole firmware may have counted on is left
    alone; one that a torn one may have written, or an erase has wiped, is written back.
    """
    target = saved.flash if old else saved.image
    board = _board_of(saved)
    whole = holds(chip.flash, saved.flash) or bool(saved.image and holds(chip.flash, saved.image))
    if not whole or not chip.eeprom.strip(b"\xff"):
        return Plan(
            saved,
            chip,
            target,
            board,
            _if_other(saved.eeprom, chip.eeprom),
            saved.counters,
            False,
            None,
        )
    counters, behind = _newest_counters(saved, state, chip)
    historic = eeprom.with_counters(saved.eeprom, counters)
    if (
        old
        and historic is not None
        and eeprom.read(chip.eeprom).layout != eeprom.read(saved.eeprom).layout
    ):
        # a historic firmware reads no journal
        return Plan(saved, chip, target, board, historic, counters, False, state)
    return Plan(saved, chip, target, board, None, counters, bool(counters) and behind, state)


def _board_of(saved):
    """Return "spi" or "uart": by our firmware, else by the chip's clock."""
    running = fitness.ours(saved.image or saved.flash) or fitness.ours(saved.flash)
    if running is not None:
        return running.board
    return "uart" if fuses.misfit("spi", saved.fuses[0]) else "spi"


def _if_other(wanted, present):
    return None if wanted == present else wanted


def _newest_counters(saved, state, chip):
    """Return the counters that must be there afterwards, and whether the board's own are behind
    those of the backup.
    """
    present = state.counters if state else eeprom.read(chip.eeprom).counters
    if not present or not saved.counters:
        return present or saved.counters, False
    if counted_on(saved.counters, present):
        return present, False
    return saved.counters, True


async def restore(access, wanted: Backup, old_counters: bool = False) -> Result:
    """Bring flash and EEPROM back to what a backup file holds; the counters go on where the board
    has them, unless `old_counters`.
    """
    await access.begin()
    try:
        pending = access.kept()
        state, chip = await look(access)
        if chip.signature != wanted.signature:
            raise Refused("the backup is of another chip")
        if pending is None:
            pending = backup_of(access, state, chip, b"")
            access.keep(pending)
            access.say("backup of what runs now kept: {}".format(access.backup_path))
        counters = wanted.counters if old_counters or not pending.counters else pending.counters
        cells, ahead = wanted.eeprom, not old_counters and counters != wanted.counters
        counted = eeprom.with_counters(cells, counters) if ahead else None
        if counted is not None:
            cells, ahead = counted, False
        if ahead and not access.asks:
            raise Refused(
                "the board's counters are ahead of the file's, and there is no bus to set them over"
            )
        return await _write(
            access,
            Plan(pending, chip, wanted.flash, _board_of(wanted), cells, counters, ahead, None),
        )
    finally:
        await access.end()


async def save(access) -> Backup:
    """Return the Backup of the board as it is; nothing is changed."""
    await access.begin()
    try:
        state, chip = await look(access)
        return backup_of(access, state, chip, b"")
    finally:
        await access.end()

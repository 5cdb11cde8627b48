# SPDX-License-Identifier: GPL-3.0-or-later
"""A clamp's true constant from two readings of the utility meter, and the file that keeps them;
pure (docs/guide/calibration.md).
"""

from binascii import crc32
from collections import namedtuple

from flukso import uci
from flukso.config_reader import is_hex32
from flukso.config_sensors import CONSTANT_MAX
from flukso.numerals import digits

UNITS = (("MWh", 6), ("kWh", 3), ("Wh", 0))  # and their decimals down to 1 Wh
RESOLUTION_MAX = 100000  # Wh: a meter that shows 100 kWh at once is none of a household
WITHIN_S, WITHIN_MAX_S = 60, 3600  # from the look at the meter to the command
POLL_S = 2  # the daemon's counter is not older
GOAL = 0.01  # a constant that is less certain is not worth setting
WORTH = 0.001  # a smaller change is not worth waiting for
FACTOR_MAX = 0.3  # a clamp that is further off hangs around the wrong wire, or is not closed
COVERAGE = 2  # of the expanded uncertainty
WRAP = 1 << 32

BEGUN_MAX, DONE_MAX = 3, 20  # a board has three clamps
FILE_MAX = 16384  # bytes; full, the file has half of that
HEAD = "# flukso board calibrate; crc32 of what follows: {:08x}\n"
BOOT_LETTERS, BOOT_MAX = "0123456789abcdefghijklmnopqrstuvwxyz-", 64

# one clamp at a moment. counter: Wh; power: W, the highest of Moment.covered; constant: 1/1000, as
# the board has it
Part = namedtuple("Part", ("id", "number", "counter", "power", "constant"))
# time: unix s, 0 when nobody vouches for the clock; mono: s of the boot; falls: the board's damaged
# records, 0 when it does not tell; covered: s before the moment for which the power is known, 0: of
# that second alone
Moment = namedtuple("Moment", ("time", "mono", "boot", "hardware", "falls", "covered", "parts"))
# reading, resolution: Wh; within: s between the look at the meter and the moment
Reading = namedtuple("Reading", ("reading", "resolution", "within", "moment"))
# metered, counted: Wh between two readings; elapsed_s: None when not known; uncertainty: relative,
# of the factor metered / counted
Outcome = namedtuple("Outcome", ("metered", "counted", "elapsed_s", "uncertainty"))
# of a calibration that was set. time: unix s or 0; factor, uncertainty: 1/10,000; changes: (id,
# number, old, new constant in 1/1000)
Done = namedtuple("Done", ("time", "factor", "uncertainty", "changes"))
# what the file holds: first readings, and what was set, oldest first
Record = namedtuple("Record", ("begun", "done"))


class CalibrationError(ValueError):
    """Readings from which nothing can be told, or a file that cannot be believed: a sentence."""


def amount(text: str) -> tuple:
    """Return (Wh, step of its last digit in Wh) of a decimal number in kWh, or with one of UNITS
    behind it. Raises CalibrationError.
    """
    number, decimals = text, 3
    for unit, places in UNITS:
        if text.endswith(unit):
            number, decimals = text[: -len(unit)].strip(), places
            break
    if number[:1] == "-":
        raise CalibrationError(
            "{}: a meter that shows less than 0, or runs backwards, says nothing of a clamp".format(
                text
            )
        )
    head, point, tail = number.partition(".")
    whole = digits(head, 9)
    part = digits(tail, 6) if point else 0
    if whole is None or part is None or len(tail) > decimals:
        raise CalibrationError(
            "{} is no reading: 14930.2 (kWh), for instance, with a point and as many digits as the "
            "meter shows".format(text)
        )
    step = 10 ** (decimals - len(tail))
    return whole * 10**decimals + part * step, step


def compare(first: Reading, second: Reading) -> Outcome:
    """Return what lies between two readings. Raises CalibrationError when nothing can be told from
    them.

    The factor of the constant is metered / counted. Its relative uncertainty follows from the law
    of propagation for a quotient (JCGM 100:2008, GUM, 5.1.6), with rectangular distributions
    (4.3.7, F.2.2.1): a last digit r stands for r/sqrt(12) at each reading, the counters' step of 1
    Wh for 1/sqrt(12) at each end of each clamp, and a look at the meter within s seconds of the
    counter for P s / sqrt(3), with P the highest power of these seconds; where they are not known,
    the power of that moment or, when greater, the mean between the readings:

        U = 2 sqrt(((r1² + r2²)/12 + (P1 s1)²/3 + (P2 s2)²/3) / metered² + (n/6) / counted²)

    with k = 2, about 95 %.
    """
    _same_board(first.moment, second.moment)
    metered = second.reading - first.reading
    if metered < 0:
        words = (
            "the reading is lower than the first one, {} kWh: is it the same meter, and the "
            "same register?"
        )
        raise CalibrationError(words.format(plain(first.reading)))
    if metered == 0:
        raise CalibrationError(
            "the meter stands where it stood; tell a reading after more energy was used"
        )
    counted = 0
    for before, now in zip(first.moment.parts, second.moment.parts):  # noqa: B905
        gone = (now.counter - before.counter) % WRAP
        if gone >= WRAP // 2:
            raise CalibrationError(
                "the counter of sensor {} fell since: it was reset, or the board is another "
                "one".format(now.number)
            )
        counted += gone
    if not counted:
        raise CalibrationError("the clamp has counted nothing since; does it hang around the wire?")
    elapsed_s = elapsed(first.moment, second.moment)
    square = (first.resolution**2 + second.resolution**2) / 12
    for reading in (first, second):
        power = sum([part.power for part in reading.moment.parts])
        if elapsed_s and reading.within > reading.moment.covered:
            power = max(power, metered * 3600 / elapsed_s)
        square += (power * (reading.within + POLL_S) / 3600) ** 2 / 3
    uncertainty = COVERAGE * (square / metered**2 + len(first.moment.parts) / 6 / counted**2) ** 0.5
    outcome = Outcome(metered, counted, elapsed_s, uncertainty)
    if abs(correction(outcome)) > FACTOR_MAX + uncertainty:
        words = (
            "the meter says {} kWh and the clamp {}: no clamp is so far off; is it closed, "
            "around the right wire, and the only one?"
        )
        raise CalibrationError(words.format(plain(metered), plain(counted)))
    return outcome


def _same_board(before, now):
    """Raise CalibrationError where the second moment is of another board or other settings than the
    first.
    """
    if before.hardware != now.hardware or now.falls < before.falls:
        raise CalibrationError("the board is another one than at the first reading")
    for old, new in zip(before.parts, now.parts):  # noqa: B905
        if old.id != new.id:
            raise CalibrationError(
                "sensor {} has another id than at the first reading".format(new.number)
            )
        if old.constant != new.constant:
            words = (
                "the constant of sensor {} was {} at the first reading and is {} now: nothing "
                "can be told across a change"
            )
            raise CalibrationError(
                words.format(new.number, shown(old.constant), shown(new.constant))
            )


def elapsed(before: Moment, now: Moment) -> "int | None":
    """Return the seconds between two moments, None when neither a clock nor the same boot tells
    them.
    """
    if before.time and now.time > before.time:
        return now.time - before.time
    if before.boot and before.boot == now.boot and now.mono > before.mono:
        return now.mono - before.mono
    return None


def correction(outcome: Outcome) -> float:
    """Return by how much of itself the constant has to change."""
    return outcome.metered / outcome.counted - 1


def lacking(outcome: Outcome, goal: float = GOAL) -> int:
    """Return how many more Wh make the uncertainty as small as `goal`, 0 when it is that small
    already.
    """
    return max(0, int(outcome.metered * (outcome.uncertainty / goal - 1) + 0.999))


def needed(first: Reading) -> int:
    """Return after how many Wh a second reading like the first one is certain to GOAL."""
    power = sum([part.power for part in first.moment.parts])
    square = (
        first.resolution**2 / 6
        + 2 * (power * (first.within + POLL_S) / 3600) ** 2 / 3
        + len(first.moment.parts) / 6
    )
    return int(COVERAGE * square**0.5 / GOAL + 0.999)


def corrected(outcome: Outcome, constant: int, whole: bool) -> int:
    """Return the true constant, 1/1000, for one that counted so; `whole`: the board has no
    fractions. Raises CalibrationError.
    """
    step = 1000 if whole else 1
    new = (
        (2 * constant * outcome.metered + outcome.counted * step)
        // (2 * outcome.counted * step)
        * step
    )
    if not 0 < new < (CONSTANT_MAX + 1) * 1000:
        raise CalibrationError(
            "the constant would be {}, and a board takes up to {}".format(shown(new), CONSTANT_MAX)
        )
    return new


def shown(constant: int) -> str:
    """Return a constant of so many 1/1000 with all of them."""
    return "{}.{:03d}".format(constant // 1000, constant % 1000)


def plain(thousandths: int) -> str:
    """Return a number of so many 1/1000 without zeros at its end: Wh as kWh, or a constant for the
    configuration.
    """
    return shown(thousandths).rstrip("0").rstrip(".")


def pack(record: Record) -> bytes:
    """Return the file's bytes; of what was set the newest DONE_MAX."""
    lines = []
    for reading in record.begun:
        moment = reading.moment
        lines.append("config begun")
        for name, value in (
            ("reading", reading.reading),
            ("resolution", reading.resolution),
            ("within", reading.within),
            ("time", moment.time),
            ("mono", moment.mono),
            ("boot", moment.boot),
            ("hardware", moment.hardware),
            ("falls", moment.falls),
            ("covered", moment.covered),
        ):
            lines.append("\toption {} {}".format(name, uci.quoted(str(value))))
        lines += ["\tlist sensor '{} {} {} {} {}'".format(*part) for part in moment.parts]
    for done in record.done[-DONE_MAX:]:
        lines.append(
            "config done\n\toption time '{}'\n\toption factor '{}'\n\toption uncertainty "
            "'{}'".format(*done[:3])
        )
        lines += ["\tlist sensor '{} {} {} {}'".format(*change) for change in done.changes]
    text = ("\n".join(lines) + "\n").encode()
    return HEAD.format(crc32(text) & 0xFFFFFFFF).encode() + text


def unpack(data: bytes) -> Record:
    """Return what pack() was given. Raises CalibrationError for any other bytes."""
    line, _, text = data.partition(b"\n")
    problems: list = []
    sections = uci.parse(uci.text_of(text), "", problems)
    if problems or line + b"\n" != HEAD.format(crc32(text) & 0xFFFFFFFF).encode():
        raise CalibrationError("it is damaged")
    begun = [_begun(section) for section in sections if section.type == "begun"]
    done = [_done(section) for section in sections if section.type == "done"]
    if len(begun) > BEGUN_MAX or len(done) > DONE_MAX or len(begun) + len(done) < len(sections):
        raise CalibrationError("it is damaged")
    return Record(begun, done)


def _begun(section):
    boot = _text(section, "boot")
    hardware = _text(section, "hardware")
    if len(boot) > BOOT_MAX or len(hardware) > BOOT_MAX:
        raise CalibrationError("it is damaged")
    parts = [Part(*row) for row in _rows(section, 5)]
    numbers = {name: _number(section, name) for name in ("time", "mono", "falls", "covered")}
    moment = Moment(
        numbers["time"],
        numbers["mono"],
        boot,
        hardware,
        numbers["falls"],
        numbers["covered"],
        tuple(parts),
    )
    return Reading(
        _number(section, "reading"),
        _number(section, "resolution"),
        _number(section, "within"),
        moment,
    )


def _done(section):
    return Done(
        _number(section, "time"),
        _number(section, "factor"),
        _number(section, "uncertainty"),
        tuple(_rows(section, 4)),
    )


def _text(section, name):
    if name not in section.options:
        raise CalibrationError("it is damaged")
    return section.options[name].text


def _number(section, name):
    number = digits(_text(section, name), 15)
    if number is None:
        raise CalibrationError("it is damaged")
    return number


def _rows(section, length):
    """Return the lists `sensor`: an id, and numbers behind it."""
    rows = []
    for value in section.lists.get("sensor", []):
        words = value.text.split(" ")
        numbers = [digits(word, 15) for word in words[1:]]
        if len(words) != length or None in numbers or not is_hex32(words[0]):
            raise CalibrationError("it is damaged")
        rows.append(tuple([words[0]] + numbers))
    if not 0 < len(rows) <= BEGUN_MAX:
        raise CalibrationError("it is damaged")
    return rows


def boot_name(text: str) -> str:
    """Return the name of a boot as the file may hold it, "" for one that it may not."""
    return text if len(text) <= BOOT_MAX and all([char in BOOT_LETTERS for char in text]) else ""

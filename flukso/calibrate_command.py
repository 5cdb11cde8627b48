# SPDX-License-Identifier: GPL-3.0-or-later
"""`flukso board calibrate`: keeps and compares readings of the utility meter, and sets constants
(docs/guide/calibration.md).
"""

from flukso import boards, calibration, config, copies, pulses, uci
from flukso.arguments import UsageError
from flukso.boards import BoardError
from flukso.calibration import CalibrationError, Done, Reading, Record, plain
from flukso.config_reader import value_in
from flukso.httpdate import minute
from flukso.messages import meant, trouble
from flukso.moment import Way
from flukso.numerals import whole
from flukso.provision import CONFIG

FILE = "/calibration"  # in the folder of the copies, which upgrades keep
INIT = "/etc/init.d/flukso"
ENOENT = 2  # on every system


async def main(port, process, words, options, clock_url, write) -> int:
    """Run one command and return the exit status. Raises UsageError, ConfigErrors and OSError."""
    _check(words, options)
    process.hear_interrupts()
    job = _Job(port, process, options, clock_url, write)
    try:
        if "reading" in options:
            return await job.read(words)
        return job.forget(words) if "forget" in options else job.show()
    except (CalibrationError, BoardError) as error:
        port.log("err", str(error))
        return 1


def _check(words, options):
    """Raises UsageError for words and options that do not go together."""
    if "reading" in options and "forget" in options:
        raise UsageError("calibrate takes one of --reading and --forget")
    if "reading" in options and not words:
        raise UsageError(
            "calibrate needs the sensors behind the meter: board calibrate 1 --reading 14930.2, "
            "for instance"
        )
    alone = [
        name
        for name in ("resolution", "within", "yes")
        if name in options and "reading" not in options
    ]
    if alone:
        raise UsageError("--{} goes with --reading".format(alone[0]))
    if words and "reading" not in options and "forget" not in options:
        raise UsageError(
            "calibrate needs what the meter shows: board calibrate {} --reading 14930.2, for "
            "instance".format(" ".join(words))
        )


class _Job:
    """One run of the command."""

    def __init__(self, port, process, options, clock_url, write):
        self._port = port
        self._process = process
        self._options = options
        self._write = write
        self._path = options.get("config", CONFIG)
        self._file = copies.FOLDER + FILE if self._path == CONFIG else self._path + ".calibration"
        self._settings = config.load(port, self._path)
        self._way = Way(port, self._path, self._settings, options.get("bus"), clock_url)

    def _say(self, text):
        self._write(text + "\n")

    # what is kept

    def _record(self):
        """Return the Record that is kept. Raises CalibrationError when it is damaged, OSError when
        it cannot be read.
        """
        try:
            return calibration.unpack(self._port.read_file(self._file, calibration.FILE_MAX))
        except CalibrationError as error:
            raise CalibrationError(
                "{}: {}; `flukso board calibrate --forget` puts it aside".format(self._file, error)
            )
        except OSError as error:
            if error.args[:1] != (ENOENT,):
                raise OSError(trouble(error, self._file))
            return Record([], [])

    def _keep(self, record):
        self._port.make_folder(self._file.rpartition("/")[0] or ".")
        self._port.write_durable(self._file, calibration.pack(record))

    def show(self):
        record = self._record()
        for first in record.begun:
            text = "{}: {} kWh (to {}) at {}; a second reading is certain to 1 % after {} kWh"
            more = plain(calibration.needed(first))
            self._say(
                text.format(
                    _names(first.moment.parts),
                    plain(first.reading),
                    plain(first.resolution),
                    _date(first.moment.time),
                    more,
                )
            )
        for done in record.done:
            for _, number, old, new in done.changes:
                text = "{}: sensor {} went from {} to {}: {} ± {}"
                change = pulses.percent(done.factor - 10000)
                self._say(
                    text.format(
                        _date(done.time),
                        number,
                        plain(old),
                        plain(new),
                        change,
                        _plus(done.uncertainty),
                    )
                )
        if not record.begun and not record.done:
            self._say(
                "nothing is stored; begin with: flukso board calibrate SENSOR... --reading KWH"
            )
        return 0

    def forget(self, words):
        try:
            record = self._record()
        except CalibrationError:
            self._port.rename(self._file, self._file + ".damaged")
            self._say(
                "{} was damaged and is put aside as {}.damaged".format(self._file, self._file)
            )
            return 0
        wanted = [sensor.number for sensor in self._sensors(words)]
        kept = [first for first in record.begun if wanted and not _shared(first, wanted)]
        for first in record.begun:
            if first not in kept:
                self._say(
                    "{}: the reading of {} kWh is forgotten".format(
                        _names(first.moment.parts), plain(first.reading)
                    )
                )
        if len(kept) == len(record.begun):
            self._say("there is no reading to forget")
            return 0
        self._keep(Record(kept, record.done))
        return 0

    # readings

    async def read(self, words):
        """Take a reading: the first one is kept, a second one compared."""
        sensors = self._sensors(words)
        wh, resolution = self._amounts()
        within = whole(self._options.get("within", str(calibration.WITHIN_S)))
        if within is None or not 0 < within <= calibration.WITHIN_MAX_S:
            raise UsageError(
                "--within {}: 1 to {} s from the look at the meter".format(
                    self._options["within"], calibration.WITHIN_MAX_S
                )
            )
        record = self._record()
        first = _begun(record, [sensor.number for sensor in sensors])
        second = Reading(wh, resolution, within, await self._way.ask(sensors))
        return (
            self._begin(record, second)
            if first is None
            else await self._compare(record, first, second)
        )

    def _amounts(self):
        """Return Wh and resolution of the reading. Raises UsageError."""
        try:
            wh, resolution = calibration.amount(self._options["reading"])
            if "resolution" in self._options:
                resolution = calibration.amount(self._options["resolution"])[0]
        except CalibrationError as error:
            raise UsageError(str(error))
        if not 0 < resolution <= calibration.RESOLUTION_MAX:
            raise UsageError(
                "a reading's last digit stands for 0.001 to {} kWh".format(
                    plain(calibration.RESOLUTION_MAX)
                )
            )
        return wh, resolution

    def _begin(self, record, first):
        self._keep(Record(record.begun + [first], record.done))
        counters = " + ".join([str(part.counter) for part in first.moment.parts])
        text = "{}: {} kWh (to {}) kept, with the counter {} Wh, {}"
        parts = first.moment.parts
        self._say(
            text.format(
                _names(parts),
                plain(first.reading),
                plain(first.resolution),
                counters,
                _date(first.moment.time),
            )
        )
        more = plain(calibration.needed(first))
        numbers = " ".join([str(part.number) for part in parts])
        self._say(
            "after {} kWh or more: flukso board calibrate {} --reading KWH".format(more, numbers)
        )
        return 0

    async def _compare(self, record, first, second):
        outcome = calibration.compare(first, second)
        change, plus = (
            round(calibration.correction(outcome) * 10000),
            int(outcome.uncertainty * 10000 + 0.999),
        )
        days = (
            "" if outcome.elapsed_s is None else " in {:.1f} days".format(outcome.elapsed_s / 86400)
        )
        self._say("since {}{}: the meter {} kWh, {} {}".format(
            _date(first.moment.time),
            days,
            plain(outcome.metered),
            _names(second.moment.parts),
            plain(outcome.counted),
        ))  # fmt: skip
        self._say(
            "the constant is to change by {} ± {}".format(pulses.percent(change), _plus(plus))
        )
        lacking = calibration.lacking(outcome)
        if lacking:
            self._say(
                "that is too uncertain: {} kWh more are needed; the first reading stays".format(
                    plain(lacking)
                )
            )
            return 1
        far = abs(calibration.correction(outcome))
        if far <= outcome.uncertainty:
            self._say(
                "the constant is right as far as these readings tell; nothing is changed, and the "
                "first reading stays"
            )
            if far >= calibration.WORTH:
                self._say(
                    "{} kWh more would tell so small a change".format(
                        plain(calibration.lacking(outcome, far))
                    )
                )
            return 0
        changes = [
            (
                part.id,
                part.number,
                part.constant,
                calibration.corrected(outcome, part.constant, self._way.whole),
            )
            for part in second.moment.parts
        ]
        for _, number, old, new in changes:
            self._say("sensor {}: constant {} -> {}".format(number, plain(old), plain(new)))
        if not self._agreed():
            return 0
        self._set(changes)
        begun = [other for other in record.begun if other != first]
        self._keep(
            Record(
                begun,
                record.done + [Done(second.moment.time, 10000 + change, plus, tuple(changes))],
            )
        )
        await self._bring_in_line()
        return 0

    def _agreed(self):
        if "yes" in self._options:
            return True
        answer = self._process.ask("set it in {}? [y/N] ".format(self._path))
        if answer is None:
            self._say(
                "not set: there is nobody to ask; --yes sets it, with a reading of that moment"
            )
        elif answer.lower() in ("y", "yes"):
            return True
        else:
            self._say("not set; the first reading stays")
        return False

    # the configuration

    def _set(self, changes):
        """Write the constants into the user's file, and leave all else in it as it is. Raises
        ConfigErrors, OSError.
        """
        text = uci.text_of(self._port.read_file(self._path, uci.FILE_MAX))
        for _, number, _, new in changes:
            text = uci.set_option(text, "sensor", str(number), "constant", plain(new))
        settings = config.parse(
            text, config.system_beside(self._port, self._path), self._options.get("bus")
        )
        now = {sensor.id: 1000 * sensor.constant + sensor.fraction for sensor in settings.sensors}
        if [new for id_, _, _, new in changes if now.get(id_) != new]:
            raise CalibrationError(
                "{}: the sensor cannot be found to set its constant".format(self._path)
            )
        try:
            self._port.rewrite_durable(self._path, uci.bytes_of(text))
        except OSError as error:
            raise OSError("not set: {}".format(trouble(error, self._path)))
        self._settings = settings
        self._say("set in {}; what was counted stays as it is".format(self._path))

    async def _bring_in_line(self):
        """Let the board have the constants: over the bus that it was asked on, else by the
        service's reload.
        """
        try:
            if self._way.direct:
                await self._way.on_board(lambda board, _: board.sync(self._settings))
                self._say("the board has it")
                return
            init = self._init()
            if (
                init
                and self._process.exists(init)
                and self._process.wait(self._process.start([init, "reload"])) == 0
            ):
                self._say("the service was reloaded: the board gets it now")
                return
        except OSError as error:
            self._say(trouble(error))
        self._say(
            "let the daemon read its configuration again, so that the board gets it: restart it, "
            "or send it SIGHUP"
        )

    def _init(self):
        """Return the service's init script: the one that the section `flash` names, else the
        router's when this is its configuration.
        """
        text = uci.text_of(self._port.read_file(self._path, uci.FILE_MAX))
        for section in uci.parse(text, "flukso", []):
            value = (
                value_in(section, "init")
                if (section.type, section.name) == ("flash", "flash")
                else None
            )
            if value is not None and value.text:
                return value.text
        return INIT if self._path == CONFIG else ""

    def _sensors(self, words):
        """Return the clamps that the words name, by number or function, by their numbers. Raises
        UsageError.
        """
        chosen: list = []
        for word in words:
            number = whole(word)
            named = [
                s
                for s in self._settings.sensors
                if s.number == number or s.function.lower() == word.lower()
            ]
            if not named:
                known = [
                    "{}{}".format(s.number, " ({})".format(s.function) if s.function else "")
                    for s in self._settings.sensors
                ]
                near = meant(word, [s.function.lower() for s in self._settings.sensors])
                hint = (
                    "is {} meant?".format(near)
                    if near
                    else "known are {}".format(", ".join(known) or "none")
                )
                raise UsageError("there is no enabled sensor {}; {}".format(word, hint))
            chosen += [sensor for sensor in named if sensor not in chosen]
        board = boards.kind_of(self._options.get("bus") or self._settings.bus)
        for sensor in chosen:
            if sensor.class_ != "analog" or board.listens:
                text = (
                    "sensor {} is no clamp of an SPI board: what a pulse is stands on its "
                    "meter, and generation 1 has its own constants"
                )
                raise UsageError(text.format(sensor.number))
        return sorted(chosen)


def _begun(record, numbers):
    """Return the first reading of these sensors, None when there is none. Raises CalibrationError
    when one of them is in another one.
    """
    for first in record.begun:
        if [part.number for part in first.moment.parts] == numbers:
            return first
        if _shared(first, numbers):
            words = (
                "a reading for {} is kept: tell the second one for the same, or forget it: "
                "flukso board calibrate --forget"
            )
            raise CalibrationError(words.format(_names(first.moment.parts)))
    return None


def _shared(first, numbers):
    """Say whether a first reading is of any of these sensors."""
    return bool([part for part in first.moment.parts if part.number in numbers])


def _names(parts):
    return "{} {}".format(
        "sensor" if len(parts) == 1 else "sensors", " + ".join([str(part.number) for part in parts])
    )


def _plus(hundredths):
    return pulses.percent(hundredths)[1:]


def _date(time):
    return minute(time) if time else "a time that no clock vouched for"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of `/etc/config/flukso` and `system` -> Settings, or everything that is wrong with it; pure
(docs/design/protocols.md §7).
"""

from collections import namedtuple

from flukso import boards, https, pulses, uci
from flukso import options as table
from flukso.messages import clipped, trouble
from flukso.meter import UNIT_OF_TYPE
from flukso.numerals import whole

CLASSES = {
    "analog": (1, 2, 3),
    "pulse": (4, 5, 6),
    "uart": (4, 5, 6),
}  # class: the sensors that the board has for it
PORTS = {"analog": (1, 2, 3), "pulse": (4, 5), "uart": (6,)}  # class: its ports
CLAMP_FACTOR = 449  # 1/1000: an analog constant is 0.449 × volts × amperes, §1
CONSTANT_MAX = 65535
LOG_LEVELS = ("debug", "info", "notice", "warning", "err", "crit")
TRUE, FALSE = ("1", "yes", "on", "true", "enabled"), ("0", "no", "off", "false", "disabled")

Settings = namedtuple(
    "Settings",
    (
        "device",  # 32 lower-case hex digits; "" when nothing is uploaded
        "key",
        "version",  # of the device's image, an integer, or None
        "hw_major",
        "hw_minor",  # None: what the board has is right
        "phase",
        "reset_counters",
        "base_url",
        "cacert",
        "wan",  # upload at all
        "register",  # post the key and the sensors' configuration first, §8
        "lan",  # serve the LAN API
        "lan_port",
        "lan_name",  # a name of the device beside its own ones, "" for none
        "bus",
        "spi_mode",
        "upload_interval_s",
        "state_dir",
        "save_interval_s",
        "flash_dir",  # "" when nothing is kept in flash
        "flash_interval_s",
        "uart_socket",  # "" when the board's UART is not offered
        "delta_pipe",  # "" when the historic lines are not written
        "log_level",
        "sensors",  # the enabled Sensors, by their number
    ),
)
# number 1-6; constant whole and 1/1000 of it; function is free text; exact: (unit, pulses) of
# pulses.exact, or (); hold: 10 µs, 0: the board's own
Sensor = namedtuple(
    "Sensor",
    (
        "number",
        "enabled",
        "id",
        "type",
        "class_",
        "ports",
        "constant",
        "fraction",
        "voltage",
        "current",
        "function",
        "exact",
        "hold",
    ),
)


class ConfigErrors(ValueError):
    """Everything that is wrong with the files: .problems is a list of uci.Problem, by file and
    line, and bounded.
    """

    def __init__(self, problems):
        super().__init__(uci.listed(problems))
        self.problems = sorted(problems)


def parse(
    text: str, system: str | None = None, bus: str | None = None, provisioned: bool = True
) -> Settings:
    """Return the Settings of the file `flukso` and, for device and key, of `system` where there is
    one; `bus` overrides its own.

    provisioned: whether it is an error that device, key or a sensor's id are missing.
    Raises ConfigErrors with every error and its line; nothing else, whatever the texts.
    """
    problems: list[uci.Problem] = []
    reader = _Reader(uci.parse(text, "flukso", problems), problems)
    reader.provisioned = provisioned
    if uci.is_void(text):
        reader.missing(0, "the file is empty")
    identity = _identity(reader, system, problems)
    values = _values(reader)
    values.update(identity)
    if bus is not None:
        values["bus"] = bus
    values["sensors"] = _sensors(reader, boards.kind_of(values["bus"]))
    if values["wan"] and provisioned:
        for name in ("device", "key"):
            if not values[name] and name not in reader.wrongs:
                reader.missing(0, "no {}: neither here nor in the file system".format(name))
    if problems:
        raise ConfigErrors(problems)
    return Settings(**values)


def load(port, path: str, bus: str | None = None) -> Settings:
    """Return the Settings of a configuration file, with the file `system` beside it.

    Raises ConfigErrors, also when it cannot be read.
    """
    return parse(read(port, path), system_beside(port, path), bus)


def read(port, path: str) -> str:
    """Return the text of a configuration file. Raises ConfigErrors when it cannot be read."""
    try:
        return uci.text_of(port.read_file(path, uci.FILE_MAX))
    except OSError as error:
        words = trouble(error, path)
        for start in (path + ": ", path + " "):
            if words.startswith(start):
                words = words[len(start) :]
        raise ConfigErrors([uci.Problem(path, 0, words)])


def system_beside(port, path: str) -> "str | None":
    """Return the text of the file `system` in the folder of this one, None when it cannot be read."""
    folder, slash, _ = path.rpartition("/")
    try:
        return uci.text_of(port.read_file(folder + slash + "system", uci.FILE_MAX))
    except OSError:
        return None


class _Reader:
    """Sections of one file, and the problems found in them."""

    def __init__(self, sections, problems, file="flukso"):
        self.sections = sections
        self.problems = problems
        self.file = file
        self.torn = bool(problems)
        self.provisioned = True
        self.wrongs = []  # names of the options that were found wrong

    def fail(self, file, line, text):
        uci.note(self.problems, uci.Problem(file, line, text))

    def missing(self, line, text):
        """Report what is not there; not when a damaged line may have held it."""
        if not self.torn:
            self.fail(self.file, line, text)

    def option(self, kind, name, option):
        """Return the Value of an option of the section `config kind name` (name None: the first
        that has it), or None.
        """
        for section in self.sections:
            if section.type == kind and name in (None, section.name):
                value = value_in(section, option)
                if value is not None:
                    return value
        return None

    def wrong(self, value, option, text):
        self.wrongs.append(option)
        self.fail(self.file, value.line, "{}: {}".format(option, text))

    def number(self, value, option, default, least, most):
        if value is None:
            return default
        if not value.text:
            self.wrong(value, option, "it has no value")
            return default
        number = whole(value.text)
        if number is None or not least <= number <= most:
            self.wrong(
                value,
                option,
                "{} is not a number from {} to {}".format(clipped(value.text), least, most),
            )
            return default
        return number

    def flag(self, value, option, default):
        if value is None:
            return default
        if value.text in TRUE:
            return 1
        if value.text not in FALSE:
            self.wrong(
                value,
                option,
                "{} is neither 0 nor 1".format(clipped(value.text))
                if value.text
                else "it has no value",
            )
        return 0

    def hex32(self, value, option):
        if value is None:
            return ""
        if not is_hex32(value.text):
            self.wrong(value, option, "32 lower-case hex digits are needed")
            return ""
        return value.text


def value_in(section, option: str) -> "uci.Value | None":
    """Return the Value of an option in a section; of one that is given as a list, the last."""
    values = section.lists.get(option)
    return values[-1] if values else section.options.get(option)


def board_of(sections) -> boards.Kind:
    """Return the kind of board that the file's option `bus` names, the default's without one."""
    for section in sections:
        if (section.type, section.name) == ("settings", "daemon"):
            value = value_in(section, "bus")
            return boards.kind_of(value.text if value else "")
    return boards.kind_of("")


def thousandths(text: str) -> int | None:
    """Return a decimal number such as 5163.5 in 1/1000, rounded; None when it is none, or negative."""
    point = text.find(".")
    head, tail = (text, "0") if point < 0 else (text[:point], text[point + 1 :])
    first, rest = whole(head or "0"), whole((tail or "0")[:9])
    if first is None or rest is None or text in ("", "."):
        return None
    digits = len((tail or "0")[:9])
    return first * 1000 + (rest * 2000 + 10**digits) // (2 * 10**digits)


def is_hex32(text: str) -> bool:
    """Say whether this is an id or a key: 32 lower-case hex digits."""
    for char in text:
        if char not in "0123456789abcdef":
            return False
    return len(text) == 32


def _identity(reader, system, problems):
    """Return device, key and version: from `config system` of the file itself, else from the file
    `system`.
    """
    if (
        reader.option("system", None, "device") is None
        and reader.option("system", None, "key") is None
        and system is not None
    ):
        system = "" if uci.is_void(system) else system
        own = _Reader(uci.parse(system, "system", []), [], "system")
        own.wrongs = reader.wrongs
        found = _identity_of(own)
        if not (
            found["device"] and found["key"]
        ):  # otherwise the rest of that file is no business of ours
            uci.parse(system, "system", problems)
            problems += own.problems
        return found
    return _identity_of(reader)


def _identity_of(reader):
    version = reader.option("system", None, "version")
    return {
        "device": reader.hex32(reader.option("system", None, "device"), "device"),
        "key": reader.hex32(reader.option("system", None, "key"), "key"),
        "version": None if version is None else whole(version.text),
    }


def _values(reader):
    """Return what the sections `settings` say, by the names of Settings."""
    values: dict = {}
    for option in table.OPTIONS:
        value = reader.option("settings", option.section, option.name)
        values[option.field] = _value(reader, value, option)
    return values


def _value(reader, value, option):
    if option.kind == table.FLAG:
        return reader.flag(value, option.name, option.default)
    if option.kind == table.NUMBER:
        return reader.number(value, option.name, option.default, option.limits[0], option.limits[1])
    if option.kind == table.CHOICE:
        return _choice(reader, value, option)
    if value is None or not value.text:
        return option.default
    if option.kind == table.URL:
        return _base_url(reader, value, option.name)
    if option.kind == table.BUS and not boards.known(value.text):
        schemes = " ".join(boards.SCHEMES)
        reader.wrong(value, option.name, "it must begin with one of {}".format(schemes))
    if option.kind == table.LEVEL and value.text not in LOG_LEVELS:
        return option.default
    return value.text


def _choice(reader, value, option):
    number = reader.number(value, option.name, option.default, option.limits[0], option.limits[-1])
    if number not in option.limits:
        known = " or ".join([str(choice) for choice in option.limits])
        reader.wrong(
            value, option.name, "{} is none of its values; it may be {}".format(number, known)
        )
    return number


def _base_url(reader, value, name):
    try:
        https.parse_url(value.text)
    except ValueError as error:
        reader.wrong(value, name, clipped(str(error), 120))
    return value.text


def _sensors(reader, board):
    """Return the enabled sensors of a boards.Kind; each section of a sensor that the board has is
    checked, enabled or not.
    """
    found = {}
    taken_ids: dict[str, int] = {}
    taken_ports: dict[int, int] = {}
    for section in reader.sections:
        number = whole(section.name) if section.type == "sensor" else None
        if number is None or not 1 <= number <= board.sensors:
            continue
        if number in found:
            reader.fail(reader.file, section.line, "sensor {} stands here twice".format(number))
        found[number] = _sensor(reader, section, number, board, taken_ids, taken_ports)
    return tuple([found[number] for number in sorted(found) if found[number].enabled])


def _sensor(reader, section, number, board, taken_ids, taken_ports):
    options: dict = {
        name: value_in(section, name) for name in table.SENSOR if name in section.spans
    }
    enabled = reader.flag(options.get("enable"), "enable", 0)
    id_ = reader.hex32(options.get("id"), "id")
    kind = options.get("type")
    if kind is not None and not kind.text:
        kind = None
    class_ = _class(reader, section, options.get("class"), number, enabled, board)
    ports = _ports(reader, section, "" if board.listens else class_, board)
    if enabled:
        if "id" not in options and reader.provisioned:
            reader.missing(section.line, "sensor {} is enabled and has no id".format(number))
        if not section.lists.get("port") and "port" not in options:
            reader.missing(section.line, "sensor {} is enabled and has no port".format(number))
        if class_ != "uart" and kind is not None and kind.text not in UNIT_OF_TYPE:
            reader.wrong(
                kind,
                "type",
                "{} is not counted; known are {}".format(
                    clipped(kind.text), ", ".join(sorted(UNIT_OF_TYPE))
                ),
            )
        if id_ and taken_ids.setdefault(id_, number) != number:
            reader.wrong(options["id"], "id", "sensor {} has the same".format(taken_ids[id_]))
        for value in _port_values(section):
            port = whole(value.text)
            if taken_ports.setdefault(port, number) != number:
                reader.wrong(
                    value, "port", "{} is already sensor {}'s".format(port, taken_ports[port])
                )
    constant = 1000 if board.listens else _constant(reader, section, options, class_, enabled)
    step = (
        ()
        if board.listens
        else _exact(reader, options, class_, "electricity" if kind is None else kind.text)
    )
    constant = pulses.nearest(step) if step else constant
    hold = 0 if board.listens else _hold(reader, options, class_, step or (max(constant, 1), 1000))
    texts = [
        options[name].text if name in options else "" for name in ("voltage", "current", "function")
    ]
    type_ = "electricity" if kind is None else kind.text
    return Sensor(
        number,
        enabled,
        id_,
        type_,
        class_,
        ports,
        constant // 1000,
        constant % 1000,
        texts[0],
        texts[1],
        texts[2],
        step,
        hold,
    )


def _class(reader, section, value, number, enabled, board):
    if value is None:
        if enabled:
            reader.missing(section.line, "sensor {} is enabled and has no class".format(number))
        return ""
    if value.text not in CLASSES:
        reader.wrong(
            value, "class", "{} is none of analog, pulse, uart".format(clipped(value.text))
        )
        return ""
    if enabled and not board.listens and number not in CLASSES[value.text]:
        reader.wrong(
            value, "class", "sensor {} of the board cannot be {}".format(number, value.text)
        )
    return value.text


def _port_values(section):
    values = section.lists.get("port", [])
    return values or ([section.options["port"]] if "port" in section.options else [])


def _ports(reader, section, class_, board):
    ports = []
    for value in _port_values(section):
        port = whole(value.text)
        if port is None or not 1 <= port <= board.sensors:
            reader.wrong(
                value,
                "port",
                "{} is not a port from 1 to {}".format(clipped(value.text), board.sensors),
            )
        elif class_ and port not in PORTS[class_]:
            reader.wrong(value, "port", "{} is no port of class {}".format(port, class_))
        else:
            ports.append(port)
    return tuple(ports)


def _constant(reader, section, options, class_, enabled):
    """Return the meter constant in 1/1000, at most CONSTANT_MAX + 0.999; 0 when it was wrong or is
    not needed.
    """
    value = options.get("constant")
    if value is not None:
        constant = thousandths(value.text)
        if constant is None:
            reader.wrong(value, "constant", _no_number(value))
            return 0
        return _in_range(reader, value, constant, enabled)
    if class_ != "analog":
        return 1000  # 1 Wh or 1 l a pulse
    clamp = []
    for name in ("voltage", "current"):
        value = options.get(name)
        number = None if value is None else thousandths(value.text)
        if value is None and enabled:
            reader.missing(
                section.line,
                "an analog sensor needs constant, or voltage and current: no {}".format(name),
            )
        elif value is not None and number is None:
            reader.wrong(value, name, _no_number(value))
        clamp.append(number or 0)
    return _in_range(
        reader, value, CLAMP_FACTOR * clamp[0] * clamp[1] // 1000000, enabled and 0 not in clamp
    )


def _no_number(value):
    return "{} is not a number".format(clipped(value.text)) if value.text else "it has no value"


def _exact(reader, options, class_, kind):
    """Return (unit, pulses) of pulses.exact when the options say how many pulses make a kWh or m³,
    else ().
    """
    own, other = (
        ("pulses_per_m3", "pulses_per_kwh")
        if kind in ("water", "gas")
        else ("pulses_per_kwh", "pulses_per_m3")
    )
    if other in options:
        reader.wrong(options[other], other, "a sensor of type {} has {}".format(kind, own))
    value = options.get(own)
    if value is None:
        return ()
    if class_ != "pulse":
        reader.wrong(value, own, "only a sensor of class pulse has it")
        return ()
    step = pulses.exact(thousandths(value.text) or 0)
    if step is None:
        reader.wrong(
            value,
            own,
            "{} cannot be counted exactly: a number up to 16000, with few decimals, is "
            "needed".format(clipped(value.text)),
        )
    return step or ()


def _hold(reader, options, class_, step):
    """Return the hold of a pulse sensor, 10 µs: as the options say or as their highest rate lets it
    be; 0 when they say neither.
    """
    limits = (
        ("hold", pulses.HOLD_MIN * 10, pulses.HOLD_MAX * 10, "0.2 to 100 (ms)"),
        ("max_rate", 100, 1000000, "0.1 to 1000 (kW, or m³/h)"),
    )
    found = {}
    for name, least, most, words in limits:
        value = options.get(name)
        if value is None:
            continue
        number = thousandths(value.text)
        if class_ != "pulse":
            reader.wrong(value, name, "only a sensor of class pulse has it")
        elif number is None or not least <= number <= most:
            reader.wrong(
                value, name, "{} is not a number from {}".format(clipped(value.text), words)
            )
        else:
            found[name] = number
    if "hold" in found:
        return found["hold"] // 10
    return pulses.hold_for(step, found["max_rate"]) if "max_rate" in found else 0


def _in_range(reader, value, constant, needed):
    if constant >= (CONSTANT_MAX + 1) * 1000:
        reader.wrong(value, "constant", "{} is over {}".format(constant // 1000, CONSTANT_MAX))
        return 0
    if needed and not constant:
        reader.wrong(value, "constant", "0 counts nothing")
    return constant

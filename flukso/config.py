# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of `/etc/config/flukso` and `system` -> Settings, or everything that is wrong with it; pure
(docs/design/protocols.md §7).
"""

from collections import namedtuple

from flukso import boards, https, uci
from flukso import options as table
from flukso.config_reader import Reader, value_in
from flukso.config_sensors import sensors
from flukso.messages import clipped, trouble
from flukso.numerals import whole

LOG_LEVELS = ("debug", "info", "notice", "warning", "err", "crit")

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
    reader = Reader(uci.parse(text, "flukso", problems), problems)
    reader.provisioned = provisioned
    if uci.is_void(text):
        reader.missing(0, "the file is empty")
    identity = _identity(reader, system, problems)
    values = _values(reader)
    values.update(identity)
    if bus is not None:
        values["bus"] = bus
    values["sensors"] = sensors(reader, boards.kind_of(values["bus"]))
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
    """Return the text of the file `system` beside this one, None when it cannot be read."""
    folder, slash, _ = path.rpartition("/")
    try:
        return uci.text_of(port.read_file(folder + slash + "system", uci.FILE_MAX))
    except OSError:
        return None


def board_of(sections) -> boards.Kind:
    """Return the kind of board that the file's option `bus` names, the default's without one."""
    for section in sections:
        if (section.type, section.name) == ("settings", "daemon"):
            value = value_in(section, "bus")
            return boards.kind_of(value.text if value else "")
    return boards.kind_of("")


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
        own = Reader(uci.parse(system, "system", []), [], "system")
        own.wrongs = reader.wrongs
        identity = _identity_of(own)
        # otherwise the rest of that file is no business of ours
        if not (identity["device"] and identity["key"]):
            uci.parse(system, "system", problems)
            problems += own.problems
        return identity
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

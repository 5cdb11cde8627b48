# SPDX-License-Identifier: GPL-3.0-or-later
"""`flukso provision`: makes what a device needs to have of its own, and renders the copy that the daemon reads (docs/daemon.md)."""

from binascii import hexlify
from collections import namedtuple

from flukso import uci
from flukso.config import BOARD_SENSORS, decode_text, is_hex32, whole

GENERATION_1 = {1: "analog", 2: "analog", 3: "pulse", 4: "pulse"}  # its four inputs, docs/protocols.md §2
DEFAULT_CLASSES = {1: "analog", 2: "analog", 3: "analog", 4: "pulse", 5: "pulse", 6: "uart"}

# flukso, system: texts to be written; runtime: what the daemon reads; changes: in words; old: a converted generation 1 text, or None
Provisioned = namedtuple("Provisioned", ("flukso", "system", "runtime", "changes", "old"))


class ProvisionError(ValueError):
    """Files that cannot be completed: said instead of guessed."""


def provision(flukso: "str | None", system: "str | None", random) -> Provisioned:
    """Complete the texts of the files `flukso` and `system` (None: there is none); random(n) returns n random bytes.

    What is there stays as it is. Raises ProvisionError when a file cannot be read, or device and key are unusable.
    """
    changes: list = []
    old = None
    text = flukso
    if text is None:
        text = default_config()
        changes.append("a configuration was made: one clamp of 50 A on port 1")
    elif is_generation_1(sections(text, "flukso")):
        old, text = text, convert(sections(text, "flukso"))
        changes.append("the generation 1 configuration was converted")
    system = _identity(text, system, random, changes)
    if changes and changes[-1] == NEW_IDENTITY:
        text = set_option(text, "settings", "daemon", "register", "1")
    text = _sensor_ids(text, random, changes)
    wish = _option(sections(text, "flukso"), "settings", "main", "reset_counters")
    runtime = text
    if wish is not None and wish not in ("0", "off", "no", "false", "disabled"):
        text = set_option(text, "settings", "main", "reset_counters", "0")
        changes.append("reset_counters was set back to 0; the daemon does it once")
    return Provisioned(text, system, _with_system(runtime, system), changes, old)


NEW_IDENTITY = "device and key were made"


def sections(text: str, file: str) -> list:
    """Return the sections of a UCI text. Raises ProvisionError when it is damaged."""
    problems: list = []
    found = uci.parse(text, file, problems)
    if problems:
        raise ProvisionError("\n".join(["{}:{}: {}".format(p.file, p.line, p.text) for p in problems]))
    return found


def _option(found, kind, name, option):
    value = None
    for section in found:
        if section.type == kind and name in (None, section.name) and option in section.options:
            value = section.options[option].text
    return value


def _identity(text, system, random, changes):
    """Return the text of `system` with device and key in it, unless the file `flukso` has its own."""
    own = sections(text, "flukso")
    if _option(own, "system", None, "device") is not None:
        return system
    system = "" if system is None else system
    found = sections(system, "system")
    pair = [_option(found, "system", None, name) for name in ("device", "key")]
    for name, value in (("device", pair[0]), ("key", pair[1])):
        if value and not is_hex32(value):
            raise ProvisionError("system: the {} is not 32 lower-case hex digits".format(name))
    if pair[0] and pair[1]:
        return system
    if pair[0] or pair[1]:
        raise ProvisionError("system: one of device and key is missing; a device without its key cannot be restored here")
    for name in ("device", "key"):
        system = set_option(system, "system", None, name, _fresh(random))
    changes.append(NEW_IDENTITY)
    return system


def _fresh(random):
    return hexlify(random(16)).decode()


def _sensor_ids(text, random, changes):
    """Give every sensor of the board an id."""
    for section in sections(text, "flukso"):
        number = whole(section.name) if section.type == "sensor" else None
        if number is None or not 1 <= number <= BOARD_SENSORS or section.options.get("id") is not None:
            continue
        text = set_option(text, "sensor", section.name, "id", _fresh(random))
        changes.append("sensor {} got an id".format(number))
    return text


def _with_system(text, system):
    """Return the daemon's text: with the identity in it, so that it needs no other file."""
    found = sections(system or "", "system")
    lines = ["", "config system"]
    for name in ("device", "key", "version"):
        value = _option(found, "system", None, name)
        if value is not None:
            lines.append("\toption {} {}".format(name, quoted(value)))
    if len(lines) == 2 or _option(sections(text, "flukso"), "system", None, "device") is not None:
        return text
    return text.rstrip("\n") + "\n" + "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    """Return a value as one UCI word."""
    return "'" + value.replace("'", "'\\''") + "'"


def set_option(text: str, kind: str, name: "str | None", option: str, value: str) -> str:
    """Return the text with this option in its section, which is added when missing; every other line stays as it is."""
    lines = text.split("\n")
    line = "\toption {} {}".format(option, quoted(value))
    section = None
    for found in sections(text, "file"):
        if found.type == kind and name in (None, found.name):
            section = found
            break
    if section is None:
        while lines and not lines[-1]:
            lines.pop()
        lines += ["", "config {}".format(kind if name is None else kind + " " + quoted(name)), line, ""]
    elif option in section.options:
        lines[section.options[option].line - 1] = line
    else:
        lines.insert(section.line, line)
    return "\n".join(lines).lstrip("\n")


def default_config() -> str:
    """Return a configuration for a board with one clamp."""
    text = "config settings 'main'\n\toption phase '1'\n\toption reset_counters '0'\n\nconfig settings 'daemon'\n"
    for number in sorted(DEFAULT_CLASSES):
        lines = ["", "config sensor '{}'".format(number), "\toption class '{}'".format(DEFAULT_CLASSES[number])]
        if number <= 3:
            lines += ["\toption voltage '230'", "\toption current '50'"]
        if number < 6:
            lines.append("\toption type 'electricity'")
        lines += ["\tlist port '{}'".format(number), "\toption enable '{}'".format(1 if number == 1 else 0), ""]
        text += "\n".join(lines)
    return text


def is_generation_1(found: list) -> bool:
    """Say whether this is the configuration of a generation 1 device: it has a section `flukso main`, and no settings."""
    kinds = [section.type for section in found]
    return "settings" not in kinds and ("flukso" in kinds or "input" in kinds)


def convert(found: list) -> str:
    """Return a generation 1 configuration in today's form. Raises ProvisionError when an input has no id."""
    port = _option(found, "flukso", None, "port") or "/dev/ttyS0"
    text = "config settings 'main'\n\nconfig settings 'daemon'\n\toption bus {}\n".format(quoted("uart:" + port))
    number = 0
    for section in found:
        if section.type != "input":
            continue
        number = whole(section.name) or number + 1
        if number not in GENERATION_1:
            continue
        text += "\n" + _converted_input(number, section)
    return text


def _converted_input(number, section):
    ids = [value.text for value in section.options.values() if is_hex32(value.text)]
    enable = section.options.get("enable") or section.options.get("enabled")
    if not ids:
        raise ProvisionError("flukso:{}: input {} has no id".format(section.line, number))
    lines = [
        "config sensor '{}'".format(number),
        "\toption id {}".format(quoted(ids[0])),
        "\toption type 'electricity'",
        "\toption class '{}'".format(GENERATION_1[number]),
        "\tlist port '{}'".format(number),
        "\toption enable '{}'".format("1" if enable is None else enable.text),
        "",
    ]
    return "\n".join(lines)


def main(port, options: dict, write) -> int:
    """Run the command on files; return the exit status. Raises OSError when one cannot be written."""
    path = options.get("config", "/etc/config/flukso")
    system_path = options.get("system", path.rpartition("/")[0] + "/system" if "/" in path else "system")
    flukso, system = _text_of(port, path), _text_of(port, system_path)
    done = provision(flukso, system, port.random_bytes)
    if done.old is not None:
        _write(port, path + ".gen1", done.old)
    if done.system is not None and done.system != system:
        _write(port, system_path, done.system)
    if done.flukso != flukso:
        _write(port, path, done.flukso)
    if "runtime" in options:
        _write(port, options["runtime"], done.runtime, options.get("user"))
    for change in done.changes or ["nothing was missing"]:
        write(change + "\n")
    return 0


def _write(port, path, text, user=None):
    """Write a text that its owner alone may read; its folder is made when missing."""
    port.make_folder(path.rpartition("/")[0] or ".")
    port.write_durable(path, text.encode(), 0o600, user)


def _text_of(port, path):
    try:
        data = port.read_file(path, uci.FILE_MAX)
    except OSError as error:
        if error.args and error.args[0] == 2:  # ENOENT on every system
            return None
        raise
    return decode_text(data)

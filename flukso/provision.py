# SPDX-License-Identifier: GPL-3.0-or-later
"""`flukso provision`: makes what a device needs to have of its own, and renders the copy that the
daemon reads (docs/guide/daemon.md).
"""

from binascii import hexlify
from collections import namedtuple

from flukso import config, copies, damage, losses, uci
from flukso.config_reader import FALSE, is_hex32, value_in
from flukso.messages import trouble
from flukso.numerals import whole
from flukso.uci import quoted, set_option

# its four inputs, docs/design/protocols.md §2
GENERATION_1 = {1: "analog", 2: "analog", 3: "pulse", 4: "pulse"}
CONFIG = "/etc/config/flukso"
DEFAULT_CLASSES = {1: "analog", 2: "analog", 3: "analog", 4: "pulse", 5: "pulse", 6: "uart"}

# flukso, system: texts to be written; runtime: what the daemon reads; changes: in words; old: a
# converted generation 1 text, or None
Provisioned = namedtuple("Provisioned", ("flukso", "system", "runtime", "changes", "old"))


class ProvisionError(ValueError):
    """Files that cannot be completed: said instead of guessed."""


def provision(flukso: "str | None", system: "str | None", random, good=None) -> Provisioned:
    """Complete the texts of the files `flukso` and `system` (None: there is none); random(n)
    returns n random bytes.

    What is there stays as it is; a sensor without an id has the one of the Copy `good` again.
    Raises ProvisionError when a file cannot be read, or device and key are unusable, or lost.
    """
    changes: list = []
    old = None
    text = flukso
    if text is None:
        text = default_config()
        changes.append("a configuration was made: one clamp of 50 A on port 1")
    elif uci.is_void(text):
        raise ProvisionError(
            "flukso: the file is empty, and there is no copy of it: restore it from a backup, or "
            "remove it"
        )
    elif is_generation_1(sections(text, "flukso")):
        old, text = text, convert(sections(text, "flukso"))
        changes.append("the generation 1 configuration was converted")
    system = _identity(text, system, random, changes)
    if changes and changes[-1] == NEW_IDENTITY:
        text = set_option(text, "settings", "daemon", "register", "1")
    text = _sensor_ids(text, random, changes, good)
    runtime = text
    text = without_wish(text)
    if text != runtime:
        changes.append("reset_counters was set back to 0; the daemon does it once")
    return Provisioned(text, system, _with_system(runtime, system), changes, old)


NEW_IDENTITY = "device and key were made"


def without_wish(text: str) -> str:
    """Return the text with the wish to reset the counters set back, however it is spelt and however
    often it stands there.
    """
    for section in sections(text, "flukso"):
        if section.type == "settings" and section.name == "main":
            values = [section.options.get(RESET)] + section.lists.get(RESET, [])
            if [
                value
                for value in values
                if value is not None and value.text and value.text not in FALSE
            ]:
                return set_option(text, "settings", "main", RESET, "0")
    return text


RESET = "reset_counters"


def sections(text: str, file: str) -> list:
    """Return the sections of a UCI text. Raises ProvisionError when it is damaged."""
    problems: list = []
    parsed = uci.parse(text, file, problems)
    if problems:
        raise ProvisionError(uci.listed(problems))
    return parsed


def _option(sections, kind, name, option):
    """Return the text of an option, of the first section that has it; None when none has."""
    for section in sections:
        if section.type == kind and name in (None, section.name):
            value = value_in(section, option)
            if value is not None and value.text:
                return value.text
    return None


def _identity(text, system, random, changes):
    """Return the text of `system` with device and key, unless the file `flukso` has its own."""
    own = sections(text, "flukso")
    if _option(own, "system", None, "device") is not None:
        return system
    if system is not None and uci.is_void(system):
        if [
            section
            for section in own
            if section.type == "sensor" and _option([section], "sensor", None, "id")
        ]:
            raise ProvisionError(
                "system: the file is empty, and with it device and key are lost: restore it from a "
                "backup, or remove it"
            )
        system = None
    problems: list = []
    parsed = uci.parse(system or "", "system", problems)
    pair = [_option(parsed, "system", None, name) for name in ("device", "key")]
    if is_hex32(pair[0] or "") and is_hex32(pair[1] or ""):
        return system  # what else that file holds, or cannot be read in it, is no business of ours
    sections(system or "", "system")
    for name, value in (("device", pair[0]), ("key", pair[1])):
        if value and not is_hex32(value):
            raise ProvisionError("system: the {} is not 32 lower-case hex digits".format(name))
    if pair[0] or pair[1]:
        raise ProvisionError(
            "system: one of device and key is missing; a device without its key cannot be restored "
            "here"
        )
    system = system or ""
    for name in ("device", "key"):
        system = set_option(system, "system", None, name, _fresh(random))
    changes.append(NEW_IDENTITY)
    return system


def _fresh(random):
    return hexlify(random(16)).decode()


def _sensor_ids(text, random, changes, good):
    """Give every sensor of the board an id."""
    parsed = sections(text, "flukso")
    taken = [_option([section], "sensor", None, "id") for section in parsed]
    known = sections(good.flukso, "copy") if good else []
    most = config.board_of(parsed).sensors
    for section in parsed:
        number = whole(section.name) if section.type == "sensor" else None
        if number is None or not 1 <= number <= most or "id" in section.order:
            continue
        before = _option(known, "sensor", section.name, "id")
        again = before is not None and is_hex32(before) and before not in taken
        text = set_option(text, "sensor", section.name, "id", before if again else _fresh(random))
        changes.append("sensor {} {}".format(number, "has its id again" if again else "got an id"))
    return text


def _with_system(text, system):
    """Return the daemon's text: with the identity in it, so that it needs no other file."""
    identity = _identity_of(text, system)
    return text.rstrip("\n") + "\n\n" + copies.system_section(identity) if identity else text


def _identity_of(text, system):
    """Return the identity that the file `system` holds for this configuration, {} when that has its
    own.
    """
    if _option(sections(text, "flukso"), "system", None, "device") is not None:
        return {}
    return copies.identity_in(uci.parse(system or "", "system", []))


def default_config() -> str:
    """Return a configuration for a board with one clamp."""
    text = (
        "config settings 'main'\n\toption phase '1'\n\toption reset_counters '0'\n\nconfig "
        "settings 'daemon'\n"
    )
    for number in sorted(DEFAULT_CLASSES):
        lines = [
            "",
            "config sensor '{}'".format(number),
            "\toption class '{}'".format(DEFAULT_CLASSES[number]),
        ]
        if number <= 3:
            lines += ["\toption voltage '230'", "\toption current '50'"]
        if number < 6:
            lines.append("\toption type 'electricity'")
        lines += [
            "\tlist port '{}'".format(number),
            "\toption enable '{}'".format(1 if number == 1 else 0),
            "",
        ]
        text += "\n".join(lines)
    return text


def is_generation_1(sections: list) -> bool:
    """Say whether this is the configuration of a generation 1 device: it has a section `flukso
    main`, and no settings.
    """
    kinds = [section.type for section in sections]
    return "settings" not in kinds and ("flukso" in kinds or "input" in kinds)


def convert(sections: list) -> str:
    """Return a generation 1 configuration in today's form. Raises ProvisionError when an input has
    no id.
    """
    port = _option(sections, "flukso", None, "port") or "/dev/ttyS0"
    text = "config settings 'main'\n\nconfig settings 'daemon'\n\toption bus {}\n".format(
        quoted("uart:" + port)
    )
    number = 0
    for section in sections:
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


def main(port, options: dict, write, warn) -> int:
    """Run the command on files; return the exit status. `write` takes what was changed, `warn`
    lines that say first how grave they are.
    """
    job = _Job(port, options, write, warn)
    try:
        job.run()
    except (ProvisionError, config.ConfigErrors) as error:
        return job.fail(str(error).split("\n"), 2)
    except OSError as error:
        return job.fail([trouble(error)], 1)
    except MemoryError:
        return job.fail(["there is not enough memory for it"], 1)
    return 0


class _Job:
    """One run of the command."""

    def __init__(self, port, options, write, warn):
        self._port = port
        self._write = write
        self._warn = warn
        self._path = options.get("config", CONFIG)
        self._system_path = options.get(
            "system", self._path.rpartition("/")[0] + "/system" if "/" in self._path else "system"
        )
        self._runtime, self._user = options.get("runtime"), options.get("user")
        self._bus = options.get("bus")
        folder = options.get("copies", copies.FOLDER if self._path == CONFIG else "")
        self._copies = copies.Copies(port, folder) if folder else None
        self._good = _believed(self._copies.load()) if self._copies else None

    def run(self):
        """Raises ProvisionError, ConfigErrors or OSError; what was mended by then stays so."""
        flukso, system = self._mend(
            _text_of(self._port, self._path), _text_of(self._port, self._system_path)
        )
        for path, text in ((self._path, flukso), (self._system_path, system)):
            if text == damage.UNREAD:
                raise ProvisionError(
                    "{} cannot be read with the memory there is, and there is no copy of it".format(
                        path
                    )
                )
        if flukso is not None and not uci.is_void(flukso):
            # before lines come into it: those of errors are the file's
            config.parse(flukso, system, provisioned=False)
        done = provision(flukso, system, self._port.random_bytes, self._good)
        config.parse(done.runtime)
        if done.old is not None:
            self._put(self._path + ".gen1", done.old)
        # before the identity: it says that this is still to be registered
        if done.flukso != flukso:
            self._put(self._path, done.flukso)
        if done.system is not None and done.system != system:
            self._put(self._system_path, done.system)
        self._render(done.runtime)
        for change in done.changes or ["nothing was missing"]:
            self._write(change + "\n")
        self._keep(copies.Copy(done.flukso, _identity_of(done.flukso, done.system)))

    def fail(self, lines, status):
        """Say why the files are not taken over; the last good configuration serves when nothing
        does so already.
        """
        for line in lines:
            self._say("error: the configuration is not taken over: " + line)
        if self._runtime and self._good and not self._port.file_stamp(self._runtime):
            try:
                text = self._good.flukso
                self._render(
                    text + copies.system_section(self._good.identity)
                    if self._good.identity
                    else text
                )
                self._say("warning: the last good configuration is used")
            except (OSError, MemoryError) as error:
                self._say(
                    "error: {}".format(
                        trouble(error)
                        if isinstance(error, OSError)
                        else "there is not enough memory for that either"
                    )
                )
        return status

    def _say(self, line):
        self._warn(line + "\n")

    def _mend(self, flukso, system):
        """Return both texts, with what the copies have where they were damaged; written back when
        flash can be written.
        """
        if self._good is None:
            return flukso, system
        settled = bool(self._runtime and self._port.file_stamp(self._runtime))
        mended = damage.mend(flukso, system, self._good, settled)
        for name, path, before, now in (
            ("flukso", self._path, flukso, mended.flukso),
            ("system", self._system_path, system, mended.system),
        ):
            if name in mended.damaged:
                self._say("warning: {} {}".format(path, mended.damaged[name]))
                self._put_back(name, path, before, now)
        return mended.flukso, mended.system

    def _put_back(self, name, path, before, now):
        try:
            if before == damage.UNREAD:
                left = self._port.read_file(path, uci.FILE_MAX)
            else:
                left = b"" if before is None or uci.is_void(before) else uci.bytes_of(before)
            self._put(path, now)
            if left and self._copies:
                self._copies.put_aside(name, left)
                self._say(
                    "warning: what was left of it is {}/{}.damaged".format(
                        self._copies.folder, name
                    )
                )
        except OSError as error:
            self._say(
                "flash: {} cannot be written: flash is full or read-only ({})".format(
                    path, trouble(error)
                )
            )

    def _render(self, text):
        """Write the daemon's copy, as libuci would; the bus of this router is in it where the
        configuration names none.
        """
        if not self._runtime:
            return
        parsed = sections(text, "flukso")
        if self._bus and _option(parsed, "settings", "daemon", "bus") is None:
            parsed = sections(set_option(text, "settings", "daemon", "bus", self._bus), "flukso")
        self._put(self._runtime, uci.dump(parsed), self._user)

    def _keep(self, copy):
        """Remember what is good, and say what the copies lose by it."""
        if self._copies is None:
            return
        for name in self._copies.damaged:
            self._say(
                "warning: {}/{} was damaged and is made anew".format(self._copies.folder, name)
            )
        for line in losses.lost(self._good, copy) if self._good not in (None, copy) else []:
            self._say("warning: " + line)
        try:
            self._copies.keep(copy)
        except OSError:
            self._say(
                "flash: {}/{} cannot be written: flash is full or read-only".format(
                    self._copies.folder, copies.NAMES[0]
                )
            )

    def _put(self, path, text, user=None):
        """Write a text that its owner alone may read; its folder is made when missing."""
        self._port.make_folder(path.rpartition("/")[0] or ".")
        self._port.write_durable(path, uci.bytes_of(text), 0o600, user)


def _believed(good):
    """Return a Copy as it serves: no wish to reset the counters comes from it, which a copy of
    release 0.1 may hold.
    """
    try:
        return good and copies.Copy(without_wish(good.flukso), good.identity)
    except ProvisionError:
        return None


def _text_of(port, path):
    """Return the text of a file that memory suffices to look into; None when there is none. Raises
    OSError, with its path.
    """
    try:
        text = uci.text_of(port.read_file(path, uci.FILE_MAX))
        uci.parse(text, "", [])
        return text
    except MemoryError:
        return damage.UNREAD
    except OSError as error:
        if error.args and error.args[0] in (ENOENT, ENOMEM):
            return None if error.args[0] == ENOENT else damage.UNREAD
        raise OSError(trouble(error, path))


ENOENT, ENOMEM = 2, 12  # on every system

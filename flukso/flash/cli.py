# SPDX-License-Identifier: GPL-3.0-or-later
"""flukso-flash: the command line (docs/guide/flashing.md). For both interpreters."""

import asyncio
import sys

from flukso import boards, ports, uci, version
from flukso.arguments import UsageError, asked_for_help, clock_url, parse
from flukso.flash import (
    auto,
    avrdude,
    backup,
    eeprom,
    fitness,
    fuses,
    ihex,
    image,
    routers,
    settings,
    update,
)
from flukso.flash.access import Access
from flukso.flash.custody import LockedError
from flukso.flash.report import Report
from flukso.messages import trouble
from flukso.numerals import whole
from flukso.spiboard import LONG_FORM, SHORT_FORM

COMMON_HELP = """every command but check:
  -c, --programmer NAME      avrdude's; default linuxgpio, the router's pins
  -P, --port PORT            avrdude's
  --pins RESET,SCK,MOSI,MISO GPIO numbers of linuxgpio, ~ before an inverted one
  --bus URL|none             the way to ask the board; default the configuration's, none with
                             another programmer than linuxgpio
  --clock sim:URL            the board is a simulated one
  --config FILE              default /etc/config/flukso
  --json                     an event a line
  --router NAME              as if this router were that one
  --routers FILE             the table of what is known of routers
  --backup FILE  --run FOLDER  --pidfile FILE  --sys FOLDER    other places
"""
COMMON = (
    "programmer",
    "port",
    "pins",
    "bus",
    "clock",
    "config",
    "json",
    "backup",
    "run",
    "pidfile",
    "sys",
    "router",
    "routers",
)
FLAGS = ("json", "force", "old", "old-counters")
SHORT = {"-c": "--programmer", "-P": "--port"}
# name: the words behind it, * when they may be left out; its own options; what it does
COMMANDS = {
    "check": ("FILE.hex", (), "is this an intact firmware of ours, and for which board?"),
    "info": ("", (), "the chip, its fuses in words, firmware, counters"),
    "update": (
        "FILE.hex*",
        ("board", "force", "router-release"),
        "new firmware; counters and settings are kept. Without FILE the packaged one",
    ),
    "recover": (
        "",
        ("old", "router-release"),
        "goes on after an update that was cut off; --old: back to the firmware before it",
    ),
    "backup": ("FILE", (), "the chip's memories into a file"),
    "restore": (
        "FILE",
        ("old-counters",),
        "brings them back; the counters go on, or are the file's",
    ),
    "verify": ("FILE", (), "compares the chip's program with FILE.hex or a backup"),
    "auto": ("", (), "what the router's service asks at its start"),
    "version": ("", (), "the release"),
    "help": ("COMMAND*", (), "this text, or a command's"),
}
OWN_OPTIONS = {
    "board": "--board auto|spi|uart",
    "force": "--force",
    "old": "--old",
    "old-counters": "--old-counters",
    "router-release": "--router-release X.Y.Z",
}
ALONE = ("check", "version", "help")  # commands that touch no board
BOARDS = ("auto", "spi", "uart")
LAST_SHORT = (2, 4, 1)  # the last release whose daemon expects the short form
DONE, USAGE_WRONG = 0, 2
# AvrdudeError's reasons
EXITS = {"missing": 3, "device": 4, "silent": 5, "signature": 6, "verify": 7, "failed": 8}
BAD_IMAGE, LOCKED, REFUSED, CUT_OFF, BAD_BACKUP, INTERRUPTED = 9, 10, 11, 12, 13, 14


def usage(command: str = "", more: str = "") -> str:
    """Return the help of a command, of all of them for ""; `more`: lines on commands that somebody
    adds.
    """
    if command in COMMANDS:
        text = "usage: flukso-flash {}\n{}\n".format(_line(command), COMMANDS[command][2])
        return (
            text
            if command in ALONE
            else text + COMMON_HELP.replace("every command but check", "options")
        )
    text = "usage: flukso-flash COMMAND\n"
    for name in (
        "check",
        "info",
        "update",
        "recover",
        "backup",
        "restore",
        "verify",
        "auto",
        "version",
        "help",
    ):
        line = _line(name)
        text += (
            "  {:26} {}\n".format(line, COMMANDS[name][2])
            if len(line) <= 26
            else "  {}\n{:29}{}\n".format(line, "", COMMANDS[name][2])
        )
    return text + more + COMMON_HELP


def _line(command):
    words, own, _ = COMMANDS[command]
    shown = ["[{}]".format(words[:-1]) if words[-1:] == "*" else words] if words else []
    return " ".join([command] + shown + ["[{}]".format(OWN_OPTIONS[name]) for name in own])


def read(words: list) -> tuple:
    """Return command, its words and its options (a dict) of a command line without the program's
    name. Raises UsageError.
    """
    known = {
        name: (() if name in ALONE else COMMON) + own for name, (_, own, _) in COMMANDS.items()
    }
    known["check"] = ("json",)
    command, rest, options = parse(words, known, FLAGS, SHORT)
    wanted = COMMANDS[command][0]
    if len(rest) > (1 if wanted else 0):
        raise UsageError(
            "{} takes {}, not {}".format(
                command, "one file alone" if wanted else "options alone", " ".join(rest)
            )
        )
    if wanted and wanted[-1] != "*" and not rest:
        raise UsageError("{} needs a file: flukso-flash {}".format(command, _line(command)))
    board = options.get("board", "auto")
    if board not in BOARDS:
        raise UsageError("--board {}: a board is one of {}".format(board, ", ".join(BOARDS)))
    clock_url(options)
    if "router-release" in options and form_of(options["router-release"]) is None:
        raise UsageError(
            "--router-release {}: a release is like 2.4.1".format(options["router-release"])
        )
    return command, rest, options


def form_of(release: str) -> "int | None":
    """Return the digits of a delta that a historic router's release expects
    (docs/design/protocols.md §1); None for what is no release.
    """
    parts = [whole(part) for part in release.split(".")]
    if len(parts) not in (2, 3) or None in parts:
        return None
    return SHORT_FORM if tuple(parts) <= LAST_SHORT else LONG_FORM


QUESTION = (
    "Which release has the router, 2.4.1 for example? An empty answer leaves the form of "
    "the deltas as it is: "
)
QUESTIONS_MAX = 3  # then nothing is done: whoever answers so is not reading


def wanted_form(options, site, process, report, asks: bool) -> int:
    """Return the form that an update gives the board: by the release that was told, ours on a
    router with our service, else by the release that somebody at the terminal answers; 0: as it is.
    Raises UsageError for answers that are no release.

    asks: whether the board can be given a form at all.
    """
    if "router-release" in options:
        return form_of(options["router-release"]) or 0
    if process.exists(site.init):
        return LONG_FORM
    if not asks or "json" in options:
        return 0
    for _ in range(QUESTIONS_MAX):
        answer = process.ask(QUESTION)
        if not answer:
            report.say("the board keeps the form of its deltas; --router-release sets it")
            return 0
        form = form_of(answer)
        if form:
            return form
        report.say("a release is like 2.4.1")
    raise UsageError("a release is like 2.4.1; nothing was done")


def check_form(packaged, form: int, asks: bool):
    """Raise Refused when a board that cannot be asked would get an image of another form than the
    router's.
    """
    if form and not asks and packaged.board == "spi" and packaged.form != form:
        text = (
            "the image begins with {} digits a delta and this router expects {}; without a bus "
            "it cannot be set: take flukso-spi-{}.hex"
        )
        raise fitness.Refused(text.format(packaged.form, form, form))


def site_of(options: dict, port, process) -> settings.Site:
    """Return where the board hangs, by configuration file and options."""
    path = options.get("config", settings.CONFIG)
    text = ""
    if "config" in options or process.exists(path):
        try:
            text = uci.text_of(port.read_file(path, uci.FILE_MAX))
        except OSError as error:
            raise settings.SettingsError(trouble(error, path))
    name = options.get("router", "")
    if not name:
        name = routers.name_of(
            _head(port, routers.NAME_PATH, routers.NAME_MAX),
            _head(port, routers.CPU_PATH, routers.CPU_MAX),
        )
    router = routers.find(
        _head(port, options.get("routers", routers.PATH), routers.TABLE_MAX), name
    )
    return settings.site(
        text, options, None if process.privileged() else process.home(), router, name
    )


def _head(port, path, limit):
    """Return the text of a file that there may be; "" when it cannot be read."""
    try:
        return uci.text_of(port.read_file(path, limit))
    except OSError:
        return ""


class _LogReport(Report):
    """What `auto` says goes to the log."""

    def __init__(self, port):
        super().__init__("log", None, None)
        self._port = port

    def say(self, text):
        self._port.log("notice", text)

    def warning(self, text):
        self._port.log("warning", text)

    def progress(self, what, percent):
        pass

    def result(self, lines, values):
        for line in lines:
            self.say(line)

    def error(self, text, status):
        self.warning(text)


def report_of(command, options, port, process):
    if command == "auto" and "json" not in options:
        return _LogReport(port)
    form = "json" if "json" in options else "bar" if process.terminal() else "plain"
    return Report(form, _write, sys.stderr.write)


def _write(text):
    sys.stdout.write(text)
    if hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


async def run(command, rest, options, port, process, report):
    """Do one command. Raises what main() turns into exit statuses."""
    if command == "check":
        packaged = load_image(port, rest[0])
        text = "{}: firmware {}.{} for the {} board, {} bytes, intact"
        lines = [text.format(rest[0], *(packaged.version + (packaged.board, len(packaged.memory))))]
        report.result(
            lines,
            {
                "board": packaged.board,
                "version": list(packaged.version),
                "bytes": len(packaged.memory),
            },
        )
        return
    site = site_of(options, port, process)
    if command == "auto" and process.exists(site.init):
        port.log_to_syslog()
    access = Access(site, port, process, report, service=command != "auto")
    if command == "update":
        packaged = load_image(port, rest[0] if rest else site.image)
        form = wanted_form(options, site, process, report, access.asks)
        check_form(packaged, form, access.asks)
        tell(
            report,
            await update.update(
                access, packaged, options.get("board", "auto"), "force" in options, form
            ),
        )
    elif command == "recover":
        form = 0 if "old" in options else wanted_form(options, site, process, report, access.asks)
        tell(report, await update.recover(access, "old" in options, form))
    elif command == "restore":
        wanted = backup.load(_bytes_of(port, rest[0], backup.FILE_MAX))
        tell(report, await update.restore(access, wanted, "old-counters" in options))
    elif command == "backup":
        await save(access, rest[0], report)
    elif command == "verify":
        await verify(access, port, rest[0], report)
    elif command == "info":
        await info(access, report)
    else:
        result = await auto.run(access, port, process)
        if result is not None:
            tell(report, result)


def _bytes_of(port, path, limit):
    """Return a file's bytes; OSError in words, with its path."""
    try:
        return port.read_file(path, limit)
    except OSError as error:
        raise OSError(trouble(error, path))


def load_image(port, path) -> image.Image:
    """Return the Image in a file; ImageError names the file."""
    try:
        return image.load(port.read_file(path, ihex.FILE_MAX))
    except image.ImageError as error:
        raise image.ImageError("{}: {}".format(path, error))
    except OSError as error:
        raise image.ImageError(trouble(error, path))


def tell(report, result):
    lines = ["firmware {} runs".format(_dotted(result.version))]
    if result.after:
        lines.append(
            "counters {}: kept".format(" ".join([str(counter) for counter in result.after]))
        )
    else:
        lines.append(
            "EEPROM verified after the erase: counters {}".format(
                " ".join([str(n) for n in result.before]) or "unknown"
            )
        )
    if result.settings_kept is False:
        lines.append("settings differ from before: the daemon brings them in line")
    lines.append(
        "nothing was counted for {:.1f} s; avrdude took {:.1f} s of all".format(
            result.blind_s, result.avrdude_s
        )
    )
    values = {name: getattr(result, name) for name in ("counters_kept", "settings_kept")}
    values.update(
        {
            "version": list(result.version),
            "before": list(result.before),
            "after": list(result.after),
        }
    )
    values.update({"blind_s": round(result.blind_s, 1), "avrdude_s": round(result.avrdude_s, 1)})
    report.result(lines, values)


async def save(access, path, report):
    saved = await update.save(access)
    access.write_backup(path, saved)
    lines = [
        "{}: firmware {}, counters {}".format(
            path, _dotted(saved.firmware), " ".join([str(n) for n in saved.counters]) or "unknown"
        )
    ]
    report.result(
        lines, {"file": path, "firmware": list(saved.firmware), "counters": list(saved.counters)}
    )


async def verify(access, port, path, report):
    """Raises AvrdudeError("verify") that names the first difference."""
    data = _bytes_of(port, path, max(ihex.FILE_MAX, backup.FILE_MAX))
    wanted = backup.load(data).flash if data[:1] == b"{" else bytes(load_image(port, path).memory)
    await access.begin()
    try:
        _, chip = await update.look(access)
    finally:
        await access.end()
    wanted = wanted + b"\xff" * (avrdude.FLASH_SIZE - len(wanted))
    differing = [at for at in range(avrdude.FLASH_SIZE) if wanted[at] != chip.flash[at]]
    if differing:
        raise avrdude.AvrdudeError(
            "verify", "{} bytes differ, the first at 0x{:04x}".format(len(differing), differing[0])
        )
    report.result(["{}: that is what is on the chip".format(path)], {"file": path, "same": True})


async def info(access, report):
    await access.begin()
    try:
        state, chip = await update.look(access)
    finally:
        await access.end()
    part, words = avrdude.part_of(chip.signature)
    low, high, extended = chip.fuses
    stored = eeprom.read(chip.eeprom)
    running = fitness.ours(chip.flash)
    version = state.version if state else (running.version if running else ())
    counters = state.counters if state else stored.counters
    lines = ["chip: {} ({})".format(words, part)]
    lines.append(
        "fuses: low 0x{:02x}, high 0x{:02x}, extended 0x{:02x}".format(
            low, high, extended & fuses.EXTENDED_BITS
        )
    )
    lines += ["  " + line for line in fuses.describe(low, high, extended)]
    lines.append(
        "firmware: {}".format(_dotted(version))
        + (", board {}".format(running.board) if running else "")
    )
    lines.append("hardware: {}".format(_dotted(state.hardware if state else ())))
    lines.append(
        "counters: {}".format(" ".join([str(counter) for counter in counters]) or "unknown")
    )
    lines.append("EEPROM: " + stored.layout)
    if stored.records:
        lines[-1] += ", {} of {} full records and {} short ones on number {}".format(
            *stored.records
        )
    lines += ["sensor {}: {}".format(n + 1, stored.ids[n]) for n in range(len(stored.ids))]
    values = {
        "part": part,
        "signature": " ".join(["{:02x}".format(byte) for byte in chip.signature]),
        "fuses": list(chip.fuses),
    }
    values.update(
        {
            "firmware": list(version),
            "hardware": list(state.hardware) if state else [],
            "counters": list(counters),
        }
    )
    values.update(
        {
            "eeprom": stored.layout,
            "records": list(stored.records),
            "ids": list(stored.ids),
            "answers": state is not None,
        }
    )
    report.result(lines, values)


def _dotted(version):
    return ".".join([str(part) for part in version]) or "unknown"


def status_of(error) -> int:
    """Return the exit status that an exception stands for (docs/guide/flashing.md)."""
    if isinstance(error, avrdude.AvrdudeError):
        return EXITS[error.reason]
    if isinstance(error, update.Failed):
        return EXITS["verify"] if error.reason == "verify" else CUT_OFF
    if isinstance(error, boards.BoardError):
        return EXITS["device"]
    table = (
        (image.ImageError, BAD_IMAGE),
        (LockedError, LOCKED),
        (fitness.Refused, REFUSED),
        (backup.BackupError, BAD_BACKUP),
        (ValueError, USAGE_WRONG),
    )
    for kind, status in table:
        if isinstance(error, kind):
            return status
    return EXITS["failed"]


def main(words: "list | None" = None, more: str = "") -> int:
    """The entry point; the exit status says what became of it (docs/guide/flashing.md). more: lines
    of the help on what a caller adds.
    """
    words = sys.argv[1:] if words is None else words
    port, process = ports.load(), ports.load_process()
    try:
        topic = asked_for_help(words, COMMANDS)
        if topic is None:
            command, rest, options = read(words)
    except UsageError as error:
        command = words[0] if words and words[0] in COMMANDS else ""
        sys.stderr.write("flukso-flash: {}\n{}".format(error, usage(command, more)))
        return USAGE_WRONG
    if topic is not None or command == "version":
        return _tell_plain(port, version.VERSION + "\n" if topic is None else usage(topic, more))
    report = report_of(command, options, port, process)
    process.hear_interrupts()
    try:
        asyncio.run(run(command, rest, options, port, process, report))
    except (ValueError, OSError, MemoryError) as error:
        status = status_of(error)
        hint = " (--force does it all the same)" if getattr(error, "forcible", False) else ""
        report.error(
            "{}{}".format(trouble(error) if isinstance(error, OSError) else str(error), hint),
            status,
        )
        return status
    except KeyboardInterrupt:
        report.error(
            "interrupted; if anything was begun, `flukso-flash recover` goes on from the backup",
            INTERRUPTED,
        )
        return INTERRUPTED
    return DONE


def _tell_plain(port, text):
    """Write a text to the standard output; a reader that goes before its end means no harm."""
    try:
        _write(text)
    except OSError:
        port.drop_output()
    return DONE

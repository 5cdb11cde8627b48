# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: flukso daemon, board, provision, config, version."""

import sys

from flukso import ports, version
from flukso.arguments import UsageError, asked_for_help, clock_url, parse
from flukso.messages import meant, trouble

BUSES = "bus URLs: spidev:/dev/spidev0.0  uart:PATH  unix:PATH  tcp:HOST:PORT  tty:PATH\n"
HELP = {  # command: its usage, one line that says what it does, and the rest
    "daemon": (
        "daemon --config FILE [--bus URL] [--clock system|sim:URL] [--syslog] [--detach [--pidfile "
        "FILE]]",
        "reads the board, uploads, and serves the LAN until SIGTERM or SIGINT",
        "--syslog sends the log to the system log, each line with its level; to stderr where there "
        "is none.\n"
        "--detach goes into the background (CPython); the pid file is {} unless it is named.\n"
        + BUSES,
    ),
    "board": (
        "board COMMAND [--bus URL | --config FILE] [--clock system|sim:URL]",
        "asks the sensor board alone; `board calibrate` finds a clamp's true constant by the "
        "utility meter",
        """commands: version | counters | delta | sync (needs --config)
          get NAME [SENSOR]
          set NAME [SENSOR] VALUE...   kept for good
          calibrate SENSOR... --reading KWH [--resolution KWH] [--within S] [--yes]
                    the utility meter's reading, twice and days apart; sensors by number or
                    function, all clamps of one meter together. --resolution: what the last digit
                    stands for, else as typed; --within: since the look at the meter, else 60 s;
                    --config is /etc/config/flukso unless it is named
          calibrate                    what is kept
          calibrate [SENSOR...] --forget   drops a first reading
names:    hardware, map, watchdog, brownouts,
          form (18 or 22 digits a delta, by the router's release);
          of a sensor, which count from 1: enabled, counter, constant
"""
        + BUSES,
    ),
    "provision": (
        "provision [--config FILE] [--system FILE] [--copies FOLDER] [--runtime FILE [--user NAME] "
        "[--bus URL]]",
        "makes what is missing: device, key, sensor ids; writes the daemon's copy",
        """defaults: --config /etc/config/flukso, --system the file `system` beside it; --copies
/etc/flukso with that configuration. A damaged file is mended from the copies of the last good one.
--runtime FILE: what the daemon is to read, for --user alone, with --bus in it where the
configuration names none.
""",
    ),
    "config": (
        "config check FILE",
        "lists every error of a configuration with its line, and what was probably not meant",
        "Exit status 0: the file is good, whatever it warns of; 2: it has errors, or cannot be "
        "read.\n",
    ),
    "version": ("version", "the release", ""),
    "help": ("help [COMMAND]", "this text, or a command's", ""),
}
PIDFILE = "/var/run/flukso/flukso.pid"
FLAGS = ("detach", "syslog", "yes", "forget")  # options without a value
OPTIONS = {
    "daemon": ("config", "bus", "clock", "syslog", "detach", "pidfile"),
    "board": ("config", "bus", "clock", "reading", "resolution", "within", "yes", "forget"),
    "provision": ("config", "system", "runtime", "user", "copies", "bus"),
    "config": (),
    "version": (),
    "help": (),
}
# errno of a reader that has gone; exit status after Ctrl-C, as a shell has it
BROKEN_PIPE, INTERRUPTED = (32, 130)


def usage(command: str = "") -> str:
    """Return the help of a command; of all of them for "" and for one that there is not."""
    if command in HELP:
        words, what, more = HELP[command]
        return "usage: flukso {}\n{}\n{}".format(
            words, what, more.format(PIDFILE) if command == "daemon" else more
        )
    lines = ["usage: flukso COMMAND"]
    for name in ("daemon", "board", "provision", "config", "version", "help"):
        lines += ["  " + HELP[name][0], "      " + HELP[name][1]]
    return (
        "\n".join(lines)
        + "\n`flukso help COMMAND` says more. docs/guide/daemon.md has all options.\n"
    )


def run(words: list, port) -> int:
    """Run one command line; return the exit status."""
    topic = asked_for_help(words, HELP)
    if topic is not None:
        sys.stdout.write(usage(topic))
        return 0
    import asyncio

    from flukso import boards

    command, rest, options = parse(words, OPTIONS, FLAGS)
    if command == "version":
        if rest:
            raise UsageError("version takes nothing more, not {}".format(rest[0]))
        sys.stdout.write(version.VERSION + "\n")
        return 0
    if command == "config":
        return check(rest, port)
    if not boards.known(options.get("bus", "unix:any")):
        raise UsageError("--bus {}: a bus is one of these URLs".format(options["bus"]))
    if command == "provision":
        return provision(rest, options, port)
    clock = clock_url(options)
    if command == "board":
        from flukso import board_command

        return asyncio.run(board_command.main(port, rest, options, clock, sys.stdout.write))
    if rest or "config" not in options:
        raise UsageError(
            "daemon takes options alone, not {}".format(rest[0])
            if rest
            else "daemon needs --config FILE"
        )
    if "detach" in options:
        status = detach(options, port)
        if status:
            return status
    elif "syslog" in options:
        port.log_to_syslog()
    from flukso import daemon

    return asyncio.run(daemon.main(port, options["config"], options.get("bus"), clock))


def detach(options, port):
    """Go into the background, once the configuration is seen to be good; return 0, or the exit
    status when that cannot be.
    """
    from flukso import config

    try:
        config.load(port, options["config"])
        port.detach(options.get("pidfile", PIDFILE))
    except config.ConfigErrors as error:
        port.log("err", str(error))
        return 2
    except OSError as error:
        port.log("err", trouble(error))
        return 1
    return 0


def provision(rest, options, port):
    from flukso import provision as provisioning

    if rest:
        raise UsageError(
            "provision takes options alone, not {}; is --config {} meant?".format(rest[0], rest[0])
        )
    return provisioning.main(port, options, sys.stdout.write, sys.stderr.write)


def check(rest, port):
    from flukso import advice, boards, config, pulses, uci

    if not rest:
        raise UsageError("config needs what to do: config check FILE")
    if rest[0] != "check":
        near = (
            "is check meant?"
            if meant(rest[0], ("check",))
            else "it can check a FILE: config check {}".format(rest[0])
        )
        raise UsageError("config cannot {}; {}".format(rest[0], near))
    if len(rest) != 2:
        raise UsageError("config check takes one file: config check FILE")
    text = ""
    try:
        text = config.read(port, rest[1])
        settings = config.parse(text, config.system_beside(port, rest[1]))
    except config.ConfigErrors as error:
        sys.stdout.write(str(error) + "\n")
        if len(error.problems) <= uci.PROBLEMS_MAX:  # it is somebody's configuration
            warn(advice.names(text))
        return 2
    warn(advice.advice(port, text, settings))
    for sensor in settings.sensors:
        if (sensor.exact or sensor.hold) and not boards.kind_of(settings.bus).listens:
            sys.stdout.write(pulses.describe(sensor) + "\n")
    sys.stdout.write("good: {} sensors enabled\n".format(len(settings.sensors)))
    return 0


def warn(problems):
    from flukso import uci

    for problem in problems[: uci.PROBLEMS_MAX]:
        sys.stdout.write("warning: {}\n".format(uci.shown(problem)))


def main(words: "list | None" = None) -> int:
    """The entry point: exit status 0 done, 1 failed, 2 wrong command line or configuration."""
    words = sys.argv[1:] if words is None else words
    port = ports.load()
    try:
        status = run(words, port)
        port.end_output()
    except UsageError as error:
        command = words[0] if words and words[0] in HELP else ""
        sys.stderr.write("flukso: {}\n{}".format(error, usage(command)))
        return 2
    except ValueError as error:
        sys.stderr.write("flukso: {}\n".format(error))
        return 2
    except OSError as error:
        port.drop_output()
        if error.args[:1] != (BROKEN_PIPE,):
            sys.stderr.write("flukso: {}\n".format(trouble(error)))
        return 1
    except MemoryError:
        port.drop_output()
        sys.stderr.write("flukso: there is not enough memory for this\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main())

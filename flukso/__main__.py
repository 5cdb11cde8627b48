# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: flukso daemon, board, provision, config, version."""

import sys

from flukso import ports, version
from flukso.words import UsageError, clock_url, parse

USAGE = """usage: flukso COMMAND
  daemon --config FILE [--bus URL] [--clock system|sim:URL] [--detach [--pidfile FILE]]
  board COMMAND [--bus URL | --config FILE] [--clock system|sim:URL]
      version | counters | delta | sync (needs --config)
      get NAME [SENSOR]          set NAME [SENSOR] VALUE…       (kept for good)
          hardware, map, enabled, counter, constant, watchdog, brownouts; sensors count from 1
  provision [--config FILE] [--system FILE] [--runtime FILE [--user NAME]]
      makes what is missing: device, key, sensor ids; writes the copy that the daemon reads
  config check FILE              lists every error with its line
  version
bus URLs: spidev:/dev/spidev0.0  uart:PATH  unix:PATH  tcp:HOST:PORT  tty:PATH
"""
PIDFILE = "/var/run/flukso/flukso.pid"
FLAGS = ("detach",)  # options without a value
OPTIONS = {
    "daemon": ("config", "bus", "clock", "detach", "pidfile"),
    "board": ("config", "bus", "clock"),
    "provision": ("config", "system", "runtime", "user"),
    "config": (),
    "version": (),
}


def run(words: list, port) -> int:
    """Run one command line; return the exit status."""
    import asyncio

    command, rest, options = parse(words, OPTIONS, FLAGS)
    if command == "version":
        sys.stdout.write(version.VERSION + "\n")
        return 0
    if command == "config":
        return check(rest, port)
    if command == "provision":
        return provision(rest, options, port)
    clock = clock_url(options)
    if command == "board":
        from flukso import boardline

        return asyncio.run(boardline.main(port, rest, options, clock, sys.stdout.write))
    if rest or "config" not in options:
        raise UsageError("daemon needs --config FILE and nothing more")
    if "detach" in options:
        status = detach(options, port)
        if status:
            return status
    from flukso import daemon

    return asyncio.run(daemon.main(port, options["config"], options.get("bus"), clock))


def detach(options, port):
    """Go into the background, once the configuration is seen to be good; return 0, or the exit status when that cannot be."""
    from flukso import config

    try:
        config.load(port, options["config"])
        port.detach(options.get("pidfile", PIDFILE))
    except config.ConfigErrors as error:
        port.log("err", str(error))
        return 2
    except OSError as error:
        port.log("err", str(error))
        return 1
    return 0


def provision(rest, options, port):
    from flukso import provision as provisioning

    if rest:
        raise UsageError("provision takes options only")
    try:
        return provisioning.main(port, options, sys.stdout.write)
    except OSError as error:
        port.log("err", str(error))
        return 1


def check(rest, port):
    from flukso import config

    if len(rest) != 2 or rest[0] != "check":
        raise UsageError("config check FILE")
    try:
        settings = config.load(port, rest[1])
    except (config.ConfigErrors, OSError) as error:
        sys.stdout.write(str(error) + "\n")
        return 2
    sys.stdout.write("good: {} sensors enabled\n".format(len(settings.sensors)))
    return 0


def main(words: "list | None" = None) -> int:
    """The entry point: exit status 0 done, 1 failed, 2 wrong command line or configuration."""
    try:
        return run(sys.argv[1:] if words is None else words, ports.load())
    except ValueError as error:
        sys.stderr.write("flukso: {}\n{}".format(error, USAGE if isinstance(error, UsageError) else ""))
        return 2


if __name__ == "__main__":
    sys.exit(main())

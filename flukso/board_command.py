# SPDX-License-Identifier: GPL-3.0-or-later
"""`flukso board …`: one command to the board alone."""

from flukso import boards, config, ports, pulses, spi
from flukso.arguments import UsageError
from flukso.boards import BoardError
from flukso.config_reader import thousandths
from flukso.config_sensors import CONSTANT_MAX
from flukso.messages import meant, trouble
from flukso.numerals import digits, whole

NAMES = {  # name: the command's second letter, whether it is of a sensor
    "hardware": ("h", False),
    "map": ("p", False),
    "watchdog": ("w", False),
    "brownouts": ("b", False),
    "enabled": ("e", True),
    "counter": ("c", True),
    "constant": ("m", True),
    "form": ("a", False),
}


CALIBRATE = ("reading", "resolution", "within", "yes", "forget")  # options of `calibrate` alone


class CommandError(UsageError):
    """Words that are no command for the board."""


async def main(port, words, options, clock_url, write) -> int:
    """Run one command and return the exit status; `write` takes what it answers. Raises ValueError
    for words that mean nothing.
    """
    if words[:1] == ["calibrate"]:
        from flukso import calibrate_command

        return await calibrate_command.main(
            port, ports.load_process(), words[1:], options, clock_url, write
        )
    for name in CALIBRATE:
        if name in options:
            raise CommandError("--{} goes with board calibrate".format(name))
    settings = _settings(port, options)
    url = options.get("bus") or (settings.bus if settings else "")
    if not boards.known(url):
        raise CommandError("which board? --bus URL says it, or --config FILE")
    if boards.kind_of(url).listens:
        raise CommandError("the board at {} only talks: it cannot be asked or set".format(url))
    steps = _command(words, settings)
    clock = port.sim_clock(clock_url) if clock_url else port.system_clock()
    board = None
    try:
        await clock.start()
        board = boards.open_board(boards.Opening(url, {}), port, clock)
        await board.identify()
        for line in await steps(board):
            write(line + "\n")
    except OSError as error:
        port.log("err", trouble(error))
        return 1
    finally:
        if board is not None:
            board.close()
        clock.close()
    return 0


def _settings(port, options):
    return config.load(port, options["config"]) if "config" in options else None


def _command(words, settings):
    """Return the coroutine function (board) -> lines that the words ask for."""
    plain = {"version": _version, "counters": _counters, "delta": _delta}
    if len(words) == 1 and words[0] in plain:
        return plain[words[0]]
    if words == ["sync"]:
        if settings is None:
            raise CommandError(
                "board sync needs --config FILE: what the board is to be brought in line with"
            )
        return lambda board: _sync(board, settings)
    if words[:1] == ["get"]:
        return _get(words[1:])
    if words[:1] == ["set"]:
        return _set(words[1:])
    known = ("version", "counters", "delta", "get", "set", "sync", "calibrate")
    if not words:
        raise CommandError("board needs a command: {}".format(", ".join(known)))
    if words[0] in known:
        raise CommandError(
            "board {} takes nothing more, not {}".format(words[0], " ".join(words[1:]))
        )
    near = meant(words[0], known)
    raise CommandError(
        "board has no command {}; {}".format(
            words[0], "is {} meant?".format(near) if near else "known are " + ", ".join(known)
        )
    )


async def _version(board):
    known = board.identity
    watchdog, brownouts = (await board.ask("gw"))[0], (await board.ask("gb"))[0]
    return [
        "hardware {}.{}".format(known.hw_major, known.hw_minor),
        "firmware {}.{}{}".format(
            known.sw_major, known.sw_minor, " (historic)" if known.historic else ""
        ),
        "watchdog resets {}".format(watchdog),
        "brown-outs {}".format(brownouts),
    ] + await _damage_lines(board)


async def _damage_lines(board):
    """What firmware of ours tells of its pulse inputs and its EEPROM."""
    await board.look()
    if board.damage is None:
        return []
    lines = [
        "input {}: hold {} ms, {} pulses, {} too short, {} with a hold of 1 ms".format(
            seen.port + 1, pulses.milliseconds(seen.hold), seen.count, seen.short, seen.former
        )
        for seen in board.inputs
    ]
    lines.append("damaged records {}, worn slots {}".format(board.damage.falls, board.damage.worn))
    return lines


async def _counters(board):
    return [
        "{} {}".format(index + 1, counter)
        for index, counter in await board.counters(range(spi.SENSORS))
    ]


async def _delta(board):
    poll = await board.poll(range(spi.SENSORS))
    if not poll.whole:
        return ["# the reply was damaged; counters"] + [
            "{} {}".format(index + 1, counter) for index, counter in poll.counters
        ]
    return [
        "{} {} {} {}".format(
            d.sensor + 1,
            d.counter,
            "-" if d.milli is None else d.milli,
            "{} {}".format(d.extra, "W" if d.sensor < 3 else "ms"),
        )
        for d in poll.deltas
    ]


async def _sync(board, settings):
    changes = await board.sync(settings)
    return changes or ["in line already"]


def _get(words):
    letter, sensor = _target(words)
    rest = words[1 + (sensor is not None) :]
    if rest:
        raise CommandError(
            "board get {} takes nothing more, not {}".format(words[0], " ".join(rest))
        )

    async def steps(board):
        return [await _shown(board, words[0], letter, sensor)]

    return steps


async def _shown(board, name, letter, sensor):
    if name == "form" and not board.exact:
        raise BoardError("this board has no form that can be set: its firmware is older than 2.1")
    if sensor is None:
        values = await board.ask("g" + letter)
        if name == "map":
            return " ".join(["-" if value == spi.UNUSED else str(value + 1) for value in values])
        return ".".join([str(value) for value in values])
    value = (await board.ask("g" + letter, sensor))[1]
    if name != "constant":
        return str(value)
    fraction = (await board.ask("gf", sensor))[1] if board.fractions else 0
    return "{}.{:03d}".format(value, fraction)


def _set(words):
    letter, sensor = _target(words)
    values = _values(words[0], words[1 + (sensor is not None) :])
    first = () if sensor is None else (sensor,)

    async def steps(board):
        fraction = values.pop() if words[0] == "constant" else 0
        if words[0] == "constant" and board.fractions:
            await board.ask("sf", sensor, fraction)
        elif fraction:
            raise BoardError("this board has no fractions")
        if words[0] == "form" and not board.exact:
            raise BoardError(
                "this board has no form that can be set: its firmware is older than 2.1"
            )
        await board.ask("s" + letter, *(first + tuple(values)))
        await board.ask("ct")
        return [await _shown(board, words[0], letter, sensor)]

    return steps


def _target(words):
    """Return the command's letter and the sensor's index (None where there is none)."""
    if not words or words[0] not in NAMES:
        near = meant(words[0], sorted(NAMES)) if words else ""
        known = (
            "is {} meant?".format(near)
            if near
            else "known names are {}".format(", ".join(sorted(NAMES)))
        )
        raise CommandError(
            "there is nothing named {}; {}".format(words[0], known)
            if words
            else "a name is needed; " + known
        )
    letter, of_sensor = NAMES[words[0]]
    if not of_sensor:
        return letter, None
    number = whole(words[1]) if len(words) > 1 else None
    if number is None or not 1 <= number <= spi.SENSORS:
        raise CommandError(
            "{} is of a sensor, from 1 to {}: {} 1, for instance".format(
                words[0], spi.SENSORS, words[0]
            )
        )
    return letter, number - 1


def _values(name, words):
    """Return the numbers to set, checked for range; of a constant the whole part and 1/1000."""
    if name == "map":
        known = {str(index + 1): index for index in range(spi.SENSORS)}
        known["-"] = spi.UNUSED
        if len(words) != spi.SENSORS or [word for word in words if word not in known]:
            raise CommandError(
                "map takes the sensors of the six ports, 1 to {}, or - for none: map 1 2 3 4 5 "
                "-".format(spi.SENSORS)
            )
        return [known[word] for word in words]
    if name == "constant":
        constant = thousandths(words[0]) if len(words) == 1 else None
        if constant is None or constant >= (CONSTANT_MAX + 1) * 1000:
            raise CommandError("constant takes a number up to {}.999".format(CONSTANT_MAX))
        return [constant // 1000, constant % 1000]
    if name == "form":
        if words not in (["18"], ["22"]):
            raise CommandError("form takes 18 or 22")
        return [int(words[0])]
    wanted = {"hardware": (65535, 255), "enabled": (1,), "counter": (0xFFFFFFFF,)}.get(
        name, (65535,)
    )
    numbers = [number for number in [digits(word, 10) for word in words] if number is not None]
    if not len(words) == len(numbers) == len(wanted) or [
        1 for at in range(len(wanted)) if numbers[at] > wanted[at]
    ]:
        raise CommandError(
            "{} takes {}".format(
                name, " and ".join(["a number up to {}".format(most) for most in wanted])
            )
        )
    return numbers

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads command lines, for all programs and both interpreters."""

from flukso.messages import meant


class UsageError(ValueError):
    """A command line that cannot be understood."""


def asked_for_help(words: list, known) -> "str | None":
    """Return the command whose help a command line asks for, "" for that of all, None when it asks
    for none. Raises UsageError.
    """
    if words[:1] == ["help"]:
        topic = [word for word in words[1:] if word not in HELP_WORDS]
        if len(topic) > 1:
            raise UsageError("help takes one command, not {}".format(" ".join(topic)))
        if topic and topic[0] not in known:
            raise UsageError(_unknown(topic[0], known))
        return topic[0] if topic else ""
    for word in words:
        if word == "--":
            break
        if word in HELP_WORDS:
            return words[0] if words[0] in known else ""
    return None


HELP_WORDS = ("--help", "-h", "-?")
VERSION_WORDS = ("--version", "-V")


def parse(words: list, known: dict, flags: tuple, short: "dict | None" = None) -> tuple:
    """Return command, its words and its options (a dict) of a command line without the program's
    name. Raises UsageError.

    known: the options of each command; flags: options without a value ("1" when given); short: the
    long form of short options.
    """
    if not words:
        raise UsageError("a command is needed: {}".format(", ".join(sorted(known))))
    command = "version" if words[0] in VERSION_WORDS else words[0]
    if command not in known:
        raise UsageError(_unknown(command, known))
    rest: list = []
    options: dict = {}
    index = 1
    while index < len(words):
        word = (short or {}).get(words[index], words[index])
        index += 1
        if word == "--":
            return command, rest + words[index:], options
        if word[:1] != "-" or word == "-":
            rest.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        if word[:2] != "--" or name not in known[command]:
            raise UsageError(_unknown_option(command, word, known[command], flags, short or {}))
        if name in options:
            raise UsageError("--{} is given twice".format(name))
        if name in flags:
            if equals:
                raise UsageError("--{} takes no value".format(name))
            value = "1"
        elif not equals:
            if index == len(words):
                raise UsageError("--{} needs a value".format(name))
            value = words[index]
            index += 1
        if not value:
            raise UsageError("--{} needs a value that is not empty".format(name))
        options[name] = value
    return command, rest, options


def _unknown(command, known):
    near = meant(command, sorted(known))
    return "there is no command {}; {}".format(
        command, "is {} meant?".format(near) if near else "known are " + ", ".join(sorted(known))
    )


def _unknown_option(command, word, known, flags, short):
    name = word.strip("-").partition("=")[0]
    near = meant(name, sorted(known))
    if near:
        return "{} has no option {}; is --{} meant?".format(command, word, near)
    names = ["--" + other + ("" if other in flags else " VALUE") for other in sorted(known)]
    names += sorted([letter for letter in short if short[letter][2:] in known])
    return "{} has no option {}; {}".format(
        command, word, "known are " + ", ".join(names) if known else "it takes none"
    )


def clock_url(options: dict) -> "str | None":
    """Return the simulator's URL behind --clock sim:URL, None for the system's clock. Raises
    UsageError.
    """
    text = options.get("clock", "system")
    if text == "system":
        return None
    if text[:4] != "sim:":
        raise UsageError("--clock {}: a clock is system, or sim:URL of a simulator".format(text))
    return text[4:]

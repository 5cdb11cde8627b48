# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a command line, for all programs and both interpreters."""


class UsageError(ValueError):
    """A command line that cannot be understood."""


def parse(words: list, known: dict, flags: tuple, short: "dict | None" = None) -> tuple:
    """Return command, its words and its options (a dict) of a command line without the program's name. Raises UsageError.

    known: the options of each command; flags: options without a value ("1" when given); short: the long form of short options.
    """
    if not words or words[0] not in known:
        raise UsageError("unknown command {}".format(words[0]) if words else "a command is needed")
    rest: list = []
    options: dict = {}
    index = 1
    while index < len(words):
        word = (short or {}).get(words[index], words[index])
        index += 1
        if word[:2] != "--":
            rest.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        if name not in known[words[0]] or name in options:
            raise UsageError("unknown or repeated option {}".format(word))
        if name in flags:
            value = "1"
        elif not equals:
            if index == len(words):
                raise UsageError("{} needs a value".format(word))
            value = words[index]
            index += 1
        options[name] = value
    return words[0], rest, options


def clock_url(options: dict) -> "str | None":
    """Return the simulator's URL behind --clock sim:URL, None for the system's clock. Raises UsageError."""
    text = options.get("clock", "system")
    if text == "system":
        return None
    if text[:4] != "sim:":
        raise UsageError("--clock is system or sim:URL")
    return text[4:]

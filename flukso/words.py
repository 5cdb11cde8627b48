# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a command line, for all programs and both interpreters."""


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


SHOWN_MAX = 40


def clipped(text: str, most: int = SHOWN_MAX) -> str:
    """Return a piece of somebody's file as a message may show it: its beginning alone, control
    characters and what is no text as `?`.
    """
    shown = "".join(
        [
            "?" if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or ord(char) >= 0xD800 else char
            for char in text[:most]
        ]
    )
    return shown + "..." if len(text) > most else shown


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


TROUBLES = {  # Linux's numbers, which both interpreters give
    1: "not permitted",
    2: "there is no such file",
    5: "it does not work: input/output error",
    6: "there is no such device",
    11: "it is busy",
    12: "there is no memory left",
    13: "permission denied",
    16: "something else uses it",
    17: "it is there already",
    19: "there is no such device",
    20: "a part of its path is no folder",
    21: "it is a folder, not a file",
    22: "it is nothing of this kind",
    25: "it is nothing of this kind",
    28: "No space left on it",
    30: "it cannot be written: read-only",
    32: "the other side has gone",
    40: "too many links",
    98: "something else uses this address",
    104: "the other side closed the connection",
    110: "no answer in time",
    111: "nobody answers there",
    113: "no way leads there",
}


def trouble(error, path: str = "") -> str:
    """Return an OSError in words, with the path that it is about, where that is known."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    if number is None:
        text = str(error)
        return text if not path or path in text else "{}: {}".format(path, text)
    path = path or getattr(error, "filename", None) or ""
    text = (
        TROUBLES.get(number)
        or getattr(error, "strerror", None)
        or "error {} of the system".format(number)
    )
    return "{}{}".format(path + ": " if path else "", text)


def meant(word: str, known) -> str:
    """Return which of the known words somebody meant who wrote another one, "" when none is near."""
    allowed = 1 if len(word) <= 4 else 2 if len(word) <= 8 else 3
    best, found = allowed + 1, ""
    for other in known:
        if abs(len(other) - len(word)) < best:
            far = _distance(word.lower().replace("-", "_"), other)
            if far < best:
                best, found = far, other
    return found


def _distance(one, other):
    """Return how many letters are to be put in, left out, replaced or swapped with their neighbour
    to make one word of another.
    """
    before: list = []
    last = list(range(len(other) + 1))
    for at in range(1, len(one) + 1):
        row = [at]
        for to in range(1, len(other) + 1):
            same = one[at - 1] == other[to - 1]
            far = min(last[to] + 1, row[to - 1] + 1, last[to - 1] + (not same))
            if at > 1 and to > 1 and one[at - 1] == other[to - 2] and one[at - 2] == other[to - 1]:
                far = min(far, before[to - 2] + 1)
            row.append(far)
        before, last = last, row
    return last[-1]

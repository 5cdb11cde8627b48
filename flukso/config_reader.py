# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one option after the other of a UCI file and collects what is wrong with them; pure."""

from flukso import uci
from flukso.messages import clipped
from flukso.numerals import whole

TRUE, FALSE = ("1", "yes", "on", "true", "enabled"), ("0", "no", "off", "false", "disabled")


class Reader:
    """Sections of one file, and the problems found in them."""

    def __init__(self, sections, problems, file="flukso"):
        self.sections = sections
        self.problems = problems
        self.file = file
        self.torn = bool(problems)
        self.provisioned = True
        self.wrongs = []  # names of the options that were found wrong

    def fail(self, file, line, text):
        uci.note(self.problems, uci.Problem(file, line, text))

    def missing(self, line, text):
        """Report what is not there; not when a damaged line may have held it."""
        if not self.torn:
            self.fail(self.file, line, text)

    def option(self, kind, name, option):
        """Return the Value of an option of the section `config kind name` (name None: the first
        that has it), or None.
        """
        for section in self.sections:
            if section.type == kind and name in (None, section.name):
                value = value_in(section, option)
                if value is not None:
                    return value
        return None

    def wrong(self, value, option, text):
        self.wrongs.append(option)
        self.fail(self.file, value.line, "{}: {}".format(option, text))

    def number(self, value, option, default, least, most):
        if value is None:
            return default
        if not value.text:
            self.wrong(value, option, "it has no value")
            return default
        number = whole(value.text)
        if number is None or not least <= number <= most:
            self.wrong(
                value,
                option,
                "{} is not a number from {} to {}".format(clipped(value.text), least, most),
            )
            return default
        return number

    def flag(self, value, option, default):
        if value is None:
            return default
        if value.text in TRUE:
            return 1
        if value.text not in FALSE:
            self.wrong(
                value,
                option,
                "{} is neither 0 nor 1".format(clipped(value.text))
                if value.text
                else "it has no value",
            )
        return 0

    def hex32(self, value, option):
        if value is None:
            return ""
        if not is_hex32(value.text):
            self.wrong(value, option, "32 lower-case hex digits are needed")
            return ""
        return value.text


def value_in(section, option: str) -> "uci.Value | None":
    """Return the Value of an option in a section; of one that is given as a list, the last."""
    values = section.lists.get(option)
    return values[-1] if values else section.options.get(option)


def thousandths(text: str) -> int | None:
    """Return a decimal number such as 5163.5 in 1/1000, rounded; None for anything else."""
    point = text.find(".")
    head, tail = (text, "0") if point < 0 else (text[:point], text[point + 1 :])
    first, rest = whole(head or "0"), whole((tail or "0")[:9])
    if first is None or rest is None or text in ("", "."):
        return None
    digits = len((tail or "0")[:9])
    return first * 1000 + (rest * 2000 + 10**digits) // (2 * 10**digits)


def is_hex32(text: str) -> bool:
    """Say whether this is an id or a key: 32 lower-case hex digits."""
    for char in text:
        if char not in "0123456789abcdef":
            return False
    return len(text) == 32

# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of UCI files -> sections, with the line of each word; pure (docs/protocols.md §7)."""

from collections import namedtuple

FILE_MAX = 65536  # bytes; the field's files have 3 KB
LINE_MAX = 1024  # characters
SECTIONS_MAX = 256

# options: name -> Value, lists: name -> list of Values, in the file's order
Section = namedtuple("Section", ("line", "type", "name", "options", "lists"))
Value = namedtuple("Value", ("line", "text"))
# file: the file's short name, line: from 1, 0 for the whole file
Problem = namedtuple("Problem", ("file", "line", "text"))


class _LineError(ValueError):
    pass


def parse(text: str, file: str, problems: list) -> "list[Section]":
    """Return the sections of a UCI text; what is wrong with it is appended to `problems`, the rest is still read."""
    sections: list[Section] = []
    if len(text) > FILE_MAX:
        problems.append(Problem(file, 0, "the file is over {} bytes".format(FILE_MAX)))
        return sections
    for number, line in enumerate(text.split("\n"), 1):
        try:
            _take(sections, number, _words(line))
        except _LineError as error:
            problems.append(Problem(file, number, str(error)))
    return sections


def _words(line):
    """Split one line as a shell would: quotes, backslashes, `#` at the start of a word."""
    if len(line) > LINE_MAX:
        raise _LineError("the line is over {} characters".format(LINE_MAX))
    words = []
    word = None
    quote = ""
    escaped = False
    for char in line:
        if escaped:
            word = (word or "") + char
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            if char == quote:
                quote = ""
            else:
                word += char
        elif char in "'\"":
            quote = char
            word = word or ""
        elif char in " \t\r":
            if word is not None:
                words.append(word)
                word = None
        elif char == "#" and word is None:
            break
        elif char < " ":
            raise _LineError("a control character")
        else:
            word = (word or "") + char
    if quote or escaped:
        raise _LineError("a quote is not closed" if quote else "a backslash ends the line")
    if word is not None:
        words.append(word)
    return words


def _take(sections, number, words):
    if not words or words[0] == "package":
        return
    keyword = words[0]
    if keyword == "config":
        if not 2 <= len(words) <= 3:
            raise _LineError("config takes a type and perhaps a name")
        if len(sections) >= SECTIONS_MAX:
            raise _LineError("more than {} sections".format(SECTIONS_MAX))
        sections.append(Section(number, words[1], words[2] if len(words) == 3 else "", {}, {}))
        return
    if keyword not in ("option", "list"):
        raise _LineError("unknown word {}".format(keyword))
    if len(words) != 3:
        raise _LineError("{} {} takes one value".format(keyword, words[1] if len(words) > 1 else "").replace("  ", " "))
    if not sections:
        raise _LineError("{} {} stands before any section".format(keyword, words[1]))
    value = Value(number, words[2])
    if keyword == "option":
        sections[-1].options[words[1]] = value
    else:
        sections[-1].lists.setdefault(words[1], []).append(value)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of UCI files -> sections, read as libuci reads it, with the place of each statement; pure
(docs/design/protocols.md §7).
"""

from flukso.ucireader import (
    BLANKS,
    FILE_MAX,
    MARK,
    PROBLEMS_MAX,
    WIDE_MARKS,
    Problem,
    Reader,
    Section,
    Value,
    decoded,
    line_text,
    note,
)

__all__ = ("FILE_MAX", "MARK", "WIDE_MARKS", "Problem", "Section", "Value", "note")

ESCAPED = 0xDC00  # a byte that is no UTF-8 stands in a text as this and itself


def parse(text: str, file: str, problems: list) -> "list[Section]":
    """Return the sections of a UCI text; what is wrong with it is appended to `problems`, up to
    PROBLEMS_MAX + 1, the rest is still read.

    What libuci refuses is a problem here too, but for a byte order mark; what it reads is read
    alike.
    """
    return Reader(bytes_of(text), file, problems).read()


def shown(problem) -> str:
    """Return the sentence that names a Problem's place."""
    return "{}:{} {}".format(
        problem.file, "{}:".format(problem.line) if problem.line else "", problem.text
    )


def listed(problems: list) -> str:
    """Return the sentences of a list of Problems, by file and line."""
    lines = [shown(problem) for problem in sorted(problems[:PROBLEMS_MAX])]
    if len(problems) > PROBLEMS_MAX:
        lines.append("{}: and more".format(problems[PROBLEMS_MAX].file))
    return "\n".join(lines)


def is_void(text: str) -> bool:
    """Say whether a file holds nothing: no byte, blanks, a mark, or the zeros that a power cut
    leaves.
    """
    data = bytes_of(text)
    return not (data[len(MARK) :] if data[: len(MARK)] == MARK else data).strip(b" \t\r\n\0")


def open_at_end(text: str) -> bool:
    """Say whether the text ends within a quote."""
    reader = Reader(bytes_of(text), "", [])
    reader.read()
    return reader.open


def text_of(data: bytes) -> str:
    """Return the text of a file's bytes, whatever they are; bytes_of() gives them back."""
    try:
        return decoded(data)
    except ValueError:
        return "\n".join([line_text(line, ESCAPED) for line in data.split(b"\n")])


def bytes_of(text: str) -> bytes:
    """Return the bytes of a text."""
    try:
        whole = text.encode()
        if b"\xed\xb2" not in whole and b"\xed\xb3" not in whole:
            return whole
    except ValueError:
        pass  # it has escaped bytes, which one interpreter writes and the other refuses
    data = bytearray()
    for char in text:
        code = ord(char)
        data += bytes([code & 0xFF]) if ESCAPED + 0x80 <= code <= ESCAPED + 0xFF else char.encode()
    return bytes(data)


def dump(sections: list) -> str:
    """Return the text that libuci itself would write of these sections."""
    lines = []
    for section in sections:
        lines.append(
            "\nconfig {}{}".format(section.type, " " + quoted(section.name) if section.name else "")
        )
        for name in section.order:
            if name in section.lists:
                lines += [
                    "\tlist {} {}".format(name, quoted(value.text)) for value in section.lists[name]
                ]
            else:
                lines.append("\toption {} {}".format(name, quoted(section.options[name].text)))
    return "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    """Return a value as one UCI word."""
    return "'" + value.replace("'", "'\\''") + "'"


def set_option(text: str, kind: str, name: "str | None", option: str, value: str) -> str:
    """Return the text with this option in its section, which is added when missing; every other
    statement stays as it is.

    name: None for the section of this kind that has the option, else the first of them. The text
    must be free of problems.
    """
    data = bytes_of(text)
    statement = "option {} {}".format(option, quoted(value)).encode()
    sections = [
        section
        for section in Reader(data, "", []).read()
        if section.type == kind and name in (None, section.name)
    ]
    holders = [section for section in sections if option in section.spans]
    if holders:
        for start, end in reversed(holders[0].spans[option]):
            data = data[:start] + statement + data[end:]
    elif sections:
        end = data.find(b"\n", sections[0].end)
        end = (
            sections[0].end
            if end < 0 or data[sections[0].end : end].strip(BLANKS)[:1] == b";"
            else end - (data[end - 1 : end] == b"\r")
        )
        data = data[:end] + b"\n\t" + statement + data[end:]
    else:
        header = "config {}".format(kind if name is None else kind + " " + quoted(name)).encode()
        data = (data.rstrip(b"\n") + b"\n\n" + header + b"\n\t" + statement + b"\n").lstrip(b"\n")
    return text_of(data)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the statements of a UCI file as libuci does, and remembers where each stands; pure."""

from collections import namedtuple

from flukso.messages import clipped

# bytes; the field's files have 3 KB, and a router has room for what 16 KB of nonsense say
FILE_MAX = 16384
SECTIONS_MAX = 256
VALUES_MAX = 512  # options and list values of a file; a router's longest has some hundred
PROBLEMS_MAX = 32  # a file with more is no configuration, and what is said of it goes into the log
MARK = b"\xef\xbb\xbf"  # of UTF-8: some editors begin a file with it
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
# libuci knows the first letter too
WORDS = {"c": "config", "o": "option", "l": "list", "p": "package"}

# line: of its first `config`; options: name -> Value ("" when none was given); lists: name -> list
# of Values, in the file's order; order: the names, by when they got their values; spans: name ->
# list of (start, end) of all statements that give it; end: of the statement that begins the
# section. In bytes.
Section = namedtuple(
    "Section", ("line", "type", "name", "options", "lists", "order", "spans", "end")
)
Value = namedtuple("Value", ("line", "text"))
# file: the file's short name, line: from 1, 0 for the whole file
Problem = namedtuple("Problem", ("file", "line", "text"))


WORD_MAX = 200  # bytes of a word that are looked at when an error names it


class _LineError(ValueError):
    pass


class _OpenError(_LineError):
    """A quote that nothing closes."""


def decoded(data):
    """Return the text of UTF-8; ValueError for anything else, also for the code points that stand
    for single bytes here.
    """
    if b"\xed\xb2" in data or b"\xed\xb3" in data:
        raise ValueError("surrogates")
    return data.decode("utf-8")


def line_text(line, base):
    """Return a line's text; one that is no UTF-8 is read as Latin-1, with `base` added to what is
    beyond ASCII.
    """
    try:
        return decoded(line)
    except ValueError:
        # a string each takes 20 bytes
        return "".join([_latin1(line[at : at + 64], base) for at in range(0, len(line), 64)])


def _latin1(data, base):
    return "".join([chr(byte if byte < 0x80 else base + byte) for byte in data])


def note(problems, problem):
    """Append a Problem to a list of them, up to one more than are said; the last stands for all
    others.
    """
    if len(problems) <= PROBLEMS_MAX:
        problems.append(problem)


def _text(word):
    return line_text(word, 0)


def _shown(word):
    """Return a word as an error names it."""
    return clipped(line_text(word[:WORD_MAX], 0))


BLANKS = b" \t\r\v\f"
_NAME = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_SPECIAL = b'"#;\\\r\v\f'  # in a line with these, words are not simply what blanks part
_ENDS_WORD = BLANKS + b"\n\0"
_ENDS_BARE = _ENDS_WORD + b"'\"#;\\"
_NEWLINE, _SINGLE, _DOUBLE, _HASH, _SEMICOLON, _BACKSLASH, _RETURN, _END = b"\n'\"#;\\\r\0"


class Reader:
    """Bytes of a file, how far they were read, and what was found in them. No byte is 0: that
    stands for the end.
    """

    def __init__(self, data, file, problems):
        self.open = False  # it ends within a quote
        self._data = data
        self._file = file
        self._problems = problems
        self._sections: list[Section] = []
        self._named: dict[str, Section] = {}
        self._values = 0  # options and list values so far
        self._section: Section | None = None  # that options belong to
        self._at = len(MARK) if data[: len(MARK)] == MARK else 0
        self._line = 1
        self._over = False  # the line's end was passed, or the rest of it means nothing
        self._names: dict = {b"": ""}  # those that were looked at
        self._short = False  # no quote may pass the line's end any more
        self._at_end = 0  # behind the last word
        self._words: list = []  # of the statement, that were read before they were asked for

    def read(self):
        whole = self._whole_file()
        if whole:
            self._problem(0, whole)
            return self._sections
        while self._at < len(self._data):
            self._over = False
            self._skip_blanks()
            begin, line = self._at, self._line
            try:
                while not self._over:
                    line = self._line
                    self._statement()
            except _OpenError as error:
                self._problem(line, str(error))
                # what was meant cannot be known: each line is read by itself, to find what else is
                # wrong
                if not self._short:
                    self._at, self._line = begin, line
                    self._short = self.open = True
                self._skip_line()
            except _LineError as error:
                self._problem(line, str(error))
                if not self._over:
                    self._skip_line()
        return self._sections

    def _whole_file(self):
        if len(self._data) > FILE_MAX:
            return "the file is over {} bytes".format(FILE_MAX)
        if self._data[:2] in WIDE_MARKS:
            return "the file begins with the mark of UTF-16 text: save it as UTF-8"
        return "the file holds NUL bytes" if 0 in self._data else ""

    def _problem(self, line, text):
        note(self._problems, Problem(self._file, line, text))

    def _char(self):
        return self._data[self._at] if self._at < len(self._data) else _END

    def _step(self):
        """Go on by one byte; the end of a line that is not within a quote is the end of its
        statements.
        """
        if self._char() == _NEWLINE:
            self._line += 1
            self._over = True
        self._at += 1

    def _skip_blanks(self):
        data, at = self._data, self._at
        while at < len(data) and data[at] in BLANKS:
            at += 1
        self._at = at
        if at >= len(data):
            self._over = True
        elif data[at] == _NEWLINE:
            self._step()

    def _skip_line(self):
        end = self._data.find(b"\n", self._at)
        self._at = len(self._data) if end < 0 else end + 1
        self._line += 1
        self._over = True

    def _statement(self):
        """Read one statement, and take what it says."""
        while self._char() in b" \t":
            self._at += 1
        if self._char() == _HASH:
            self._skip_line()
            return
        if self._char() == _END:
            self._over = True
            return
        start, line = self._at, self._line
        if not self._plain():
            while self._char() not in b" \t\n\0":
                self._at += 1
            self._at_end = self._at
            self._words = [self._data[start : self._at].rstrip(b"\r")]
        first = self._words.pop(0)
        keyword = _text(first[:WORD_MAX])
        word = WORDS.get(keyword, keyword)
        if word == "option":
            self._take_option(start, line)
        elif word == "list":
            self._take_list(start, line)
        elif word == "config":
            self._take_config(line)
        elif word == "package":
            self._take_package()
        else:
            raise _LineError(
                "unknown word {}".format(_shown(first)) if keyword else "no statement behind the ;"
            )

    def _plain(self):
        """Take the words of a line in which they need no looking at each byte; return False, having
        done nothing, for any other.
        """
        end = self._data.find(b"\n", self._at)
        rest = self._data[self._at : end if end >= 0 else len(self._data)].rstrip(BLANKS)
        head, quote, tail = rest.partition(b"'")
        if not quote:
            words = head.split()
        elif tail.find(b"'") == len(tail) - 1 and head[-1:] in (b" ", b"\t"):
            words = head.split() + [tail[:-1]]
        else:
            return False
        for special in _SPECIAL:
            if special in head:
                return False
        if not words:
            return False
        self._at_end = self._at + len(rest)
        self._at = end if end >= 0 else len(self._data)
        self._step()
        self._over = True
        self._words = words
        return True

    def _take_package(self):
        name = self._word()
        self._close("package takes one name")
        if not name:
            raise _LineError("package takes one name")
        self._name(name, "package", b"-")

    def _take_config(self, line):
        kind, name = self._word(), self._word()
        end = self._at_end
        self._close("config takes a type and perhaps a name")
        if not kind:
            raise _LineError("config takes a type and perhaps a name")
        if not all([0x20 < byte < 0x7F for byte in kind]):
            raise _LineError("the type {} has a character that no type has".format(_shown(kind)))
        name = self._name(name, "section")
        if len(self._sections) >= SECTIONS_MAX:
            raise _LineError("more than {} sections".format(SECTIONS_MAX))
        section = Section(line, _text(kind), name, {}, {}, [], {}, end)
        known = self._named.get(section.name) if name else None
        if known is None:
            known = section
            self._sections.append(section)
            if name:
                self._named[section.name] = section
        elif known.type != section.type:
            words = [clipped(word) for word in (section.name, known.type, section.type)]
            raise _LineError(
                "{} is of type {} in line {}, and of {} here".format(
                    words[0], words[1], known.line, words[2]
                )
            )
        self._section = known

    def _take_option(self, start, line):
        section, name, value, span = self._assignment("option", start)
        section.spans.setdefault(name, []).append(span)
        if value and name not in section.order:
            section.order.append(name)
        if value or name not in section.options and name not in section.lists:
            section.lists.pop(name, None)
            section.options[name] = Value(line, value)

    def _take_list(self, start, line):
        section, name, value, span = self._assignment("list", start)
        section.spans.setdefault(name, []).append(span)
        if name not in section.order:
            section.order.append(name)
        before = section.options.pop(name, None)
        values = section.lists.setdefault(name, [])
        values += ([before] if before is not None and before.text else []) + [Value(line, value)]

    def _assignment(self, keyword, start):
        name, value = self._word(), self._word()
        end = self._at_end
        self._close("{} {} takes one value".format(keyword, _shown(name)))
        if not name:
            raise _LineError("{} takes a name and a value".format(keyword))
        name = self._name(name, keyword)
        if self._section is None:
            raise _LineError("{} {} stands before any section".format(keyword, clipped(name)))
        self._values += 1
        if self._values > VALUES_MAX:
            raise _LineError("more than {} options and list values".format(VALUES_MAX))
        return self._section, name, _text(value), (start, end)

    def _name(self, name, what, more=b""):
        """Return the text of a name. Raises _LineError for one that libuci does not take."""
        text = self._names.get(name)
        if text is None:
            for byte in name:
                if byte not in _NAME and byte not in more:
                    raise _LineError(
                        "{} {}: letters, digits and _ make a name".format(what, _shown(name))
                    )
            text = _text(name)
            if not more:
                self._names[name] = text
        return text

    def _close(self, text):
        """Raise _LineError when a word follows."""
        if self._word():
            raise _LineError(text)

    def _word(self):
        """Return the next word of the statement, b"" when it has no more."""
        if self._words:
            return self._words.pop(0)
        self._skip_blanks()
        if self._over:
            return b""
        if self._char() == _SEMICOLON:
            self._at += 1
            return b""
        word = bytearray()
        bare = True  # as it stands in the file
        while True:
            char = self._char()
            if char in (_SINGLE, _DOUBLE):
                self._quoted(char, word)
                bare = False
            elif char == _BACKSLASH:
                self._escaped(word)
                bare = False
            elif char in (_HASH, _END):
                self._at_end = self._at
                self._skip_line()
                return bytes(word)
            elif char == _SEMICOLON:
                self._at_end = self._at
                if bare:
                    self._skip_line()  # libuci reads no further here
                return bytes(word)
            else:
                end = self._at + 1
                while end < len(self._data) and self._data[end] not in _ENDS_BARE:
                    end += 1
                word += self._data[self._at : end]
                self._at = end
            if self._char() in _ENDS_WORD:
                break
        self._at_end = self._at
        self._step()
        return bytes(word)

    def _quoted(self, quote, word):
        """Take what stands between two quotes; a backslash counts between double ones only."""
        self._at += 1
        while True:
            end = self._data.find(b"'" if quote == _SINGLE else b'"', self._at)
            back = self._data.find(b"\\", self._at, max(end, 0)) if quote == _DOUBLE else -1
            piece = self._data[self._at : end if back < 0 else back]
            lines = piece.count(b"\n")
            if end < 0 or (lines and self._short):
                raise _OpenError("a quote is not closed")
            word += piece
            self._line += lines
            self._at += len(piece)
            if back < 0:
                self._at += 1
                return
            self._escaped(word)

    def _escaped(self, word):
        """Take what follows a backslash; at the line's end it joins the next line."""
        self._at += 1
        if self._char() == _RETURN and self._data[self._at + 1 : self._at + 2] == b"\n":
            self._at += 1
        if self._char() == _NEWLINE:
            self._line += 1
            self._at += 1
        elif self._char() != _END:
            word.append(self._char())
            self._at += 1

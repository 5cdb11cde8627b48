# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sees: a bar on a terminal, plain lines otherwise, or JSON, a line an event. For
both interpreters.
"""

import json

BAR = 40  # characters
MARKS = 50  # that avrdude prints from 0 to 100 %
STEP_PERCENT = 50  # of plain lines
WORDS = ("Reading", "Writing")  # before its bars
OUTPUT_MAX, LINE_MAX = 16384, 80  # characters kept of what it says, and of a line


class Report:
    """`form` is "bar", "plain" or "json"; `write` takes text, `warn` text for standard error."""

    def __init__(self, form, write, warn):
        self._form = form
        self._write = write
        self._warn = warn
        self._open = False  # a bar stands unfinished on the line
        self._said = 0  # percent of the last line

    def say(self, text: str):
        """A step is begun."""
        self._close()
        if self._form == "json":
            self._event("step", {"text": text})
        else:
            self._write(text + "\n")

    def warning(self, text: str):
        self._close()
        if self._form == "json":
            self._event("warning", {"text": text})
        else:
            self._warn("flukso-flash: {}\n".format(text))

    def progress(self, what: str, percent: int):
        if percent == 0:
            self._close()
            self._said = 0
        if self._form == "bar":
            self._open = True
            done = BAR * percent // 100
            self._write("\r{:9} [{}{}] {:3}%".format(what, "#" * done, " " * (BAR - done), percent))
            if percent == 100:
                self._close()
        elif percent >= self._said + STEP_PERCENT or (percent == 100 and self._said < 100):
            self._said = percent
            if self._form == "json":
                self._event("progress", {"what": what, "percent": percent})
            else:
                self._write("{} {}%\n".format(what, percent))

    def result(self, lines: list, values: dict):
        """End a command that did what was asked: sentences for people, values for programs."""
        self._close()
        if self._form == "json":
            self._event("result", values)
        else:
            self._write("".join([line + "\n" for line in lines]))

    def error(self, text: str, status: int):
        self._close()
        if self._form == "json":
            self._event("error", {"text": text, "exit": status})
        else:
            self._warn("flukso-flash: {}\n".format(text))

    def _event(self, name, values):
        event = {"event": name}
        event.update(values)
        self._write(json.dumps(event) + "\n")

    def _close(self):
        if self._open:
            self._open = False
            self._write("\n")


class Listener:
    """Hears what avrdude says, piece by piece, and turns the marks of its bars into progress."""

    def __init__(self, report):
        self.text = ""  # the last of what was said
        self._report = report
        self._line = ""
        self._what = ""  # the bar under way
        self._marks = 0

    def __call__(self, piece: str):
        self.text = (self.text + piece)[-OUTPUT_MAX:]
        for char in piece:
            if char in "\r\n":
                self._line = self._what = ""
            elif char == "|" and self._line.strip() in WORDS:
                self._what, self._line, self._marks = self._line.strip().lower(), "", 0
                self._report.progress(self._what, 0)
            elif char == "#" and self._what and self._marks < MARKS:
                self._marks += 1
                self._report.progress(self._what, 100 * self._marks // MARKS)
            else:
                self._line = (self._line + char)[-LINE_MAX:]

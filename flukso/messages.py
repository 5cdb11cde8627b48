# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts errors, foreign text and misspelt words into sentences for people; pure."""

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
    """Return the known word that somebody probably meant, "" when none is near."""
    allowed = 1 if len(word) <= 4 else 2 if len(word) <= 8 else 3
    best, nearest = allowed + 1, ""
    for other in known:
        if abs(len(other) - len(word)) < best:
            far = _distance(word.lower().replace("-", "_"), other)
            if far < best:
                best, nearest = far, other
    return nearest


def _distance(word, other):
    """Return how many letters are to be put in, left out, replaced or swapped with their neighbour
    to make one word of another.
    """
    before: list = []
    last = list(range(len(other) + 1))
    for at in range(1, len(word) + 1):
        row = [at]
        for to in range(1, len(other) + 1):
            same = word[at - 1] == other[to - 1]
            far = min(last[to] + 1, row[to - 1] + 1, last[to - 1] + (not same))
            if (
                at > 1
                and to > 1
                and word[at - 1] == other[to - 2]
                and word[at - 2] == other[to - 1]
            ):
                far = min(far, before[to - 2] + 1)
            row.append(far)
        before, last = last, row
    return last[-1]

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a power cut or a full flash left of `/etc/config/flukso` and `system`, and what is put back;
pure (docs/guide/daemon.md).
"""

from collections import namedtuple

from flukso import config, uci
from flukso.config_reader import is_hex32
from flukso.copies import IDENTITY, identity_in

# flukso, system: the texts to go on with; damaged: "flukso", "system" -> what was wrong with this
# file and what was done, in words
Mended = namedtuple("Mended", ("flukso", "system", "damaged"))

UNREAD = "\0\n\0\n"  # stands for the text of a file that there is not enough memory to read


def mend(flukso: "str | None", system: "str | None", good, settled: bool) -> Mended:
    """Return the texts of both files (None: there is none), with what the Copy `good` has where
    they are damaged.

    settled: nothing has cut the power since the file was last read, so that what has an orderly end
    is somebody's work.
    """
    damaged: dict = {}
    if flukso is None:
        why = "is missing"
    else:
        why = "" if flukso == good.flukso else harm(flukso, good.flukso, settled)
    if why:
        damaged["flukso"] = why + ": the last good configuration is used and put back"
        flukso = good.flukso
    mended = system
    if not identity_in(uci.parse(flukso or "", "", [])).get("device"):
        # of the file itself, which has lost it
        identity = good.identity or identity_in(uci.parse(good.flukso, "", []))
        mended, why = _mend_system(system, identity, settled)
        if why:
            damaged["system"] = why
    return Mended(flukso, mended, damaged)


def harm(text: str, good: str, settled: bool) -> str:
    """Return what is wrong with a damaged file `flukso`, in words; "" for one that is whole, or
    holds somebody's mistake.
    """
    if text == UNREAD:
        return "cannot be read with the memory there is"
    if uci.is_void(text):
        return "is empty"
    if uci.bytes_of(text)[:2] in uci.WIDE_MARKS:
        return ""
    if "\0" in text:
        return "holds NUL bytes"
    problems: list = []
    sections, whole = uci.parse(text, "", problems), uci.parse(good, "", [])
    if not sections and not problems:
        return "holds no section"
    if not _sensors(sections) and _sensors(whole) and not (settled and _mistaken(text)):
        return "has none of its sensors"
    return "" if settled else _break(text, good, sections, whole, problems)


def _break(text, good, sections, whole, problems):
    """Say how the text breaks off, when it does."""
    if good.startswith(text) and good[len(text) :].strip():
        return "breaks off after {} bytes".format(len(uci.bytes_of(text)))
    if uci.open_at_end(text):
        return "breaks off within a quote"
    lost = _lost(items_of(sections), items_of(whole))
    if lost:
        return "breaks off: {} {} missing".format(
            " ".join(lost[0]).strip(), "is" if len(lost) == 1 else "and what follows are"
        )
    if text[-1:] != "\n" and (_last_line(text, problems) or _cut_value(sections, whole)):
        return "breaks off in its last line"
    return ""


def _mistaken(text):
    """Say whether the text has errors, which a file that was cut between two lines has not."""
    try:
        config.parse(text, None, provisioned=False)
    except config.ConfigErrors:
        return True
    return False


def _sensors(sections):
    """Return what a board measures, by a file of today or of generation 1."""
    return [section for section in sections if section.type in ("sensor", "input")]


def items_of(sections):
    """Return what the sections consist of, in order, without the values: (section, option), and
    each value of a list.
    """
    items = []
    anonymous: dict = {}
    for section in sections:
        anonymous[section.type] = anonymous.get(section.type, 0) + (not section.name)
        place = section.type + " " + (section.name or "@{}".format(anonymous[section.type]))
        items.append((place, ""))
        for name in section.order:
            items += [(place, name)] * len(section.lists.get(name, (0,)))
    return items


def _lost(have, want):
    """Return what is missing behind the last thing that is there."""
    left = list(have)
    lost: list = []
    for item in want:
        if item in left:
            left.remove(item)
            lost = []
        else:
            lost.append(item)
    return lost if len(lost) < len(want) else []


def _last_line(text, problems):
    return [problem for problem in problems if problem.line == text.count("\n") + 1]


def _cut_value(sections, whole):
    """Say whether the last value is the beginning of the one in the copy."""
    if not sections or not sections[-1].order:
        return False
    place, name = sections[-1], sections[-1].order[-1]
    for section in whole:
        if (
            (section.type, section.name) == (place.type, place.name)
            and name in section.options
            and name in place.options
        ):
            now, before = place.options[name].text, section.options[name].text
            return now != before and before.startswith(now)
    return False


def _mend_system(text, identity, settled):
    """Return the text of `system` with this identity in it, and what was done, "" when nothing had
    to be.
    """
    if not identity:
        return text, ""
    left = salvage(text or "")
    torn = text is not None and left != text
    identity_left = identity_in(uci.parse(left, "", []))
    own = is_hex32(identity_left.get("device", "")) and is_hex32(identity_left.get("key", ""))
    if own and (identity_left["device"], identity_left["key"]) != (
        identity["device"],
        identity["key"],
    ):
        missing = []  # another device's: somebody's work
    else:
        missing = [
            name
            for name in IDENTITY
            if name in identity
            and identity_left.get(name) != identity[name]
            and (name not in identity_left or not own)
        ]
    if not missing and (settled or not torn or not _broken_off(text)):
        return text, ""
    for name in reversed(missing):
        left = uci.set_option(left, "system", None, name, identity[name])
    state = (
        "cannot be read with the memory there is"
        if text == UNREAD
        else "is missing"
        if text is None
        else "is empty"
        if uci.is_void(text)
        else "is damaged"
        if torn
        else "lacks what it had"
    )
    words = ["what could be read is kept"] if torn and not uci.is_void(text) else []
    if missing:
        words.insert(
            0,
            "{} {} put back".format(
                ", ".join(missing[:-2] + [" and ".join(missing[-2:])]),
                "is" if len(missing) == 1 else "are",
            ),
        )
    return left, "{}: {}".format(state, ", ".join(words))


def _broken_off(text):
    problems: list = []
    uci.parse(text.replace("\0", ""), "", problems)
    return (
        "\0" in text
        or uci.open_at_end(text)
        or (text[-1:] != "\n" and bool(_last_line(text, problems)))
    )


def salvage(text: str) -> str:
    """Return the text when UCI reads it, else what can be read of it, written anew."""
    clean = text.replace("\0", "")
    problems: list = []
    sections = uci.parse(clean, "", problems)
    return uci.dump(sections).lstrip("\n") if problems else clean

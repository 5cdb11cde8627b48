# SPDX-License-Identifier: GPL-3.0-or-later
"""What the copies lose by a new configuration, in words: nothing goes from them unsaid; pure
(docs/guide/daemon.md).
"""

from flukso import copies, uci
from flukso.config_reader import TRUE, value_in
from flukso.damage import items_of
from flukso.messages import clipped

LINES_MAX = 12  # said at once


def lost(before, after) -> list:
    """Say what one Copy had and the other has no more, or otherwise: identity, sensors, their ids,
    sections and options.
    """
    old, new = uci.parse(before.flukso, "", []), uci.parse(after.flukso, "", [])
    lines = _identity(
        copies.identity_in(old) or before.identity, copies.identity_in(new) or after.identity
    )
    lines += _sensors(old, new) + _gone(items_of(old), items_of(new))
    if len(lines) > LINES_MAX:
        lines[LINES_MAX:] = ["and {} things more are gone".format(len(lines) - LINES_MAX)]
    return lines


def _identity(old, new):
    if not old.get("device") or (old["device"], old.get("key")) == (
        new.get("device"),
        new.get("key"),
    ):
        return []
    if old["device"] != new.get("device"):
        return ["the device is {} now; it was {}".format(new.get("device"), old["device"])]
    return ["the device has another key"]


def _sensors(old, new):
    lines = []
    held = _known(new)
    for name, (id_, enabled) in sorted(_known(old).items()):
        shown = clipped(name)
        if name not in held:
            lines.append("sensor {} was taken out of the configuration".format(shown))
            continue
        if held[name][0] != id_:
            lines.append("sensor {} has another id".format(shown))
        if enabled and not held[name][1]:
            lines.append("sensor {} is not enabled any more".format(shown))
    return lines


def _known(sections):
    """Return name -> id and whether it is enabled, of each sensor."""
    known = {}
    for section in sections:
        if section.type == "sensor":
            id_, enable = value_in(section, "id"), value_in(section, "enable")
            known[section.name] = (id_ and id_.text, enable is not None and enable.text in TRUE)
    return known


def _gone(old, new):
    """Name sections and options, or values of a list, that are there no more; of a section that is
    gone, nothing else.
    """
    left: dict = {}
    for item in new:
        left[item] = left.get(item, 0) + 1
    places = set([place for place, _ in new])
    lines: list = []
    for place, option in old:
        left[place, option] = left.get((place, option), 0) - 1
        if left[place, option] >= 0 or (option and place not in places):
            continue
        if option:
            lines.append("{}: {} is gone".format(clipped(place), clipped(option)))
        elif not place.startswith("sensor "):
            lines.append("the section {} is gone".format(clipped(place)))
    return lines

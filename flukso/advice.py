# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what a good configuration probably does not mean (docs/guide/daemon.md).

Misspelt options, a clamp that nobody sells, no sensor.
"""

from flukso import config, options, uci
from flukso.config_reader import thousandths, value_in
from flukso.messages import meant, trouble
from flukso.numerals import whole

CLAMPS = (50, 100, 250, 500)  # A: those that are sold for these boards


def advice(port, text: str, settings) -> list:
    """Return a uci.Problem for each thing in the text of a good file `flukso` that may be a
    mistake, by line.
    """
    sections = uci.parse(text, "flukso", [])
    problems = _names(sections)
    problems += _clamps(sections)
    problems += _authorities(port, sections, settings)
    if not settings.sensors:
        problems.append(uci.Problem("flukso", *_no_sensor(sections)))
    return sorted(problems)


def names(text: str) -> list:
    """Return the same of the sections' and the options' names alone, of any file: an error may be a
    name misspelt elsewhere.
    """
    return sorted(_names(uci.parse(text, "flukso", [])))


def _names(sections):
    problems: list = []
    sensors = config.board_of(sections).sensors
    for section in sections:
        problems += _section(section, sensors)
    return problems


def _section(section, sensors):
    """Look at the names in a section, and at its own; sensors: how many the board has."""
    problem = _odd_section(section, sensors)
    known = options.names_of(section.type, section.name)
    problems = [uci.Problem("flukso", section.line, problem)] if problem else []
    if not known:
        return problems
    for name in section.spans:
        if name in known and name not in section.order:
            problems.append(
                uci.Problem(
                    "flukso",
                    _line(section, name),
                    "{}: it has no value, and counts as not given".format(name),
                )
            )
        if name not in known and name not in options.FIELD_OPTIONS:
            text = _odd_option(name, known)
            if text:
                problems.append(
                    uci.Problem("flukso", _line(section, name), "{}: {}".format(name, text))
                )
    return problems


def _odd_section(section, sensors):
    kind, name = section.type, section.name
    if kind == "settings" and name not in options.SETTINGS:
        near = meant(name, options.SETTINGS)
        return (
            "config settings {} is not read{}".format(
                name, "; is {} meant?".format(near) if near else ""
            )
            if near or not name
            else ""
        )
    if kind == "sensor" and whole(name) is None:
        return "config sensor {} is not read: sensors are named by their numbers, 1 to {}".format(
            name, sensors
        )
    if kind in options.TYPES or kind in options.FIELD_TYPES:
        return ""
    near = meant(kind, options.TYPES)
    return "config {} is not read; is {} meant?".format(kind, near) if near else ""


def _odd_option(name, known):
    near = meant(name, known)
    if near:
        return "there is no such option; is {} meant?".format(near)
    home = options.home_of(name)
    return "it is not read here; it belongs into the section {}".format(home) if home else ""


def _line(section, option):
    """Return the line of an option, 0 when it is not there."""
    value = value_in(section, option)
    return 0 if value is None else value.line


def _clamps(sections):
    problems = []
    for section in sections:
        value = value_in(section, "current") if section.type == "sensor" else None
        class_ = value_in(section, "class")
        if (
            value is None
            or class_ is None
            or class_.text != "analog"
            or value_in(section, "constant") is not None
        ):
            continue
        ampere = thousandths(value.text)
        if ampere is not None and ampere not in [1000 * size for size in CLAMPS]:
            near = min([(abs(1000 * size - ampere), size) for size in CLAMPS])[1]
            sizes = ", ".join([str(size) for size in CLAMPS[:-1]]) + " and {}".format(CLAMPS[-1])
            text = "current: no clamp of {} A is sold, but for {} A; is {} meant?".format(
                value.text, sizes, near
            )
            problems.append(uci.Problem("flukso", value.line, text))
    return problems


def _authorities(port, sections, settings):
    """Look at the file of CA certificates as the daemon will."""
    if not settings.wan:
        return []
    try:
        text = port.check_cacert(settings.cacert)
    except OSError as error:
        text = trouble(error, settings.cacert) + ": no server will be believed"
    if not text:
        return []
    line = 0
    for section in sections:
        if (section.type, section.name) == ("settings", "daemon"):
            line = _line(section, "cacert")
    return [uci.Problem("flukso", line, "cacert: " + text)]


def _no_sensor(sections):
    """Return line and words of a file that lets nothing be measured."""
    most = config.board_of(sections).sensors
    for section in sections:
        if section.type == "sensor" and 1 <= (whole(section.name) or 0) <= most:
            return (
                section.line,
                "no sensor is enabled: nothing is measured; option enable '1' is meant, perhaps",
            )
    return (
        0,
        "there is no sensor: nothing is measured; config sensor '1' and what follows it are "
        "missing",
    )

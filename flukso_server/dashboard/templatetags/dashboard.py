# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as the dashboard shows them; figures.js says the same in the browser."""

from django import template
from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from flukso_server.dashboard.texts import AGES, CLASSES, FLOWS, RESOURCES
from flukso_server.project.bundle import path_of

register = template.Library()


@register.simple_tag
def bundle(entry: str) -> str:
    """The URL of an entry with all that it imports."""
    return settings.STATIC_URL + path_of(entry)


NOTHING = "–"
AGE_UNITS = (
    ("days", 86_400, 2 * 86_400),
    ("hours", 3600, 7200),
    ("minutes", 60, 90),
    ("seconds", 1, 0),
)  # name, s, from how many s on
SHARE_MAX = 300  # %: more says that yesterday there was next to nothing


@register.filter
def resource_name(name: str) -> str:
    """In the reader's language; as the device says it where it is none of those that we know."""
    return str(RESOURCES.get(name.lower(), name))


@register.filter
def class_name(name: str) -> str:
    """How a sensor counts, as resource_name."""
    return str(CLASSES.get(name, name))


@register.filter
def flow_name(name: str) -> str:
    return str(FLOWS[name])


@register.filter
def rate(value: float | None, resource: str) -> str:
    """A rate: W or l/h."""
    return (
        NOTHING
        if value is None
        else f"{number_format(value, 0, force_grouping=True)} "
        f"{'W' if resource == 'electricity' else 'l/h'}"
    )


@register.filter
def amount(value: float | None, resource: str) -> str:
    """Wh as kWh, litres as m³."""
    return (
        NOTHING
        if value is None
        else f"{number_format(value / 1000, 2)} {'kWh' if resource == 'electricity' else 'm³'}"
    )


@register.filter
def money(value: float | None, sign: str) -> str:
    if value is None:
        return ""
    text = _("{sign}{amount}").format(sign=sign, amount=number_format(abs(value), 2))
    return f"-{text}" if value < 0 and any(digit in text for digit in "123456789") else text


@register.filter
def age(seconds: int | None) -> str:
    if seconds is None:
        return _("no value yet")
    unit, size = next((unit, size) for unit, size, least in AGE_UNITS if seconds >= least)
    return _("{age} ago").format(age=AGES[unit].format(n=seconds // size))


def _share(figures) -> int | None:
    if figures.today is None or not figures.before or figures.before <= 0:
        return None
    found = round((figures.today / figures.before - 1) * 100)
    return found if abs(found) <= SHARE_MAX else None


@register.filter
def share(figures) -> str:
    """By how much today is over yesterday until the same time."""
    found = _share(figures)
    return (
        "" if found is None else f"{'+' if found > 0 else '−' if found < 0 else '±'}{abs(found)} %"
    )


@register.filter
def trend(figures) -> str:
    """The class of the share: more or less."""
    found = _share(figures)
    return "more" if found and found > 0 else "less" if found and found < 0 else ""

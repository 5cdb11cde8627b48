# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that write figures as the dashboard shows them; figures.js does the same in browsers."""

from django import template
from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from flukso_server.dashboard.texts import AGES, CLASSES, FLOWS
from flukso_server.project.bundle import path_of
from flukso_server.series import quantities
from flukso_server.series.quantities import Quantity

register = template.Library()


@register.simple_tag
def bundle(entry: str) -> str:
    """Return the URL of an entry with all that it imports."""
    return settings.STATIC_URL + path_of(entry)


NOTHING = "–"
# name, its length (s), the shortest age (s) that is told in it
AGE_UNITS = (
    ("days", 86_400, 2 * 86_400),
    ("hours", 3600, 7200),
    ("minutes", 60, 90),
    ("seconds", 1, 0),
)
SHARE_MAX = 300  # %; a larger one only means that yesterday there was next to nothing


@register.filter
def resource_name(name: str) -> str:
    """Return the resource in the reader's language, or as the device names it if unknown."""
    quantity = quantities.of(name)
    return str(quantity.words if quantity else name)


@register.filter
def class_name(name: str) -> str:
    """Return how a sensor counts, as resource_name() does."""
    return str(CLASSES.get(name, name))


@register.filter
def thousands(value: float) -> str:
    """Write Wh as kWh, litres as m³, without the unit."""
    return str(number_format(value / 1000, 1, force_grouping=True))


@register.filter
def flow_name(name: str) -> str:
    return str(FLOWS[name])


@register.filter
def rate(value: float | None, quantity: Quantity) -> str:
    """Write a rate an hour: in W, l/h, °C."""
    if value is None:
        return NOTHING
    text, factor, offset, digits = quantity.figure
    return f"{number_format(value * factor + offset, digits, force_grouping=True)} {text}"


@register.filter
def amount(value: float | None, quantity: Quantity) -> str:
    """Write Wh as kWh, litres as m³; what has no amount as a rate."""
    if value is None:
        return NOTHING
    if quantity.total is None:
        return rate(value, quantity)
    return f"{number_format(value / 1000, 2)} {quantity.total}"


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


def _change(figures) -> int | None:
    """Return by how many % today is over yesterday until the same time, None if that is no help."""
    if figures.today is None or not figures.before or figures.before <= 0:
        return None
    percent = round((figures.today / figures.before - 1) * 100)
    return percent if abs(percent) <= SHARE_MAX else None


@register.filter
def share(figures) -> str:
    """Write by how much today is over yesterday until the same time."""
    percent = _change(figures)
    if percent is None:
        return ""
    return f"{'+' if percent > 0 else '−' if percent < 0 else '±'}{abs(percent)} %"


@register.filter
def trend(figures) -> str:
    """Return the CSS class of share(): more, less or none."""
    percent = _change(figures)
    return "more" if percent and percent > 0 else "less" if percent and percent < 0 else ""

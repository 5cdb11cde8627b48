# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as the dashboard shows them; figures.js says the same in the browser."""

from dashboard.texts import RESOURCES
from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

register = template.Library()
NOTHING = "–"
SHARE_MAX = 300  # %: more says that yesterday there was next to nothing
SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


@register.filter
def resource_name(name: str) -> str:
    return str(RESOURCES[name])


@register.filter
def rate(value: float | None, resource: str) -> str:
    """A rate: W or l/h."""
    return NOTHING if value is None else f"{number_format(value, 0, force_grouping=True)} {'W' if resource == 'electricity' else 'l/h'}"


@register.filter
def amount(value: float | None, resource: str) -> str:
    """Wh as kWh, litres as m³."""
    return NOTHING if value is None else f"{number_format(value / 1000, 2)} {'kWh' if resource == 'electricity' else 'm³'}"


@register.filter
def money(value: float | None, currency: str) -> str:
    return "" if value is None else f"{SIGNS.get(currency, currency + ' ')}{number_format(value, 2)}"


@register.filter
def age(seconds: int | None) -> str:
    if seconds is None:
        return _("no value yet")
    if seconds < 90:
        return _("%(n)d sec") % {"n": seconds}
    if seconds < 7200:
        return _("%(n)d min") % {"n": seconds // 60}
    return _("%(n)d hr") % {"n": seconds // 3600}


def _share(figures) -> int | None:
    if figures.today is None or not figures.before or figures.before <= 0:
        return None
    found = round((figures.today / figures.before - 1) * 100)
    return found if abs(found) <= SHARE_MAX else None


@register.filter
def share(figures) -> str:
    """By how much today is over yesterday until the same time."""
    found = _share(figures)
    return "" if found is None else f"{'+' if found > 0 else '−' if found < 0 else '±'}{abs(found)} %"


@register.filter
def trend(figures) -> str:
    """The class of the share: more or less."""
    found = _share(figures)
    return "more" if found and found > 0 else "less" if found and found < 0 else ""

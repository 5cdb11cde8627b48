# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of the dashboard that are not in its templates, marked for translation."""

from decimal import Decimal

from django.utils.dates import MONTHS_3, WEEKDAYS_ABBR
from django.utils.formats import get_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from flukso_server.series.quantities import Unit

SCALES = {
    "live": _("live"),
    "hour": _("hour"),
    "day": _("day"),
    "month": _("month"),
    "year": _("year"),
    "night": _("night"),
}
# docs/design/protocols.md §7
CLASSES = {
    "analog": _("current clamp"),
    "pulse": _("pulse counter"),
    "uart": _("serial port of the meter"),
}
FLOWS = {
    "use": _("what we use"),
    "net": _("from the grid, net"),
    "pv": _("solar"),
    "self": _("solar that we use ourselves"),
}
# of a bill (money/bill.py)
LINES = {
    "bought": _("Bought"),
    "netted": _("Bought, less what was sold"),
    "sold": _("Sold to the grid, taken off"),
    "standing": _("Standing charge"),
    "capacity": _("Capacity, mean of the monthly peaks"),
}
AGES = {
    "seconds": _("{n} sec"),
    "minutes": _("{n} min"),
    "hours": _("{n} hr"),
    "days": _("{n} days"),
}
SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


def sign_of(currency: str) -> str:
    """Return the sign of a currency (ISO 4217)."""
    return SIGNS.get(currency, currency)


def written(price: Decimal | None) -> str:
    """Return a price with the decimals that it has, two at least; "" for none."""
    if price is None:
        return ""
    short = price.normalize()
    cents = Decimal("0.01")
    return f"{short.quantize(cents) if short == short.quantize(cents) else short:f}"


def unit_name(unit: Unit, currency: str) -> str:
    """Return the text of a unit's button."""
    if unit.per_kwh and currency == "EUR":
        return gettext("euro/year")
    return str(unit.words).format(sign=sign_of(currency))


def script_words() -> dict:
    """Return the words with which the page's scripts write numbers, dates, ages and money."""
    return {
        "months": [_short(MONTHS_3[month]) for month in range(1, 13)],
        "weekdays": [_short(WEEKDAYS_ABBR[day]) for day in range(7)],
        "group": get_format("THOUSAND_SEPARATOR"),
        "decimal": get_format("DECIMAL_SEPARATOR"),
        "money": gettext("{sign}{amount}"),
        **{name: str(text) for name, text in AGES.items()},
    }


def _short(name) -> str:
    """Return the name of a month or weekday, which Django writes small in English too."""
    return str(name).capitalize() if get_language() == "en" else str(name)


def script_texts() -> dict[str, str]:
    """Return the texts of the page's scripts, in which {n} and the like stand for values."""
    return {
        "byLive": gettext("mean of a minute, each 10 seconds"),
        "byMinute": gettext("means of a minute"),
        "by15min": gettext("means of 15 minutes"),
        "byHour": gettext("means of an hour"),
        "byDay": gettext("means of a day"),
        "byNight": gettext("means of the night, 02:00 to 05:00"),
        "byWeek": gettext("means of a week"),
        "time": gettext("time"),
        "silent": gettext("silent"),
        "unknown": gettext("unknown"),
        "ago": gettext("{age} ago"),
        "never": gettext("no value yet"),
        "days": gettext("shares day means"),
        "offline": gettext(
            "The server cannot be reached. What you see is from {time}; it is tried again by "
            "itself."
        ),
        "failed": gettext("The server could not answer this. It is tried again by itself."),
        "unanswered": gettext("The server could not answer this. Please try again."),
        "loggedOut": gettext("You are logged out. Reload the page to log in."),
        "lost": gettext(
            "The connection is lost. What you see grows old until it is back, which is tried by "
            "itself."
        ),
        "refused": gettext(
            "No live values at the moment: perhaps too many live pages are open. It is tried again "
            "by itself."
        ),
        "resting": gettext(
            "Live rests after ten minutes, so that a forgotten page does not keep your Fluksometer "
            "busy."
        ),
        "waiting": gettext(
            "Your Fluksometer is asked for values each 10 seconds. It hears so at its next upload, "
            "within five minutes."
        ),
        "chart": gettext(
            "Chart from {from} to {to}, {by}. Arrow keys read values, + and − zoom, shift and "
            "arrows move, 0 goes back."
        ),
        "remove": gettext("Unsubscribe from {name}"),
        "add": gettext("Subscribe to {name}"),
        "inChart": gettext("{name} in the chart"),
        "noPeers": gettext("Nobody yet. Choose from the list below."),
        "noMembers": gettext("Nobody else shares with you at the moment."),
    }

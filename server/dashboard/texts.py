# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of the dashboard that are not in its templates, marked for translation."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

SCALES = {"live": _("live"), "hour": _("hour"), "day": _("day"), "month": _("month"), "year": _("year"), "night": _("night")}
RESOURCES = {"electricity": _("electricity"), "water": _("water"), "gas": _("gas")}
FLOWS = {"use": _("what we use"), "net": _("from the grid, net"), "pv": _("solar"), "self": _("solar that we use ourselves")}
UNITS = {
    "watt": _("watt"),
    "kwhperyear": _("kWh/year"),
    "eurperyear": _("euro/year"),
    "lpermin": _("l/min"),
    "lperday": _("l/day"),
    "m3peryear": _("m³/year"),
}


def script_texts() -> dict[str, str]:
    """What the page's scripts say. {n} and the like stand for values."""
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
        "offline": gettext("The server cannot be reached. What you see is from {time}; it is tried again by itself."),
        "failed": gettext("The server could not answer this. It is tried again by itself."),
        "loggedOut": gettext("You are logged out. Reload the page to log in."),
        "empty": gettext("Nothing was measured in this window."),
        "resting": gettext("Live rests after ten minutes, so that a forgotten page does not keep your Fluksometer busy."),
        "resume": gettext("Go on"),
        "waiting": gettext("Your Fluksometer is asked for values each 10 seconds. It hears so at its next upload, within five minutes."),
        "chart": gettext("Chart from {from} to {to}, {by}. Arrow keys read values, + and − zoom, shift and arrows move, 0 goes back."),
        "remove": gettext("Unsubscribe from {name}"),
        "add": gettext("Subscribe to {name}"),
        "inChart": gettext("{name} in the chart"),
        "full": gettext("At most four others at a time: take one out of the chart first."),
        "noPeers": gettext("Nobody yet. Choose from the list below."),
        "noMembers": gettext("Nobody else shares with you at the moment."),
        "more": gettext("There are more: search for the beginning of a name."),
    }

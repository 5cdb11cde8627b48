# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of a household, and what becomes of its old days when its zone changes.

What is kept by the hour has the beginnings of local days alone that it was kept for. So a zone
holds from what is still kept by the quarter, and older days stay those of the zone before.
"""

import time
from datetime import tzinfo
from typing import TYPE_CHECKING

from flukso_server.series.ladder import horizons_at
from flukso_server.series.localtime import DAY_S, household_zone

if TYPE_CHECKING:
    from flukso_server.accounts.models import Account

FORMER_MAX = 8  # moves that are kept


def zone_of(account: "Account") -> tzinfo:
    """Return the time of the account's household."""
    return household_zone(account.time_zone, account.former_zones)


def former_zones(before: str, former: str, now: float) -> str:
    """Return the former zones of a household that leaves the zone `before` now.

    former: those until now, as household_zone() takes them.
    """
    until = horizons_at(int(now)).quarter * DAY_S
    moves = former.split(",") if former else []
    if moves and int(moves[-1].split(" ")[0]) >= until:
        return former  # the zone that it leaves was never one of what is hours
    return ",".join([*moves, f"{until} {before}"][-FORMER_MAX:])


def note_move(account: "Account") -> None:
    """Set the account's former zones if its zone is about to change."""
    from flukso_server.accounts.models import Account

    row = Account.objects.filter(pk=account.pk).values_list("time_zone", "former_zones").first()
    if row is None or row[0] == account.time_zone or not _has_hours(account):
        return
    before, former = row
    account.former_zones = former_zones(before, former, time.time())


def _has_hours(account: "Account") -> bool:
    """Tell whether a series of the account is so old that it is kept by the hour."""
    from django.db.models import Q

    from flukso_server.devices.models import Sensor
    from flukso_server.project.stores import store

    hours = horizons_at(int(time.time())).quarter * DAY_S
    mine = Q(device__owner=account) | Q(device=None, released_by=account)
    firsts = [store().first(pk) for pk in Sensor.objects.filter(mine).values_list("pk", flat=True)]
    return any(first is not None and first < hours for first in firsts)

# SPDX-License-Identifier: GPL-3.0-or-later
"""An account's contracts, as the money of its electricity is reckoned by them (money/)."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from flukso_server.accounts.membership import DayPrices, Price
from flukso_server.accounts.models import Account
from flukso_server.accounts.prices import AHEAD_MAX, DEFAULT_CURRENCY, DEFAULT_PER_KWH, PriceError
from flukso_server.money.bill import QUARTER_S, Contract
from flukso_server.money.contract import PLACES, PRICE_MAX, Rate, Terms, read
from flukso_server.series.localtime import midnight

DAYS_KEPT = 1100  # of hourly prices: three years
HOUR_S = 3600
CENTS = 100


def contracts_of(account: Account) -> list[Contract]:
    """Return the account's contracts, oldest first; the usual price before the first of them."""
    usual = Terms((Rate("", Decimal(str(DEFAULT_PER_KWH))),))
    made = [Contract(0, usual, DEFAULT_CURRENCY)]
    for price in Price.objects.filter(account=account).order_by("since"):
        start = max(price.begins, made[-1].start)
        made.append(Contract(start, terms_of(price), price.currency))
    return made


def terms_of(price: Price) -> Terms:
    """Return a price's terms: its own, or that one price of each kWh."""
    if price.terms is None:
        return Terms((Rate("", price.cents_per_kwh / CENTS),))
    return read(price.terms)


def set_day_prices(account: Account, day: date, per_kwh: Sequence[Decimal], today: date) -> None:
    """Note what a kWh costs in each quarter, or each hour, of a local day, and keep DAYS_KEPT days.

    A day of 23 or 25 hours has so many prices. It replaces what was noted of the day. Raises
    PriceError.
    """
    if day > today + AHEAD_MAX:
        raise PriceError(_("a date at most two years ahead"))
    zone = ZoneInfo(account.time_zone)
    begins, end = midnight(day, zone), midnight(day + timedelta(1), zone)
    steps = {(end - begins) // step: step for step in (HOUR_S, QUARTER_S)}
    if len(per_kwh) not in steps:
        wanted = _(" or ").join(str(count) for count in sorted(steps))
        raise PriceError(_("%(day)s has %(count)s prices") % {"day": day, "count": wanted})
    for each in per_kwh:
        places = each.as_tuple().exponent
        if not each.is_finite() or abs(each) > PRICE_MAX:
            raise PriceError(_("a price is a number of at most 10000"))
        if isinstance(places, int) and places < -PLACES:
            raise PriceError(_("a price has at most six decimals"))
    noted = DayPrices(
        account=account,
        day=day,
        begins=begins,
        step_s=steps[len(per_kwh)],
        per_kwh=[str(each) for each in per_kwh],
    )
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        own = DayPrices.objects.filter(account=account)
        own.filter(day=day).delete()
        noted.save()
        too_old = own.order_by("-day").values_list("pk", flat=True)[DAYS_KEPT:]
        own.filter(pk__in=list(too_old)).delete()


def spot_prices(account: Account, start: int, end: int) -> dict[int, Decimal]:
    """Return the price of each quarter that begins in start … end, where one is known."""
    found: dict[int, Decimal] = {}
    day_s = 26 * HOUR_S  # no local day is longer
    for noted in DayPrices.objects.filter(
        account=account, begins__gt=start - day_s, begins__lt=end
    ).order_by("begins"):
        for number, text in enumerate(noted.per_kwh):
            first = noted.begins + number * noted.step_s
            for at in range(first, first + noted.step_s, QUARTER_S):
                if start <= at < end:
                    found[at] = Decimal(text)
    return found

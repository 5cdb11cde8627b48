# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account pays a kWh, with its history: a change does not rewrite the past
(docs/design/protocols.md §4).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from flukso_server.accounts.membership import Price
from flukso_server.accounts.models import Account
from flukso_server.series.localtime import midnight

DEFAULT_PER_KWH = 0.18  # euro, until the owner says otherwise
DEFAULT_CURRENCY = "EUR"
PRICES_MAX = 200  # an account's: one a month for sixteen years
AHEAD_MAX = timedelta(days=730)  # contracts run longer, but nobody knows their prices


def local_date(account: Account) -> date:
    """Today, where the account lives."""
    return datetime.now(ZoneInfo(account.time_zone)).date()


class PriceError(ValueError):
    """A price cannot be taken; the text is for its owner."""


class Span(NamedTuple):
    """From `start` (unix s, a local midnight) on a kWh costs so much, until the next span begins."""

    start: int
    per_kwh: float
    currency: str


def spans(accounts: Iterable[int]) -> dict[int, list[Span]]:
    """The spans of accounts (by id), oldest first; always at least one, and the first begins at 0."""
    found: dict[int, list[Span]] = defaultdict(lambda: [Span(0, DEFAULT_PER_KWH, DEFAULT_CURRENCY)])
    rows = Price.objects.filter(account__in=accounts).order_by("since")
    for account, begins, cents, currency in rows.values_list(
        "account_id", "begins", "cents_per_kwh", "currency"
    ):
        start = max(
            begins, found[account][-1].start
        )  # after a move by a day of the clock a later date may begin earlier
        found[account].append(Span(start, float(cents) / 100, currency))
    return {account: found[account] for account in accounts}


def spans_of(account: Account) -> list[Span]:
    return spans([account.pk])[account.pk]


def at(history: list[Span], now: float) -> Span:
    """The span that now (unix s) lies in."""
    return next((span for span in reversed(history) if span.start <= now), history[0])


def own(history: list[Span]) -> list[tuple[int, float]]:
    """(from unix s, per kWh) of what the owner said; before the first one the usual price of each
    unit holds (series/units.py).
    """
    return [(span.start, span.per_kwh) for span in history[1:]]


def set_price(
    account: Account,
    cents_per_kwh: Decimal,
    since: date,
    today: date,
    currency: str = DEFAULT_CURRENCY,
) -> Price:
    """The price from that local date on; replaces the one that began the same day. Raises
    PriceError.
    """
    if since > today + AHEAD_MAX:
        raise PriceError(_("a date at most two years ahead"))
    begins = midnight(since, ZoneInfo(account.time_zone))
    price = Price(
        account=account, since=since, begins=begins, cents_per_kwh=cents_per_kwh, currency=currency
    )
    try:
        price.clean_fields()
    except ValidationError as error:
        raise PriceError(_("cannot be taken: ") + ", ".join(sorted(error.message_dict))) from error
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)  # the lock for the count
        Price.objects.filter(account=account, since=since).delete()
        if Price.objects.filter(account=account).count() >= PRICES_MAX:
            raise PriceError(_("at most %(most)s prices") % {"most": PRICES_MAX})
        price.save()
    return price

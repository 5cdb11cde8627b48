# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account pays a kWh, with its history: a change does not rewrite the past.

docs/design/protocols.md §4 has the rules.
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
from flukso_server.money.contract import ContractError, read
from flukso_server.series.localtime import midnight

DEFAULT_PER_KWH = 0.18  # euro, until the owner says otherwise
DEFAULT_CURRENCY = "EUR"
PRICES_MAX = 200  # an account's: one a month for sixteen years
AHEAD_MAX = timedelta(days=730)  # contracts run longer, but nobody knows their prices


def local_date(account: Account) -> date:
    """Return today's date where the account lives."""
    return datetime.now(ZoneInfo(account.time_zone)).date()


class PriceError(ValueError):
    """A price cannot be noted; the text is for its owner."""


class Span(NamedTuple):
    """What a kWh costs from `start` (unix s, a local midnight) until the next span begins."""

    start: int
    per_kwh: float
    currency: str


def spans(accounts: Iterable[int]) -> dict[int, list[Span]]:
    """Return the spans of each account (by id), oldest first.

    There is always at least one; the first begins at 0.
    """
    usual = Span(0, DEFAULT_PER_KWH, DEFAULT_CURRENCY)
    histories: dict[int, list[Span]] = defaultdict(lambda: [usual])
    rows = Price.objects.filter(account__in=accounts).order_by("since")
    for account, begins, cents, currency in rows.values_list(
        "account_id", "begins", "cents_per_kwh", "currency"
    ):
        # after a move across the date line, a later date may begin earlier
        start = max(begins, histories[account][-1].start)
        histories[account].append(Span(start, float(cents) / 100, currency))
    return {account: histories[account] for account in accounts}


def spans_of(account: Account) -> list[Span]:
    """Return the spans of one account."""
    return spans([account.pk])[account.pk]


def at(history: list[Span], now: float) -> Span:
    """Return the span in which `now` (unix s) lies."""
    return next((span for span in reversed(history) if span.start <= now), history[0])


def own(history: list[Span]) -> list[tuple[int, float]]:
    """Return (from unix s, per kWh) of the owner's own prices.

    Before the first of them, the usual price of each unit holds (series/units.py).
    """
    return [(span.start, span.per_kwh) for span in history[1:]]


class Wanted(NamedTuple):
    """A price as its owner names it: from a local date on, with the contract's terms if it has any
    (the JSON of money/contract.py).
    """

    since: date
    cents_per_kwh: Decimal
    currency: str = DEFAULT_CURRENCY
    terms: dict | None = None


def set_price(account: Account, wanted: Wanted, today: date) -> Price:
    """Note the price; it replaces one that began the same day. Raises PriceError."""
    since = wanted.since
    if since > today + AHEAD_MAX:
        raise PriceError(_("a date at most two years ahead"))
    if wanted.terms is not None:
        try:
            read(wanted.terms)
        except ContractError as error:
            raise PriceError(str(error)) from error
    begins = midnight(since, ZoneInfo(account.time_zone))
    price = Price(account=account, begins=begins, **wanted._asdict())
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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sees whom, at most how many, and what a price's history is: asked of the functions that every page asks."""

import json

import pytest

from server.testbed import Platform

RUN = """
import json
from datetime import date, datetime, timezone
from decimal import Decimal
from accounts.models import Account
from accounts.prices import PriceError, at, own, set_price, spans_of
from accounts.sharing import *

def refused(function, *args):
    try:
        function(*args)
    except (SharingError, PriceError) as error:
        return str(error)
    return None

people = {name: Account.objects.create_user(name) for name in ("ann", "bob", "cas", "dee", "eva", "fay", "gus")}
ann, bob, cas, dee = (people[name] for name in ("ann", "bob", "cas", "dee"))
told = {}
told["unanswered"] = [detail_of(ann), visible_to(ann).count()]
for each in people.values():
    if each != cas:
        set_sharing(each, "minutes", "all")
told["private sees nobody"] = visible_to(cas).count()
told["nobody sees the private"] = [detail_for(ann, cas), refused(subscribe, ann, cas)]
set_sharing(cas, "day", "chosen", [bob])
told["chosen"] = [detail_for(bob, cas), detail_for(ann, cas), detail_for(cas, ann)]
for name in ("bob", "dee", "eva", "fay", "gus"):
    subscribe(ann, people[name])
told["four in the chart"] = [each.username for each in charted(ann)]
told["a fifth"] = refused(show, ann, people["gus"], True)
set_sharing(bob, "private")
told["who hides leaves"] = [each.username for each in charted(ann)]
show(ann, people["gus"], True)
set_sharing(bob, "minutes", "all")
told["who comes back"] = [each.username for each in charted(ann)]
unsubscribe(ann, bob)
told["unsubscribed"] = [each.username for each in charted(ann)]
dee.is_active = False
dee.save()
told["blocked"] = detail_for(ann, dee)
told["oneself"] = refused(subscribe, ann, ann)

today = date(2026, 3, 1)
noon = lambda *day: datetime(*day, 12, tzinfo=timezone.utc).timestamp()
told["no price"] = [own(spans_of(ann), noon(2026, 1, 1)), at(spans_of(ann), noon(2026, 1, 1)).per_kwh]
set_price(ann, Decimal("25"), date(2026, 1, 1), today)
set_price(ann, Decimal("30.5"), date(2026, 3, 1), today)
told["history"] = [at(spans_of(ann), noon(*day)).per_kwh for day in ((2025, 12, 31), (2026, 1, 1), (2026, 2, 28), (2026, 3, 1))]
told["local midnight"] = spans_of(ann)[1].start
told["refused"] = [refused(set_price, ann, Decimal(price), date(2026, 4, 1), today, currency)
    for price, currency in (("-1", "EUR"), ("10001", "EUR"), ("1", "eur"), ("1.23456", "EUR"))]
told["too far"] = refused(set_price, ann, Decimal(1), date(2099, 1, 1), today)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    with Platform(tmp_path_factory.mktemp("sharing")) as platform:
        yield json.loads(platform.command("shell", "-v0", "-c", RUN))


WANTED = {
    "unanswered": ["private", 0],
    "private sees nobody": 0,
    "nobody sees the private": [None, "no such member"],
    "chosen": ["day", None, "minutes"],
    "four in the chart": ["bob", "dee", "eva", "fay"],
    "a fifth": "at most 4 others at a time",
    "who hides leaves": ["dee", "eva", "fay"],
    "who comes back": ["bob", "dee", "eva", "fay"],
    "unsubscribed": ["dee", "eva", "fay", "gus"],
    "blocked": None,
    "oneself": "no such member",
    "no price": [None, 0.18],
    "history": [0.18, 0.25, 0.25, 0.305],
    "local midnight": 1767222000,  # 2025-12-31 23:00 UTC
    "refused": ["cannot be taken: " + name for name in ("cents_per_kwh", "cents_per_kwh", "currency", "cents_per_kwh")],
    "too far": "a date at most two years ahead",
}


@pytest.mark.parametrize("what", WANTED)
def test_sharing_and_prices(told, what):
    assert told[what] == WANTED[what]

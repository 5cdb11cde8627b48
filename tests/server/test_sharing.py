# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sees whom, at most how many, and what a price's history is: asked of the functions that every
page asks.
"""

import json

import pytest

from tools.harness.testbed import Platform

pytestmark = pytest.mark.dated

RUN = """
import json
from datetime import date, datetime, timezone
from decimal import Decimal
from flukso_server.accounts.models import Account
from flukso_server.accounts.prices import PriceError, at, own, set_price, spans_of
from flukso_server.accounts.export import account_record as exported
from flukso_server.accounts.relationships import chosen, followers, relationships
from flukso_server.accounts.sharing import *

def detail_for(viewer, member):
    return visible_to(viewer).filter(pk=member.pk).values_list("sharing__detail", flat=True).first()

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
told["nobody sees the private"] = [detail_for(ann, cas), refused(subscribe, ann, "cas")]
set_sharing(cas, "day", "chosen", [bob])
told["chosen"] = [detail_for(bob, cas), detail_for(ann, cas), detail_for(cas, ann)]
for name in ("bob", "dee", "eva", "fay", "gus"):
    subscribe(ann, name)
told["four in the chart"] = [each.username for each in charted(ann)]
told["a fifth"] = refused(show, ann, "gus", True)
set_sharing(bob, "private")
told["private and unknown alike"] = [
    [refused(subscribe, ann, name), refused(unsubscribe, ann, name), refused(show, ann, name, True), refused(show, ann, name, False)]
    for name in ("cas", "nobody")
]
told["private and followed"] = [refused(show, ann, "bob", True), refused(show, ann, "bob", False)]
told["export"] = exported(ann)["subscriptions"]
told["who hides leaves"] = [each.username for each in charted(ann)]
show(ann, "gus", True)
set_sharing(bob, "minutes", "all")
told["who comes back"] = [each.username for each in charted(ann)]
unsubscribe(ann, "bob")
told["unsubscribed"] = [each.username for each in charted(ann)]
dee.is_active = False
dee.save()
told["blocked"] = detail_for(ann, dee)
told["oneself"] = refused(subscribe, ann, "ann")

eva, fay = people["eva"], people["fay"]
set_sharing(eva, "day", "chosen")
told["chosen nobody"] = [detail_of(eva), visible_to(eva).count(), visible_to(fay).filter(pk=eva.pk).count()]
set_sharing(eva, "day", "chosen", names="somebody")
told["chosen a name"] = [detail_of(eva), visible_to(eva).count() > 0]
set_sharing(eva, "day", "chosen", [fay])
told["chosen one"] = [detail_of(eva), visible_to(eva).count() > 0]

for name in ("ann", "bob", "cas"):
    subscribe(people[name], "fay")
subscribe(fay, "bob")
set_sharing(fay, "minutes", "chosen", [bob, cas, eva])
set_sharing(cas, "private")
told["followers"] = followers(fay)
told["chosen of mine"] = chosen(fay)
told["page"] = [[each.username for each in relationships(fay)["followed"]], sorted(relationships(fay)["more"])]
crowd = Account.objects.bulk_create([Account(username=f"crowd{n:03}") for n in range(105)])
Sharing.objects.bulk_create([Sharing(account=each, detail="day", audience="all") for each in crowd])
told["choice before"] = sorted(Account.objects.filter(pk__in=choice_of(fay)).values_list("username", flat=True))
Subscription.objects.bulk_create([Subscription(subscriber=each, to=fay) for each in crowd])
found = choice_of(fay)
told["choice of a crowd"] = [len(found), sorted(Account.objects.filter(pk__in=found[:2]).values_list("username", flat=True))]
told["page of a crowd"] = [len(relationships(fay)["followers"]), sorted(relationships(fay)["more"])]

today = date(2026, 3, 1)
noon = lambda *day: datetime(*day, 12, tzinfo=timezone.utc).timestamp()
told["no price"] = [own(spans_of(ann)), at(spans_of(ann), noon(2026, 1, 1)).per_kwh]
set_price(ann, Decimal("25"), date(2026, 1, 1), today)
set_price(ann, Decimal("30.5"), date(2026, 3, 1), today)
told["history"] = [at(spans_of(ann), noon(*day)).per_kwh for day in ((2025, 12, 31), (2026, 1, 1), (2026, 2, 28), (2026, 3, 1))]
told["local midnight"] = spans_of(ann)[1].start
told["refused"] = [refused(set_price, ann, Decimal(price), date(2026, 4, 1), today, currency)
    for price, currency in (("-10001", "EUR"), ("10001", "EUR"), ("1", "eur"), ("1.23456", "EUR"))]
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
    "private and unknown alike": [["no such member", None, "no such member", "no such member"]] * 2,
    "private and followed": ["no such member"] * 2,
    "export": ["dee", "eva", "fay", "gus"],
    "chosen nobody": ["private", 0, 0],
    "chosen a name": ["day", True],
    "chosen one": ["day", True],
    "followers": [["ann", False, False], ["bob", True, True]],
    "chosen of mine": ["bob", "eva"],
    "page": [["bob"], []],
    "choice before": ["ann", "bob", "eva"],
    "choice of a crowd": [100, ["bob", "eva"]],
    "page of a crowd": [100, ["followers"]],
    "no price": [[], 0.18],
    "history": [0.18, 0.25, 0.25, 0.305],
    "local midnight": 1767222000,  # 2025-12-31 23:00 UTC
    "refused": [
        "cannot be taken: " + name
        for name in ("cents_per_kwh", "cents_per_kwh", "currency", "cents_per_kwh")
    ],
    "too far": "a date at most two years ahead",
}


@pytest.mark.parametrize("what", WANTED)
def test_sharing_and_prices(told, what):
    assert told[what] == WANTED[what]

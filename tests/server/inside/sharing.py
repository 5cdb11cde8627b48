# SPDX-License-Identifier: GPL-3.0-or-later
"""A story of members who share, follow and pay, for tests/server/test_sharing.py."""

from datetime import date, datetime, timezone
from decimal import Decimal

from flukso_server.accounts.export import account_record
from flukso_server.accounts.models import Account, Sharing, Subscription
from flukso_server.accounts.prices import PriceError, Wanted, at, own, set_price, spans_of
from flukso_server.accounts.relationships import chosen, followers, relationships
from flukso_server.accounts.sharing import (
    SharingError,
    charted,
    choice_of,
    detail_of,
    set_sharing,
    show,
    subscribe,
    unsubscribe,
    visible_to,
)

NAMES = ("ann", "bob", "cas", "dee", "eva", "fay", "gus")
CROWD = 105


def story() -> dict:
    """Return by name what the functions answer at each point of the story."""
    people = {name: Account.objects.create_user(name) for name in NAMES}
    return (
        _begin(people)
        | _follow(people)
        | _choose(people)
        | _be_followed(people)
        | _pay(people["ann"])
    )


def _detail_for(viewer: Account, member: Account) -> str | None:
    visible = visible_to(viewer).filter(pk=member.pk)
    return visible.values_list("sharing__detail", flat=True).first()


def _refused(function, *arguments) -> str | None:
    try:
        function(*arguments)
    except (SharingError, PriceError) as error:
        return str(error)
    return None


def _names(accounts) -> list[str]:
    return [each.username for each in accounts]


def _begin(people: dict[str, Account]) -> dict:
    """All but cas share their minutes with all."""
    ann, bob, cas = (people[name] for name in ("ann", "bob", "cas"))
    seen: dict = {"unanswered": [detail_of(ann), visible_to(ann).count()]}
    for each in people.values():
        if each != cas:
            set_sharing(each, "minutes", "all")
    seen["private sees nobody"] = visible_to(cas).count()
    seen["nobody sees the private"] = [_detail_for(ann, cas), _refused(subscribe, ann, "cas")]
    set_sharing(cas, "day", "chosen", [bob])
    pairs = ((bob, cas), (ann, cas), (cas, ann))
    return seen | {"chosen": [_detail_for(viewer, member) for viewer, member in pairs]}


def _follow(people: dict[str, Account]) -> dict:
    """ann follows five, of whom bob becomes private and comes back."""
    ann, bob, dee = (people[name] for name in ("ann", "bob", "dee"))
    for name in ("bob", "dee", "eva", "fay", "gus"):
        subscribe(ann, name)
    seen: dict = {"four in the chart": _names(charted(ann))}
    seen["a fifth"] = _refused(show, ann, "gus", True)
    set_sharing(bob, "private")
    seen["private and unknown alike"] = [_refusals_of(ann, name) for name in ("cas", "nobody")]
    shown = [_refused(show, ann, "bob", wanted) for wanted in (True, False)]
    seen |= {"private and followed": shown, "export": account_record(ann)["subscriptions"]}
    seen["who hides leaves"] = _names(charted(ann))
    show(ann, "gus", True)
    set_sharing(bob, "minutes", "all")
    seen["who comes back"] = _names(charted(ann))
    unsubscribe(ann, "bob")
    seen["unsubscribed"] = _names(charted(ann))
    dee.is_active = False
    dee.save()
    return seen | {"blocked": _detail_for(ann, dee), "oneself": _refused(subscribe, ann, "ann")}


def _refusals_of(follower: Account, name: str) -> list[str | None]:
    return [
        _refused(subscribe, follower, name),
        _refused(unsubscribe, follower, name),
        _refused(show, follower, name, True),
        _refused(show, follower, name, False),
    ]


def _choose(people: dict[str, Account]) -> dict:
    """eva shares with nobody, with a name that nobody has, and with fay."""
    eva, fay = people["eva"], people["fay"]
    set_sharing(eva, "day", "chosen")
    sees = [visible_to(eva).count(), visible_to(fay).filter(pk=eva.pk).count()]
    seen: dict = {"chosen nobody": [detail_of(eva), *sees]}
    set_sharing(eva, "day", "chosen", names="somebody")
    seen["chosen a name"] = [detail_of(eva), visible_to(eva).count() > 0]
    set_sharing(eva, "day", "chosen", [fay])
    return seen | {"chosen one": [detail_of(eva), visible_to(eva).count() > 0]}


def _be_followed(people: dict[str, Account]) -> dict:
    """fay is followed by three, then by a crowd."""
    bob, cas, eva, fay = (people[name] for name in ("bob", "cas", "eva", "fay"))
    for name in ("ann", "bob", "cas"):
        subscribe(people[name], "fay")
    subscribe(fay, "bob")
    set_sharing(fay, "minutes", "chosen", [bob, cas, eva])
    set_sharing(cas, "private")
    page = relationships(fay)
    seen: dict = {"followers": followers(fay), "chosen of mine": chosen(fay)}
    seen["page"] = [_names(page["followed"]), sorted(page["more"])]
    crowd = Account.objects.bulk_create(Account(username=f"crowd{n:03}") for n in range(CROWD))
    Sharing.objects.bulk_create(
        Sharing(account=each, detail="day", audience="all") for each in crowd
    )
    seen["choice before"] = _named(choice_of(fay))
    Subscription.objects.bulk_create(Subscription(subscriber=each, to=fay) for each in crowd)
    choice, page = choice_of(fay), relationships(fay)
    seen["choice of a crowd"] = [len(choice), _named(choice[:2])]
    return seen | {"page of a crowd": [len(page["followers"]), sorted(page["more"])]}


def _named(keys) -> list[str]:
    return sorted(Account.objects.filter(pk__in=keys).values_list("username", flat=True))


def _pay(ann: Account) -> dict:
    """ann has two prices, and others that are refused."""
    today = date(2026, 3, 1)
    free = [own(spans_of(ann)), at(spans_of(ann), _noon(2026, 1, 1)).per_kwh]
    set_price(ann, Wanted(date(2026, 1, 1), Decimal("25")), today)
    set_price(ann, Wanted(date(2026, 3, 1), Decimal("30.5")), today)
    days = ((2025, 12, 31), (2026, 1, 1), (2026, 2, 28), (2026, 3, 1))
    wrong = (("-10001", "EUR"), ("10001", "EUR"), ("1", "eur"), ("1.23456", "EUR"))
    april = date(2026, 4, 1)
    return {
        "no price": free,
        "history": [at(spans_of(ann), _noon(*day)).per_kwh for day in days],
        "local midnight": spans_of(ann)[1].start,
        "refused": [
            _refused(set_price, ann, Wanted(april, Decimal(price), currency), today)
            for price, currency in wrong
        ],
        "too far": _refused(set_price, ann, Wanted(date(2099, 1, 1), Decimal(1)), today),
    }


def _noon(year: int, month: int, day: int) -> float:
    return datetime(year, month, day, 12, tzinfo=timezone.utc).timestamp()

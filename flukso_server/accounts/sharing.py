# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may see what of whom; every page that shows one member to another asks this module."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from flukso_server.accounts import names
from flukso_server.accounts.membership import Sharing, Subscription
from flukso_server.accounts.models import Account
from flukso_server.project.prepared import Prepared

SHOWN_MAX = 4  # others in a chart, beside one's own line
SUBSCRIPTIONS_MAX = 200  # of a member: a list that a person can read
CHOSEN_MAX = 1000  # members whom one chooses
LISTED_MAX = 100  # Fluksonians at once; more are searched for by the beginning of their names

Detail = Sharing.Detail
SHARED = (Detail.DAY, Detail.MINUTES)


class SharingError(ValueError):
    """The request cannot be met; the text is for the member."""


def detail_of(account: Account) -> str:
    """Return what the account shares at all: `private`, `day` or `minutes`.

    An account that has not answered, or that has chosen nobody, is private.
    """
    rows = _DETAIL.rows(account.pk)
    return rows[0][0] if rows else Detail.PRIVATE


def _sharers() -> QuerySet[Sharing]:
    """Return the answers of those who share something with somebody.

    A typed name counts whether a member has it or not; otherwise whoever types one would learn
    that.
    """
    named = Exists(Sharing.chosen.through.objects.filter(sharing=OuterRef("pk")))
    return Sharing.objects.filter(
        Q(audience=Sharing.Audience.ALL) | named | ~Q(names=""), detail__in=SHARED
    )


_DETAIL = Prepared(lambda account: _sharers().filter(account=account).values_list("detail"))


def visible_to(viewer: Account) -> QuerySet[Account]:
    """Return the other members who share something with this one; none for a private member."""
    return _visible_to(viewer.pk)


def _visible_to(viewer: int) -> QuerySet[Account]:
    named = Sharing.chosen.through.objects.filter(sharing=OuterRef("pk"), account=viewer)
    open_to = Q(sharing__audience=Sharing.Audience.ALL) | Exists(named)
    sharer = Exists(_sharers().filter(account=viewer))
    return (
        Account.objects.filter(open_to, sharer, sharing__detail__in=SHARED, is_active=True)
        .exclude(pk=viewer)
        .select_related("sharing")
    )


def choice_of(account: Account) -> list[int]:
    """Return the members in sight (ids) whom a sharer may tick.

    First come those that are chosen already, then those that it follows or that follow it.
    """
    chosen = Exists(
        Sharing.chosen.through.objects.filter(sharing=account.pk, account=OuterRef("pk"))
    )
    followed = Exists(Subscription.objects.filter(subscriber=account, to=OuterRef("pk")))
    follows = Exists(Subscription.objects.filter(subscriber=OuterRef("pk"), to=account))
    near = visible_to(account).annotate(ticked=chosen).filter(Q(ticked=True) | followed | follows)
    return list(near.order_by("-ticked", "username").values_list("pk", flat=True)[:LISTED_MAX])


def set_sharing(
    account: Account,
    detail: str,
    audience: str = Sharing.Audience.CHOSEN,
    chosen: Iterable[Account] = (),
    names: str = "",
) -> Sharing:
    """Store the member's answer, which holds at once. Raises SharingError.

    names: those of the chosen members, as they were typed.
    """
    if detail not in Detail.values or audience not in Sharing.Audience.values:
        raise SharingError(_("no such answer"))
    named = list(chosen)
    if len(named) > CHOSEN_MAX:
        raise SharingError(_("at most %(most)s members") % {"most": CHOSEN_MAX})
    with transaction.atomic():
        answer = {"detail": detail, "audience": audience, "names": names}
        sharing, _made = Sharing.objects.update_or_create(account=account, defaults=answer)
        sharing.chosen.set([each for each in named if each.pk != account.pk])
    return sharing


def subscriptions_of(account: Account) -> QuerySet[Subscription]:
    """Return the subscriptions whose line the account may see today, the oldest first.

    A line that a member hides comes back when they share again.
    """
    return _subscriptions_of(account.pk).select_related("to", "to__sharing")


def _subscriptions_of(account: int) -> QuerySet[Subscription]:
    return Subscription.objects.filter(subscriber=account, to__in=_visible_to(account))


class Followed(NamedTuple):
    """A subscription as lists show it."""

    pk: int
    username: str
    detail: str
    wanted: bool  # in the chart, if there is room


def followed(account: Account) -> list[Followed]:
    """Return subscriptions_of() as lists show them."""
    return [
        Followed(pk, name, detail, bool(wanted))
        for pk, name, detail, wanted in _FOLLOWED.rows(account.pk)
    ]


_FOLLOWED = Prepared(
    lambda account: _subscriptions_of(account).values_list(
        "to", "to__username", "to__sharing__detail", "shown"
    )
)


def others(account: Account, search: str = "") -> list[tuple[str, str]]:
    """Return (name, detail) of members in sight whom the account does not follow, by name.

    These are LISTED_MAX and one more. search: the beginning of their names.
    """
    if not search:
        return _OTHERS.rows(account.pk)
    return list(
        _others(account.pk).filter(name_key__startswith=names.key(search))[: LISTED_MAX + 1]
    )


def _others(account: int) -> QuerySet:
    known = Subscription.objects.filter(subscriber=account, to=OuterRef("pk"))
    return (
        _visible_to(account)
        .exclude(Exists(known))
        .order_by("username")
        .values_list("username", "sharing__detail")
    )


_OTHERS = Prepared(lambda account: _others(account)[: LISTED_MAX + 1])


class Shown(NamedTuple):
    """Another member whose line is in the chart."""

    pk: int  # of the account
    username: str
    time_zone: str
    former_zones: str
    detail: str


def charted(account: Account) -> list[Shown]:
    """Return the others in the account's chart: four at most, also when more have come back."""
    return [Shown(*row) for row in _CHARTED.rows(account.pk)]


def named(account: Account, wanted: Sequence[str]) -> list[Shown]:
    """Return those of the first four names that the account may see, in the names' order."""
    keys = [names.key(name) for name in wanted[:SHOWN_MAX]]
    rows = (
        visible_to(account)
        .filter(name_key__in=keys)
        .values_list("pk", "username", "time_zone", "former_zones", "sharing__detail")
    )
    members = {names.key(row[1]): Shown(*row) for row in rows}
    return [members[key] for key in dict.fromkeys(keys) if key in members]


_CHARTED = Prepared(
    lambda account: (
        _subscriptions_of(account)
        .filter(shown=True)
        .values_list(
            "to", "to__username", "to__time_zone", "to__former_zones", "to__sharing__detail"
        )[:SHOWN_MAX]
    )
)


def subscribe(account: Account, name: str) -> Subscription:
    """Follow a member, and put their line into the chart if there is room.

    Raises SharingError, with the same text for hidden and unknown members.
    """
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)  # the lock for the counts
        member = visible_to(account).filter(name_key=names.key(name)).first()
        if member is None:
            raise SharingError(_("no such member"))
        existing = account.subscriptions.filter(to=member).first()
        if existing is not None:
            return existing
        if account.subscriptions.count() >= SUBSCRIPTIONS_MAX:
            raise SharingError(_("at most %(most)s subscriptions") % {"most": SUBSCRIPTIONS_MAX})
        return Subscription.objects.create(subscriber=account, to=member, shown=_has_room(account))


def unsubscribe(account: Account, name: str) -> None:
    """Remove the subscription.

    Does nothing if the member is hidden, unknown or not followed; all three answer alike.
    """
    account.subscriptions.filter(to__name_key=names.key(name)).delete()


def show(account: Account, name: str, shown: bool) -> None:
    """Put a subscribed line into the chart, or take it out.

    Raises SharingError if four are in it already.
    """
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        subscription = subscriptions_of(account).filter(to__name_key=names.key(name)).first()
        if subscription is None:
            raise SharingError(_("no such member"))
        if shown and not subscription.shown and not _has_room(account):
            raise SharingError(_("at most %(most)s others at a time") % {"most": SHOWN_MAX})
        account.subscriptions.filter(pk=subscription.pk).update(shown=shown)


def _has_room(account: Account) -> bool:
    """Tell whether the account's chart has room for another line."""
    return subscriptions_of(account).filter(shown=True).count() < SHOWN_MAX

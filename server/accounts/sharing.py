# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sees what of whom: every page and endpoint that shows one member to another asks here."""

from collections.abc import Iterable

from accounts.membership import Sharing, Subscription
from accounts.models import Account
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

SHOWN_MAX = 4  # others in a chart, beside one's own line
SUBSCRIPTIONS_MAX = 200  # a member's: a list that a person can read
CHOSEN_MAX = 1000  # members that a sharer names

Detail = Sharing.Detail
SHARED = (Detail.DAY, Detail.MINUTES)


class SharingError(ValueError):
    """Cannot be done; the text is for the member."""


def detail_of(account: Account) -> str:
    """What the account shares at all: `private`, `day` or `minutes`. Who has not answered is private."""
    found = Sharing.objects.filter(account=account).values_list("detail", flat=True).first()
    return found or Detail.PRIVATE


def visible_to(viewer: Account) -> QuerySet[Account]:
    """The other members that share something with this one; nobody for one who is private."""
    named = Sharing.chosen.through.objects.filter(sharing=OuterRef("pk"), account=viewer)
    open_to = Q(sharing__audience=Sharing.Audience.ALL) | Exists(named)
    answered = Exists(Sharing.objects.filter(account=viewer, detail__in=SHARED))
    return Account.objects.filter(open_to, answered, sharing__detail__in=SHARED, is_active=True).exclude(pk=viewer.pk).select_related("sharing")


def detail_for(viewer: Account, member: Account) -> str | None:
    """How finely the viewer may see the member: `day` or `minutes`; oneself all; None for not at all, as for one who is not there."""
    if viewer.pk == member.pk:
        return Detail.MINUTES
    return visible_to(viewer).filter(pk=member.pk).values_list("sharing__detail", flat=True).first()


def set_sharing(account: Account, detail: str, audience: str = Sharing.Audience.CHOSEN, chosen: Iterable[Account] = ()) -> Sharing:
    """The member's answer, which holds at once. Raises SharingError."""
    if detail not in Detail.values or audience not in Sharing.Audience.values:
        raise SharingError(_("no such answer"))
    named = list(chosen)
    if len(named) > CHOSEN_MAX:
        raise SharingError(_("at most %(most)s members") % {"most": CHOSEN_MAX})
    with transaction.atomic():
        sharing, _made = Sharing.objects.update_or_create(account=account, defaults={"detail": detail, "audience": audience})
        sharing.chosen.set([each for each in named if each.pk != account.pk])
    return sharing


def subscriptions_of(account: Account) -> QuerySet[Subscription]:
    """Those whose line the account may see today, the oldest first; what a member hides comes back when they share again."""
    names = ("shown", "subscriber_id", "to__username", "to__time_zone", "to__sharing__detail")
    return account.subscriptions.filter(to__in=visible_to(account)).select_related("to", "to__sharing").only(*names)


def charted(account: Account) -> list[Subscription]:
    """The others in the account's chart: at most four, also when more have come back."""
    return list(subscriptions_of(account).filter(shown=True)[:SHOWN_MAX])


def subscribe(account: Account, member: Account) -> Subscription:
    """The member's line comes into the chart while there is room. Raises SharingError, with one text for hidden and unknown ones."""
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)  # the lock for the counts
        if not visible_to(account).filter(pk=member.pk).exists():
            raise SharingError(_("no such member"))
        found = account.subscriptions.filter(to=member).first()
        if found is not None:
            return found
        if account.subscriptions.count() >= SUBSCRIPTIONS_MAX:
            raise SharingError(_("at most %(most)s subscriptions") % {"most": SUBSCRIPTIONS_MAX})
        return Subscription.objects.create(subscriber=account, to=member, shown=_room(account))


def unsubscribe(account: Account, member: Account) -> None:
    account.subscriptions.filter(to=member).delete()


def show(account: Account, member: Account, shown: bool) -> None:
    """Put a subscribed line into the chart, or take it out. Raises SharingError when four are there."""
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        found = subscriptions_of(account).filter(to=member).first()
        if found is None:
            raise SharingError(_("no such member"))
        if shown and not found.shown and not _room(account):
            raise SharingError(_("at most %(most)s others at a time") % {"most": SHOWN_MAX})
        account.subscriptions.filter(pk=found.pk).update(shown=shown)


def _room(account: Account) -> bool:
    return subscriptions_of(account).filter(shown=True).count() < SHOWN_MAX

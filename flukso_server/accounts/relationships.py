# SPDX-License-Identifier: GPL-3.0-or-later
"""Who a member is connected to, as far as the member may see them: followed, following, chosen,
invited.
"""

from typing import NamedTuple

from flukso_server.accounts.models import Account, Invitation, Sharing
from flukso_server.accounts.sharing import LISTED_MAX, followed, subscriptions_of, visible_to

INVITED_MAX = (
    200  # open ones are among them: at most ten a day are sent, which stay open for a fortnight
)


class Follower(NamedTuple):
    """Somebody who follows the member; sees: what the member shares reaches them today; back: the
    member follows them too.
    """

    username: str
    sees: bool
    back: bool


def followers(account: Account) -> list[Follower]:
    """Those in sight, by name; LISTED_MAX and one more."""
    sharing = Sharing.objects.filter(account=account).first()
    if sharing is None:
        return []
    rows = (
        visible_to(account)
        .filter(subscriptions__to=account)
        .order_by("username")
        .values_list("pk", "username")[: LISTED_MAX + 1]
    )
    everybody = sharing.audience == Sharing.Audience.ALL
    reached = set(sharing.chosen.values_list("pk", flat=True))
    back = set(subscriptions_of(account).values_list("to", flat=True))
    return [Follower(name, everybody or pk in reached, pk in back) for pk, name in rows]


def chosen(account: Account) -> list[str]:
    """Names of those in sight whom the member ticked or named, LISTED_MAX and one more."""
    ticked = Sharing.chosen.through.objects.filter(sharing=account.pk).values("account")
    return list(
        visible_to(account)
        .filter(pk__in=ticked)
        .order_by("username")
        .values_list("username", flat=True)[: LISTED_MAX + 1]
    )


class Invited(NamedTuple):
    """An invitation that the member sent; name: who came by it, empty for one who is out of sight."""

    invitation: Invitation
    name: str


def invited(account: Account) -> list[Invited]:
    """The newest first, INVITED_MAX at most."""
    names = dict(
        visible_to(account).filter(invitation__inviter=account).values_list("pk", "username")
    )
    return [
        Invited(each, names.get(each.accepted_by_id, ""))
        for each in account.invitations.all()[:INVITED_MAX]
    ]


def inviter(account: Account) -> str:
    """Who invited the member; empty when nobody in sight did."""
    return (
        visible_to(account)
        .filter(invitations__accepted_by=account)
        .values_list("username", flat=True)
        .first()
        or ""
    )


def relationships(account: Account) -> dict:
    """All of it for the page: whom others decide on, LISTED_MAX at most, and in `more` of which
    lists there are more.
    """
    following, named = followers(account), chosen(account)
    return {
        "followed": followed(account),
        "followers": following[:LISTED_MAX],
        "chosen": named[:LISTED_MAX],
        "more": {
            name
            for name, rows in (("followers", following), ("chosen", named))
            if len(rows) > LISTED_MAX
        },
        "invited": invited(account),
        "inviter": inviter(account),
        "answer": Sharing.objects.filter(account=account).first(),
    }

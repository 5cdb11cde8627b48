# SPDX-License-Identifier: GPL-3.0-or-later
"""The members to whom a member has a connection, as far as the member may see them."""

from typing import NamedTuple

from flukso_server.accounts.models import Account, Invitation, Sharing
from flukso_server.accounts.sharing import LISTED_MAX, followed, subscriptions_of, visible_to

# shown, the newest first; all open ones are among them: ten a day at most, open for a fortnight
INVITED_MAX = 200


class Follower(NamedTuple):
    """Somebody who follows the member."""

    username: str
    sees: bool  # what the member shares reaches them today
    back: bool  # the member follows them too


def followers(account: Account) -> list[Follower]:
    """Return the followers in sight, by name: LISTED_MAX and one more."""
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
    """Return the names of chosen members in sight: LISTED_MAX and one more."""
    ticked = Sharing.chosen.through.objects.filter(sharing=account.pk).values("account")
    return list(
        visible_to(account)
        .filter(pk__in=ticked)
        .order_by("username")
        .values_list("username", flat=True)[: LISTED_MAX + 1]
    )


class Invited(NamedTuple):
    """An invitation that the member sent."""

    invitation: Invitation
    name: str  # of the member who came by it, empty if that one is out of sight


def invited(account: Account) -> list[Invited]:
    """Return the member's invitations, the newest first, INVITED_MAX at most."""
    names = dict(
        visible_to(account).filter(invitation__inviter=account).values_list("pk", "username")
    )
    return [
        Invited(each, names.get(each.accepted_by_id, ""))
        for each in account.invitations.all()[:INVITED_MAX]
    ]


def inviter(account: Account) -> str:
    """Return the name of the member who sent the invitation, empty if nobody in sight did."""
    return (
        visible_to(account)
        .filter(invitations__accepted_by=account)
        .values_list("username", flat=True)
        .first()
        or ""
    )


def relationships(account: Account) -> dict:
    """Return all of it for the page.

    Lists whose length others decide on have LISTED_MAX entries at most; `more` names those of which
    there are more.
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

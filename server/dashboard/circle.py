# SPDX-License-Identifier: GPL-3.0-or-later
"""The two lists beside the chart: whom the member follows, and whom they could."""

from accounts.sharing import SHOWN_MAX, Detail, detail_of, subscriptions_of, visible_to

LISTED_MAX = 100  # Fluksonians at once; more are found by the beginning of their names


def lists(account, search: str = "") -> dict:
    """subscriptions: [{name, shown, detail}]; fluksonians, the others: [{name, detail}]; more: there are yet more; private: sees nobody."""
    if detail_of(account) == Detail.PRIVATE:
        return {"private": True, "subscriptions": [], "fluksonians": [], "more": False, "most": SHOWN_MAX}
    followed = list(subscriptions_of(account))
    shown = {each.pk for each in [each for each in followed if each.shown][:SHOWN_MAX]}  # as in sharing.charted(), without asking again
    others = visible_to(account).exclude(pk__in=[each.to_id for each in followed]).order_by("username")
    if search:
        others = others.filter(username__istartswith=search)
    found = list(others[: LISTED_MAX + 1])
    return {
        "private": False,
        "subscriptions": [
            {"name": each.to.get_username(), "shown": each.pk in shown, "detail": each.to.sharing.detail} for each in followed
        ],
        "fluksonians": [{"name": each.get_username(), "detail": each.sharing.detail} for each in found[:LISTED_MAX]],
        "more": len(found) > LISTED_MAX,
        "most": SHOWN_MAX,
    }

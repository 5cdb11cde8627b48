# SPDX-License-Identifier: GPL-3.0-or-later
"""The two lists beside the chart: members whom one follows, and members whom one could follow."""

from flukso_server.accounts.sharing import (
    LISTED_MAX,
    SHOWN_MAX,
    Detail,
    detail_of,
    followed,
    others,
)


def lists(account, search: str = "", names: tuple[str, ...] | None = None) -> dict:
    """Return the lists as the page's scripts read them.

    subscriptions: [{name, shown, detail}]. fluksonians: [{name, detail}] of the others. more: there
    are more of these. private: the member sees nobody. most: how many the chart can show.

    names: those that the chart shows, None for those that the account keeps there.
    """
    if detail_of(account) == Detail.PRIVATE:
        return {
            "private": True,
            "subscriptions": [],
            "fluksonians": [],
            "more": False,
            "most": SHOWN_MAX,
        }
    subscribed, fluksonians = followed(account), others(account, search)
    if names is None:
        # what sharing.charted() would return, without another query
        names = tuple(each.username for each in subscribed if each.wanted)[:SHOWN_MAX]
    return {
        "private": False,
        "subscriptions": [
            {"name": each.username, "shown": each.username in names, "detail": each.detail}
            for each in subscribed
        ],
        "fluksonians": [
            {"name": name, "detail": detail} for name, detail in fluksonians[:LISTED_MAX]
        ],
        "more": len(fluksonians) > LISTED_MAX,
        "most": SHOWN_MAX,
    }

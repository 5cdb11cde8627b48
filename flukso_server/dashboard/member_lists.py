# SPDX-License-Identifier: GPL-3.0-or-later
"""The two lists beside the chart: whom the member follows, and whom they could."""

from flukso_server.accounts.sharing import (
    LISTED_MAX,
    SHOWN_MAX,
    Detail,
    detail_of,
    followed,
    others,
)


def lists(account, search: str = "", names: tuple[str, ...] | None = None) -> dict:
    """subscriptions: [{name, shown, detail}]; fluksonians, the others: [{name, detail}]; more:
    there are yet more; private: sees nobody.

    names: what the chart shows, None for what the account keeps there.
    """
    if detail_of(account) == Detail.PRIVATE:
        return {
            "private": True,
            "subscriptions": [],
            "fluksonians": [],
            "more": False,
            "most": SHOWN_MAX,
        }
    subscribed, found = followed(account), others(account, search)
    if names is None:
        names = tuple(each.username for each in subscribed if each.wanted)[
            :SHOWN_MAX
        ]  # as in sharing.charted(), without asking again
    return {
        "private": False,
        "subscriptions": [
            {"name": each.username, "shown": each.username in names, "detail": each.detail}
            for each in subscribed
        ],
        "fluksonians": [{"name": name, "detail": detail} for name, detail in found[:LISTED_MAX]],
        "more": len(found) > LISTED_MAX,
        "most": SHOWN_MAX,
    }

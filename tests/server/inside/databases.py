# SPDX-License-Identifier: GPL-3.0-or-later
"""What either kind of database answers, for tests/server/test_databases.py."""

from django.db import connection

from flukso_server.accounts import sharing
from flukso_server.accounts.models import Account, Price, Token
from flukso_server.devices.models import Device, Sensor


def vendor() -> str:
    return connection.vendor


def contents() -> dict:
    """Return how many rows there are, and the prices."""
    counted = {kind.__name__: kind.objects.count() for kind in (Account, Token, Device, Sensor)}
    prices = Price.objects.values_list("cents_per_kwh", flat=True)
    return counted | {"prices": [str(each) for each in prices]}


def price_in_older_schema(name: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT price FROM accounts_account WHERE username=%s", [name])
        return float(cursor.fetchone()[0])


def follow(name: str, other: str) -> dict:
    """Let both share with all and the first follow the other; return what queries say of them."""
    follower, followed = (Account.objects.get(username=each) for each in (name, other))
    for each in (follower, followed):
        sharing.set_sharing(each, "minutes", "all")
    sharing.subscribe(follower, other)
    return {
        "detail": sharing.detail_of(followed),
        "wanted": sharing.followed(follower)[0].wanted,
        "others": sharing.others(followed),
        "named": sharing.named(followed, [name])[0].username,
    }

# SPDX-License-Identifier: GPL-3.0-or-later
"""Members by the names that they have, for tests/server/test_names.py."""

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from flukso_server.accounts import sharing
from flukso_server.accounts.adapter import Adapter
from flukso_server.accounts.models import Account


def refusals(first: str, second: str) -> list[str]:
    """Make the first; return what model, log-in and database say of the second."""
    Account.objects.create_user(first, password="x")
    attempts = (
        Account(username=second).clean,
        lambda: Adapter().clean_username(second),
        lambda: Account.objects.create_user(second, password="x"),
    )
    return [_refusal(attempt) for attempt in attempts]


def _refusal(attempt) -> str:
    try:
        attempt()
    except ValidationError as error:
        return str(error.messages)
    return "taken"


def log_ins(name: str, typed: list[str]) -> list[int]:
    """Make a member; return the status of a log-in by each way to write the name."""
    password = "correct horse zoe"
    Account.objects.create_user(name, password=password)
    client, found = Client(SERVER_NAME="localhost"), []
    for each in typed:
        fields = {"login": each, "password": password}
        found.append(client.post("/login/", fields, secure=True).status_code)
        client.logout()
    return found


def meet(name: str, other: str) -> dict:
    """Make two members; return how the first finds the other by capital letters."""
    member, friend = (Account.objects.create_user(each) for each in (name, other))
    for each in (member, friend):
        sharing.set_sharing(each, "minutes", "all")
    found = {
        "part of it": [each for each, _detail in sharing.others(member, other[:3].upper())],
        "subscribed": sharing.subscribe(member, other.swapcase()).to.username,
        "named": [each.username for each in sharing.named(member, [other.upper()])],
    }
    sharing.unsubscribe(member, other.upper())
    return found | {"left": sharing.followed(member)}


def clean(name: str) -> None:
    Account(username=name).clean()


def make_in_schema(schema: str, names: list[str]) -> None:
    """Make members in a database that has been migrated to this state alone."""
    state = MigrationExecutor(connection).loader.project_state([("accounts", schema)])
    accounts = state.apps.get_model("accounts", "Account").objects
    for name in names:
        accounts.create(username=name, password="!")


def oldest_first() -> list[str]:
    """Return all names, in whatever state the database is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT username FROM accounts_account ORDER BY id")
        return [name for (name,) in cursor.fetchall()]

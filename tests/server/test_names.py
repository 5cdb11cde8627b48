# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that count as one, names that nobody may have, and the way there with data that an older
schema allowed.
"""

import pytest

from tools.harness.testbed import Platform

SAME = [
    ("finn", "ﬁnn"),
    ("Émile", "éMILE"),
    ("strasse", "Straße"),
    ("ａbel", "Abel"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
]
TRY = """
from django.core.exceptions import ValidationError
from flukso_server.accounts.models import Account
from flukso_server.accounts.adapter import Adapter
Account.objects.create_user("{first}", password="x")
again = Account(username="{second}")
for refuse in (again.clean, lambda: Adapter().clean_username("{second}")):
    try:
        refuse()
        print("taken")
    except ValidationError as error:
        print(error.messages)
try:
    Account.objects.create_user("{second}", password="x")
except ValidationError as error:
    print(error.messages)
"""


@pytest.mark.parametrize("first, second", SAME)
def test_names_are_one_by_nfkc_and_case_folding(desk, first, second):
    told = desk.shell(TRY.format(first=first, second=second)).splitlines()
    assert len(told) == 3 and all("already" in line for line in told), told


LOG_IN = """
from django.test import Client
from flukso_server.accounts.models import Account
Account.objects.create_user("Zoë-ﬁne", password="correct horse zoe")
client = Client(SERVER_NAME="localhost")
for name in ("zoë-fine", "ZOË-FINE", "Zoë-ﬁne"):
    print(client.post("/login/", {"login": name, "password": "correct horse zoe"}, secure=True).status_code)
    client.logout()
"""


def test_one_may_log_in_by_any_way_to_write_the_name(desk):
    assert desk.shell(LOG_IN).split() == ["302"] * 3


SHARE = """
from flukso_server.accounts import sharing
from flukso_server.accounts.models import Account
ida, joan = (Account.objects.create_user(name) for name in ("ida", "Joën"))
for each in (ida, joan):
    sharing.set_sharing(each, "minutes", "all")
print([name for name, _detail in sharing.others(ida, "JOË")], sharing.subscribe(ida, "joËn").to, sharing.named(ida, ["JOËN"])[0].username)
sharing.unsubscribe(ida, "JOËN")
print(sharing.followed(ida))
"""


def test_members_are_found_by_any_way_to_write_their_names(desk):
    assert desk.shell(SHARE).splitlines() == ["['Joën'] Joën Joën", "[]"]


@pytest.mark.parametrize("name", ["me", "demo", "Demo", "ｍｅ"])
def test_some_names_are_nobodys_operators_included(desk, name):
    with pytest.raises(RuntimeError, match="This name cannot be had") as told:
        desk.command("createsuperuser", "--noinput", "--username", name, "--email", "o@example.org")
    assert "Traceback" not in str(told.value)
    make = (
        "from flukso_server.accounts.models import Account; a = Account(username='{}'); a.clean()"
    )
    with pytest.raises(RuntimeError, match="This name cannot be had"):
        desk.shell(make.format(name))


OLD = """
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
state = MigrationExecutor(connection).loader.project_state([("accounts", "{schema}")])
accounts = state.apps.get_model("accounts", "Account").objects
for name in {names}:
    accounts.create(username=name, password="!")
"""
NAMES = (
    "from django.db import connection; c = connection.cursor(); c.execute('SELECT username "
    "FROM accounts_account ORDER BY id'); "
)
NAMES += "print(*[row[0] for row in c.fetchall()])"


def test_the_way_there_and_back_with_names_that_clash(tmp_path):
    """The oldest keeps its name; nothing is lost either way."""
    with Platform(tmp_path, service=None) as desk:
        desk.command("migrate", "-v0", "accounts", "0010")
        desk.command(
            "shell",
            "-v0",
            "-c",
            OLD.format(
                schema="0010_names_in_any_case",
                names=["finn", "ﬁnn", "finn-2", "demo", "ｍｅ", "Émile", "éMILE"],
            ),
        )
        desk.command("migrate", "-v0")
        there = desk.command("shell", "-v0", "-c", NAMES).split()
        assert there == ["finn", "ﬁnn-3", "finn-2", "demo-2", "ｍｅ-2", "Émile", "éMILE-2"]
        desk.command("migrate", "-v0", "accounts", "0010")
        assert desk.command("shell", "-v0", "-c", NAMES).split() == there
        desk.command("migrate", "-v0")
        desk.command("makemigrations", "--check", "--dry-run")

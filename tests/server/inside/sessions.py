# SPDX-License-Identifier: GPL-3.0-or-later
"""A session in use, for tests/server/test_sessions.py."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flukso_server.accounts.models import Account

DAY_S = 86_400
WRITES = ("INSERT", "UPDATE", "DELETE")


def looks() -> list[list]:
    """Look at a page twice, then twice more after two days of a session from an older release.

    Each look is [status, age of the cookie that was sent or None, writes, days until the end].
    """
    Account.objects.create_user("lasting", password="correct horse lasting")
    client = Client(SERVER_NAME="localhost")
    fields = {"login": "lasting", "password": "correct horse lasting"}
    client.post("/login/", fields, secure=True)
    seen = [_look(client), _look(client)]
    _set_back(client, days=2, expiry_s=14 * DAY_S)
    return [*seen, _look(client), _look(client)]


def _look(client: Client) -> list:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/account/", secure=True)
    cookie = answer.cookies.get("sessionid")
    writes = sum(each["sql"].split()[0] in WRITES for each in queries)
    left = Session.objects.get(pk=client.session.session_key).expire_date - timezone.now()
    age = cookie and cookie["max-age"]
    return [answer.status_code, age, writes, round(left / timedelta(days=1))]


def _set_back(client: Client, days: int, expiry_s: int) -> None:
    """Let the session be used last so many days ago, with that much of its age left."""
    session = client.session
    session["renewed"] -= days * DAY_S
    session.set_expiry(expiry_s)
    session.save()
    end = timezone.now() + timedelta(days=1)
    Session.objects.filter(pk=session.session_key).update(expire_date=end)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A session lives on while it is used, and costs no write for a page."""

import json

USE = """
import json
from datetime import timedelta
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from flukso_server.accounts.models import Account

Account.objects.create_user("lasting", password="correct horse lasting")
client = Client(SERVER_NAME="localhost")
client.post("/login/", {"login": "lasting", "password": "correct horse lasting"}, secure=True)
told = []

def days():
    return round((Session.objects.get(pk=client.session.session_key).expire_date - timezone.now()) / timedelta(days=1))

def look():
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/account/", secure=True)
    cookie = answer.cookies.get("sessionid")
    writes = [each["sql"][:40] for each in queries if each["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
    told.append([answer.status_code, cookie and cookie["max-age"], len(writes), days()])

def back(age, expiry):
    '''As if it had been used last so many days ago, with that much of its age left.'''
    session = client.session
    session["renewed"] -= age * 86_400
    session.set_expiry(expiry)
    session.save()
    Session.objects.filter(pk=session.session_key).update(expire_date=timezone.now() + timedelta(days=1))

look()
look()
back(2, 14 * 86_400)
look()
look()
print(json.dumps(told))
"""
AGE_S = 90 * 86_400


def test_a_session_is_renewed_once_a_day_of_use_and_else_not_written(desk):
    first, second, renewed, after = json.loads(desk.shell(USE))
    assert first[0] == 200 and first[3] == 90
    assert second == [200, None, 0, 90]
    assert renewed[1] == AGE_S and renewed[2] > 0 and renewed[3] == 90, (
        "also one that an older release gave fourteen days"
    )
    assert after == [200, None, 0, 90]

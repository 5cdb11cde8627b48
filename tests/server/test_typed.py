# SPDX-License-Identifier: GPL-3.0-or-later
"""A form that is sent after its session has ended leads through the log-in back to its page, with
what was typed.
"""

import json
import re

import pytest

DEVICE, SENSOR = "6" * 32, "7" * 32
MAKE = f"""
from flukso_server.accounts.models import Account
from flukso_server.devices.models import Device, Sensor
typist = Account.objects.create_user("typist", password="correct horse typist")
device = Device.objects.create(pk="{DEVICE}", owner=typist, sealed_key=b"x", claim_code="x")
Sensor.objects.create(pk="{SENSOR}", device=device)
Account.objects.create_user("another", password="correct horse typist")
"""
SEND = """
import json
from urllib.parse import parse_qs, urlsplit
from django.core.cache import cache
from django.test import Client
cache.clear()
client = Client(SERVER_NAME="localhost")
if {before!r}:
    client.post("/login/", {{"login": {before!r}, "password": "correct horse typist"}}, secure=True)
    del client.cookies["sessionid"]
sent = client.post({path!r}, {fields!r}, secure=True)
told = [sent.status_code, sent.headers.get("Location", "")]
back = parse_qs(urlsplit(told[1]).query)["next"][0]
page = client.get(told[1], secure=True)
entered = client.post("/login/", {{"login": {after!r}, "password": "correct horse typist", "next": back}}, secure=True)
told += [page.status_code, entered.status_code, entered.headers["Location"]]
shown = client.get(entered.headers["Location"], secure=True)
again = client.get(entered.headers["Location"], secure=True)
print(json.dumps([*told, shown.status_code, shown.content.decode(), again.content.decode()]))
"""
FORMS = [  # path, fields, the page, what it shows
    (
        "/account/",
        {"username": "typist", "time_zone": "Pacific/Chatham", "unit": "watt"},
        "/account/",
        '"Pacific/Chatham" selected',
    ),
    (
        "/account/price/",
        {"cents_per_kwh": "28,45", "currency": "CHF", "since": "2026-02-03"},
        "/account/#price",
        'value="28,45"',
    ),
    (
        "/account/sharing/",
        {"sharing": "day", "audience": "chosen", "names": "wilma, barney"},
        "/account/#sharing",
        'value="wilma, barney"',
    ),
    ("/tokens/", {"name": "for the kitchen"}, "/tokens/", 'value="for the kitchen"'),
    (
        "/invitations/",
        {"email": "friend@example.org"},
        "/invitations/",
        'value="friend@example.org"',
    ),
    ("/claim/", {"code": "ABCD-1234"}, "/devices/", 'value="ABCD-1234"'),
    (f"/devices/{DEVICE}/name/", {"name": "cellar box"}, "/devices/", 'value="cellar box"'),
    (f"/sensors/{SENSOR}/settings/", {"name": "roof", "role": "pv"}, "/devices/", 'value="roof"'),
    (
        "/email/",
        {"email": "new@example.org", "action_add": ""},
        "/email/",
        'value="new@example.org"',
    ),
]
NOT_SAVED = "it is not saved yet"


def send(site, path, fields, before="typist", after="typist") -> list:
    """What SEND tells. before: who was logged in when the page was opened; after: who logs in when
    the form was sent.
    """
    return json.loads(site.shell(SEND.format(path=path, fields=fields, before=before, after=after)))


@pytest.fixture(scope="module")
def site(desk):
    desk.shell(MAKE)
    return desk


@pytest.mark.parametrize("path, fields, page, words", FORMS)
def test_what_was_typed_is_there_after_the_log_in_once(site, path, fields, page, words):
    sent, to, login, entered, back, status, shown, again = send(site, path, fields)
    assert (sent, login, entered, back, status) == (302, 200, 302, page, 200) and to.startswith(
        "/login/?next="
    )
    assert words in shown and NOT_SAVED in shown
    assert words not in again and NOT_SAVED not in again


BUTTONS = [
    ("/account/price/7/delete/", {}, "/account/#price"),
    ("/account/export/", {}, "/account/"),
    ("/account/delete/", {"password": "not kept"}, "/account/delete/"),
    (
        "/password/change/",
        {"oldpassword": "not kept", "password1": "not kept", "password2": "not kept"},
        "/password/change/",
    ),
    ("/invitations/3/withdraw/", {}, "/invitations/"),
    (f"/devices/{DEVICE}/release/", {}, "/devices/"),
    ("/follow/", {"click": "subscribe somebody"}, "/"),
]


@pytest.mark.parametrize("path, fields, page", BUTTONS)
def test_a_button_leads_back_to_its_page_and_does_nothing(site, path, fields, page):
    sent, _to, _login, entered, back, status, shown, _again = send(site, path, fields)
    assert (sent, entered, back, status) == (302, 302, page, 200)
    assert "not kept" not in shown


@pytest.mark.parametrize(
    "before, after", [("typist", "another"), ("", "typist"), ("another", "typist")]
)
def test_what_somebody_else_typed_is_shown_to_nobody(site, before, after):
    *_rest, status, shown, again = send(site, "/tokens/", {"name": "of my own"}, before, after)
    assert status == 200
    assert all(words not in page for words in ("of my own", NOT_SAVED) for page in (shown, again))


CHOSEN = """
from flukso_server.accounts import sharing
from flukso_server.accounts.models import Account
typist = Account.objects.get(username="typist")
friend = Account.objects.create_user("ticked")
sharing.set_sharing(friend, "day", "all")
sharing.set_sharing(typist, "day", "chosen", [friend])
print(friend.pk)
"""


@pytest.mark.parametrize("ticked", [True, False])
def test_ticks_are_there_as_they_were_sent(site, ticked):
    friend = site.shell(
        CHOSEN
        if ticked
        else "from flukso_server.accounts.models import Account; print(Account.objects.get(username='ticked').pk)"
    ).strip()
    fields = {"sharing": "day", "audience": "chosen", "names": ""} | (
        {"chosen": friend} if ticked else {}
    )
    shown, again = send(site, "/account/sharing/", fields)[-2:]
    assert [_ticked(page, friend) for page in (shown, again)] == [
        ticked,
        True,
    ]  # the second page shows what is saved


def _ticked(page: str, friend: str) -> bool:
    (box,) = re.findall(f'<input[^>]*name="chosen"[^>]*value="{friend}"[^>]*>', page)
    return "checked" in box


LIMITS = """
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
cache.clear()
before = Session.objects.count()
client = Client(SERVER_NAME="localhost", HTTP_COOKIE="typist=" + 64 * "0")
client.post("/tokens/", {"name": "x" * 5000}, secure=True)
print(Session.objects.count() - before)
for n in range(40):
    Client(SERVER_NAME="localhost", HTTP_COOKIE="typist=" + 64 * "0").post("/tokens/", {"name": "x"}, secure=True)
print(Session.objects.count() - before)
refused = client.post("/follow/", {"click": "hide x"}, secure=True, HTTP_ACCEPT="application/json")
print(refused.status_code)
cache.clear()
"""


def test_strangers_cannot_have_much_kept(site):
    assert site.shell(LIMITS).split() == ["0", "30", "401"]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that are sent without a session, for tests/server/test_typed.py."""

from urllib.parse import parse_qs, urlsplit

from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from flukso_server.accounts import sharing
from flukso_server.accounts.models import Account
from flukso_server.devices.models import Device, Sensor

PASSWORD = "correct horse typist"
STRANGERS = 40


def make(device: str, sensor: str) -> None:
    """Make typist, who owns the device and its sensor, and another."""
    typist = Account.objects.create_user("typist", password=PASSWORD)
    known = Device.objects.create(pk=device, owner=typist, sealed_key=b"x", claim_code="x")
    Sensor.objects.create(pk=sensor, device=known)
    Account.objects.create_user("another", password=PASSWORD)


def _log_in(client: Client, name: str, **more: str):
    fields = {"login": name, "password": PASSWORD} | more
    return client.post("/login/", fields, secure=True)


def send(path: str, fields: dict, before: str | None, after: str) -> list:
    """Open the page as one member, send the form without a session, log in as another.

    Return the status of the sending and where it leads, the status of that page and of the log-in,
    where that leads, and that page: its status, its text, and its text when it is read again.
    """
    cache.clear()
    client = Client(SERVER_NAME="localhost")
    if before:
        _log_in(client, before)
        del client.cookies["sessionid"]
    sent = client.post(path, fields, secure=True)
    to = sent.headers.get("Location", "")
    page = client.get(to, secure=True)
    entered = _log_in(client, after, next=parse_qs(urlsplit(to).query)["next"][0])
    back = entered.headers["Location"]
    shown, again = client.get(back, secure=True), client.get(back, secure=True)
    statuses = [sent.status_code, to, page.status_code, entered.status_code, back]
    return [*statuses, shown.status_code, shown.content.decode(), again.content.decode()]


def make_chosen() -> int:
    """Let typist share with a member who is made for it; return that member's key."""
    friend = Account.objects.create_user("ticked")
    sharing.set_sharing(friend, "day", "all")
    sharing.set_sharing(Account.objects.get(username="typist"), "day", "chosen", [friend])
    return friend.pk


def chosen() -> int:
    return Account.objects.get(username="ticked").pk


def sessions_of_strangers() -> list[int]:
    """Return the sessions that a long text leaves and that many strangers leave, and the status of
    a script's request.
    """
    cache.clear()
    before = Session.objects.count()
    client = _stranger()
    client.post("/tokens/", {"name": "x" * 5000}, secure=True)
    after_long = Session.objects.count() - before
    for _ in range(STRANGERS):
        _stranger().post("/tokens/", {"name": "x"}, secure=True)
    after_many = Session.objects.count() - before
    script = {"secure": True, "HTTP_ACCEPT": "application/json"}
    refused = client.post("/follow/", {"click": "hide x"}, **script)
    cache.clear()
    return [after_long, after_many, refused.status_code]


def _stranger() -> Client:
    return Client(SERVER_NAME="localhost", HTTP_COOKIE="typist=" + 64 * "0")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes members of the platform, and devices of theirs."""

from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from flukso_server.accounts import sharing
from flukso_server.accounts.models import Account
from flukso_server.accounts.tokens import make_token
from flukso_server.devices.claims import ClaimError, claim_device
from flukso_server.devices.models import Device, Sensor


def member(name: str, password: str | None = None, email: str = "", **more) -> int:
    """Make a member who can log in by this password; return the key."""
    return Account.objects.create_user(name, email=email, password=password, **more).pk


def operator(name: str, password: str) -> int:
    return Account.objects.create_superuser(name, password=password).pk


def token(name: str, label: str) -> int:
    """Make a token that reads; return its key."""
    return make_token(Account.objects.get(username=name), label)[0].pk


def block(name: str) -> None:
    """Block a member as the operators' page does."""
    account = Account.objects.get(username=name)
    account.is_active = False
    account.save()


def session_of_nobody() -> str:
    """Make a session in which nobody is logged in; return its key."""
    session = SessionStore()
    session["a"] = 1
    session.create()
    return session.session_key


def share(name: str, detail: str, audience: str = "all", chosen: tuple = ()) -> None:
    """Let a member share so, with these members if the audience is chosen."""
    friends = list(Account.objects.filter(username__in=chosen))
    sharing.set_sharing(Account.objects.get(username=name), detail, audience, friends)


def subscribe(name: str, to: str) -> None:
    sharing.subscribe(Account.objects.get(username=name), to)


def claim(name: str, codes: list[str]) -> list[str]:
    """Let a member claim by these codes; return `claimed` or `refused` for each.

    The member is made if need be.
    """
    account, _ = Account.objects.get_or_create(username=name)
    return [_claim(account, code) for code in codes]


def _claim(account: Account, code: str) -> str:
    try:
        claim_device(account, code, timezone.now())
    except ClaimError:
        return "refused"
    return "claimed"


def people(owners: dict[str, str], sensor: str) -> dict[str, str]:
    """Make members who own a device each, of those that there are; return tokens by name.

    NAME reads, NAME-manage manages; `sensor` reads one sensor of the first member's.
    """
    tokens = {}
    for number, (name, device) in enumerate(owners.items()):
        known = Device.objects.filter(pk=device).first()
        if known is None:
            continue
        account = Account.objects.create_user(name, password="correct horse " + name)
        claim_device(account, known.claim_code, timezone.now())
        tokens[name] = make_token(account, name)[1]
        tokens[name + "-manage"] = make_token(account, name, "manage")[1]
        if number == 0:
            tokens["sensor"] = make_token(account, "one", sensor=Sensor.objects.get(pk=sensor))[1]
    return tokens

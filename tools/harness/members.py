# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a `Site`, made where Django is set up (`Platform.call`)."""

from datetime import timedelta

from django.utils import timezone

from flukso_server.accounts import sharing
from flukso_server.accounts.models import Account
from flukso_server.devices.digests import claim_code
from flukso_server.devices.models import Device, Sensor
from flukso_server.devices.seal import sealer
from flukso_server.project import stores
from flukso_server.series.appending import append_many
from tools.harness.testbed import session_of

DAY_S = 86_400
AT_ONCE = 500  # sensors whose tuples go into the store at once


def make(members: dict[str, dict]) -> dict[str, str]:
    """Make the members and their devices; return the keys of their sessions by name."""
    made = enumerate(members.items(), 1)
    return {name: _make(number, name, member) for number, (name, member) in made}


def _make(number: int, name: str, member: dict) -> str:
    account = Account.objects.create_user(name, time_zone="Europe/Brussels")
    if member["detail"]:
        sharing.set_sharing(account, member["detail"], "all")
    device, key = f"{number:032x}", (f"{number:02x}" * 16).encode()
    if member["sensors"]:
        sealed = sealer().seal(device, key)
        code = claim_code(key, device)
        Device.objects.create(pk=device, owner=account, sealed_key=sealed, claim_code=code)
    for place, (role, kind) in enumerate(member["sensors"]):
        names = {"role": role, "type": kind, "function": kind}
        Sensor.objects.create(pk=f"{number:x}{place:x}" * 16, device_id=device, **names)
    return session_of(account)


def session(name: str) -> str:
    """Return the key of a new session of this member."""
    return session_of(Account.objects.get(username=name))


def merge() -> None:
    """Merge and age the series; the service must not run, which alone does so while it runs."""
    stores.store(merge=True).merge()


def forget(sensors: list[str]) -> None:
    """Remove the series of these sensors."""
    for sensor in sensors:
        stores.store().forget(sensor)


def abandon(count: int, now: int) -> None:
    """Make devices of three sensors each that nobody has claimed for 30 days."""
    names = [f"e{n:031x}" for n in range(1, count + 1)]
    since = timezone.now() - timedelta(days=30)
    Device.objects.bulk_create(
        Device(pk=name, sealed_key=b"", claim_code=name[-8:], unclaimed_since=since)
        for name in names
    )
    sensors = Sensor.objects.bulk_create(
        Sensor(pk=f"{place}{name[1:]}", device_id=name) for name in names for place in range(3)
    )
    tuples = [(now - 20 * DAY_S, 1), (now - DAY_S, 2), (now, 3)]
    for begin in range(0, len(sensors), AT_ONCE):
        batch = sensors[begin : begin + AT_ONCE]
        append_many(stores.store(), [(sensor.pk, tuples) for sensor in batch], now)


def abandoned() -> int:
    """Return how many devices there are that nobody has claimed."""
    return Device.objects.filter(owner=None, imported=False).count()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What housekeeping removes, for tests/server/test_housekeeping.py and others."""

from datetime import timedelta
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings
from django.utils import timezone

from flukso_server.accounts.deletion import delete_account
from flukso_server.accounts.models import Account
from flukso_server.devices.claims import ClaimError, claim_device
from flukso_server.devices.housekeeping import keep_house
from flukso_server.devices.models import Device, Forgotten, Sensor
from flukso_server.devices.removal import remove_sensors
from flukso_server.devices.seal import sealer
from flukso_server.project import stores
from flukso_server.series import SeriesError
from flukso_server.series.appending import append

CODE, AT_S = "ABCDEFGH", 1_700_000_000
MEMBERS = {"waiting": False, "confirmed": True, "operators": None}  # whether the address is theirs


def keep_house_in(days: float) -> int:
    """Keep house as if it were so many days later; return how many devices went."""
    return keep_house(timezone.now() + timedelta(days=days), stores.store().forget)


def give_to(name: str, device: str) -> None:
    """Give the device to a new member; none is known from a list any more."""
    Device.objects.update(imported=False)
    Device.objects.filter(pk=device).update(owner=Account.objects.create_user(name))


def members_left_after(days: list[int]) -> list[list[str]]:
    """Return who of three new members is left when house was kept so many days later, each time."""
    for name, verified in MEMBERS.items():
        account = Account.objects.create_user(name)
        if verified is not None:
            address = name + "@example.org"
            EmailAddress.objects.create(user=account, email=address, verified=verified)
    return [_members_left(late) for late in days]


def _members_left(days: int) -> list[str]:
    keep_house_in(days)
    left = Account.objects.filter(username__in=MEMBERS).order_by("pk")
    return list(left.values_list("username", flat=True))


def cut_short(device: str, sensor: str) -> dict:
    """Delete the account that owns the device, and fail where its series would go.

    Return what is left before and after ([accounts, tuples, graph files]) and whether another may
    claim the device then.
    """
    owner = Account.objects.create_user("old")
    sealed = sealer().seal(device, b"0" * 32)
    keys = {"sealed_key": sealed, "claim_code": CODE, "imported": True}
    Sensor.objects.create(pk=sensor, device=Device.objects.create(pk=device, owner=owner, **keys))
    append(stores.store(), sensor, [(AT_S, 5)], AT_S)
    for file in _graphs(sensor):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def fail(_sensor: str) -> None:
        raise SeriesError("disk")

    found = {"before": _left(sensor)}
    delete_account(owner, fail)
    return found | {"cut": _left(sensor), "claimed too early": _claims("new")}


def cut_short_and_swept(device: str, sensor: str) -> dict:
    """As cut_short; then keep house, and keep it again when the device has a new owner's tuple."""
    found = cut_short(device, sensor)
    keep_house(timezone.now(), stores.forget)
    found |= {"swept": _left(sensor), "claimed": _claims("new")}
    append(stores.store(), sensor, [(AT_S, 6)], AT_S)
    keep_house(timezone.now(), stores.forget)
    return found | {"its new owner's stays": [_tuples(sensor), Forgotten.objects.count()]}


def _graphs(sensor: str) -> list[Path]:
    folder = Path(settings.RRD_DIR, sensor[:2])
    return [folder / (sensor + suffix) for suffix in (".rrd", ".night.rrd")]


def _tuples(sensor: str) -> int:
    return len(stores.store().raw(sensor, 0, 2**32))


def _left(sensor: str) -> list[int]:
    accounts = Account.objects.filter(username="old").count()
    return [accounts, _tuples(sensor), sum(file.exists() for file in _graphs(sensor))]


def _claims(name: str) -> bool:
    account = Account.objects.get_or_create(username=name)[0]
    try:
        return bool(claim_device(account, Device.objects.get().claim_code, timezone.now()))
    except ClaimError:
        return False


def late_tuples(device: str, sensor: str) -> dict[str, list[int]]:
    """Remove a sensor of which another process, which does not know yet, takes one tuple more.

    Return [tuples, sensors to be forgotten] soon and later, and later once it is bound again.
    """
    known = Device.objects.create(pk=device, sealed_key=b"", claim_code=CODE, imported=True)
    now = timezone.now()

    def remove() -> None:
        Sensor.objects.create(pk=sensor, device=known)
        append(stores.store(), sensor, [(AT_S, 5)], AT_S)
        remove_sensors(Sensor.objects.filter(pk=sensor), stores.forget)
        append(stores.store(), sensor, [(AT_S + 60, 6)], AT_S + 60)

    def left_after(seconds: int) -> list[int]:
        keep_house(now + timedelta(seconds=seconds), stores.forget)
        return [_tuples(sensor), Forgotten.objects.count()]

    remove()
    found = {"soon": left_after(5), "later": left_after(90)}
    remove()
    Sensor.objects.create(pk=sensor, device=known)
    return found | {"it is back": left_after(200)}

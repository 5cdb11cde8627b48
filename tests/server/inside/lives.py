# SPDX-License-Identifier: GPL-3.0-or-later
"""What owners do to devices in a device's life, for tests/server/test_lives.py."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from flukso_server.accounts.deletion import delete_account
from flukso_server.accounts.models import Account
from flukso_server.accounts.tokens import make_token
from flukso_server.devices import refusals
from flukso_server.devices.lives import LifeError, finish_moves, give_on, go_on
from flukso_server.devices.models import Device, Sensor
from flukso_server.devices.queries import sensors_of
from flukso_server.project import stores
from flukso_server.series.appending import append


def given_on(device: str, seconds_ago: int) -> None:
    """Give the device on, so long ago."""
    give_on(Device.objects.get(pk=device), timezone.now() - timedelta(seconds=seconds_ago))


def own(name: str) -> list[list]:
    """Return [id, id as sent, device, tuples] of each sensor that a member sees."""
    rows = sensors_of(Account.objects.get(username=name)).order_by("begins")
    held = stores.store().raw
    return [[row.pk, row.sent_as, row.device_id, held(row.pk, 0, 2**32)] for row in rows]


def open_series(sent_as: str) -> list:
    """Return [id, tuples] of the series that is filled under this id."""
    row = Sensor.objects.get(sent_as=sent_as, closed=None)
    return [row.pk, stores.store().raw(row.pk, 0, 2**32)]


def token(name: str) -> str:
    return make_token(Account.objects.get(username=name), "test")[1]


def let_go_on(kept: str, fresh: str) -> str:
    """Let a series go on with another sensor; return why not, "" if it does."""
    try:
        go_on(Sensor.objects.get(pk=kept), Sensor.objects.get(pk=fresh))
    except LifeError as error:
        return str(error)
    return ""


def finish(minutes: float) -> None:
    """Do what is due after moves, so much later."""
    finish_moves(timezone.now() + timedelta(minutes=minutes))


def told(device: str) -> list[str]:
    """Return what its owner reads of refusals."""
    return refusals.sentences(Device.objects.get(pk=device))


def refuse(device: str, sensor: str) -> None:
    """Count a binding that was refused."""
    refusals.add({(device, sensor, refusals.BOUND): 1}, timezone.now())


def gone(name: str) -> None:
    """Delete a member's account."""
    delete_account(Account.objects.get(username=name), stores.forget)


def late(series: str, ts: int, counter: int) -> None:
    """Store a tuple as a process does that has not heard of a change yet."""
    append(stores.store(), series, [(ts, counter)], ts)


def of_the_release_before(owned: str, given_up: str, unclaimed: str) -> int:
    """Write the rows of the schema before; return how many sensors there are."""
    account = Account.objects.create_user("before").pk
    now = timezone.now()
    with connection.cursor() as cursor:
        for device, owner in (("d" * 32, account), ("e" * 32, None)):
            _insert(
                cursor,
                "devices_device",
                id=device,
                owner_id=owner,
                sealed_key=b"",
                claim_code="",
                name="",
                origin="" if owner else "192.0.2.9",
                sign_required=False,
                imported=False,
                created=now,
                unclaimed_since=now,
                beat_time=0,
                resets=0,
            )
        for sensor, bound_to, released_by in (
            (owned, "d" * 32, None),
            (given_up, None, account),
            (unclaimed, "e" * 32, None),
        ):
            counts = ("ahead_tuples", "ahead_s", "old_tuples", "conflicts", "odd_tuples")
            _insert(
                cursor,
                "devices_sensor",
                id=sensor,
                device_id=bound_to,
                released_by_id=released_by,
                name="",
                role="import",
                type="electricity",
                created=now,
                sensor_class="analog",
                function="",
                constant="",
                enabled=True,
                **dict.fromkeys(counts, 0),
            )
        cursor.execute("SELECT count(*) FROM devices_sensor")
        return cursor.fetchone()[0]


def _insert(cursor, table: str, **values: object) -> None:
    names = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(values.values()))

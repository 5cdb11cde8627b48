# SPDX-License-Identifier: GPL-3.0-or-later
"""`demo_household`: makes an account with panels on its roof, four neighbours, and their data."""

import contextlib
import secrets
import time

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from flukso_server.accounts import names, sharing
from flukso_server.accounts.models import Account
from flukso_server.dashboard import demo
from flukso_server.dashboard.street import MINUTE_S, NAME, NEIGHBOURS, PANELS_W, SEED, seeds
from flukso_server.devices.digests import claim_code
from flukso_server.devices.models import Device, Sensor
from flukso_server.devices.seal import sealer
from flukso_server.project import stores
from flukso_server.series.admission import MAX_TUPLES
from flukso_server.series.appending import append

DAY_S = 86_400


class Command(BaseCommand):
    help = (
        "Makes the account `rooftop` and its neighbours, unless they exist, and prints its "
        "name and password."
    )

    def add_arguments(self, parser):
        parser.add_argument("--days", type=int, default=40)
        parser.add_argument(
            "--ago", type=int, default=0, help="seconds before now at which what it sent ends"
        )
        parser.add_argument(
            "--password",
            help="of the account, also if it exists; else a new account gets one of chance",
        )

    def handle(self, *args, days, ago, password, **options):
        account = Account.objects.filter(username=NAME).first()
        if account is None:
            password = password or secrets.token_urlsafe(9)
            make(password, days, int(time.time()) - ago)
        elif password is None:
            self.stdout.write(f"account {NAME} is there already")
            return
        elif not account.check_password(password):
            account.set_password(password)
            account.save(update_fields=["password"])
        self.stdout.write(f"account {NAME}, password {password}")


def make(password: str, days: int, now: int) -> None:
    """Make the accounts and their devices, and store what these would have sent up to now.

    A neighbour that exists stays as it is.
    """
    stores.store(merge=True)
    end = now // MINUTE_S * MINUTE_S
    start = end - days * DAY_S
    with transaction.atomic():
        account = Account.objects.create_user(
            NAME, password=password, is_staff=True, is_superuser=True
        )
        sharing.set_sharing(account, "minutes", "all")
        roof = household(account, ("import", "export", "pv"))
        existing = {
            key
            for key in map(names.key, NEIGHBOURS)
            if Account.objects.filter(name_key=key).exists()
        }
        street = {
            name: _neighbour(name, detail)
            for name, detail in NEIGHBOURS.items()
            if names.key(name) not in existing
        }
        for name in NEIGHBOURS:
            with contextlib.suppress(sharing.SharingError):  # one that existed may be private
                sharing.subscribe(account, name)
    try:
        for role, tuples in demo.solar_tuples(SEED, start, end, PANELS_W).items():
            fill(roof[role], tuples)
        for name, neighbour in street.items():
            fill(
                household(neighbour, ("import",))["import"], demo.tuples(seeds()[name], start, end)
            )
        stores.store().merge()  # as in every night, so that pages read what they usually do
    finally:
        stores.close()


def household(account, roles: tuple[str, ...]) -> dict[str, str]:
    """Make a device of the account with a sensor for each role; return the sensors by role."""
    device, key = secrets.token_hex(16), secrets.token_hex(16).encode()
    Device.objects.create(
        pk=device,
        owner=account,
        name=account.get_username(),
        sealed_key=sealer().seal(device, key),
        claim_code=claim_code(key, device),
        seen=timezone.now(),
    )
    sensors = {role: secrets.token_hex(16) for role in roles}
    for role, sensor in sensors.items():
        Sensor.objects.create(pk=sensor, device_id=device, function=role, role=role)
    return sensors


def _neighbour(name: str, detail: str):
    account = Account.objects.create_user(name)
    sharing.set_sharing(account, detail, "all")
    return account


def fill(sensor: str, tuples: list[tuple[int, int]]) -> None:
    """Store tuples that a device would have sent."""
    for begin in range(0, len(tuples), MAX_TUPLES):
        append(stores.store(), sensor, tuples[begin : begin + MAX_TUPLES], tuples[-1][0])

# SPDX-License-Identifier: GPL-3.0-or-later
"""`demo_household`: an account with a device, three sensors and some weeks of a made-up household, for looking around."""

import math
import random
import secrets
import time

from accounts.models import Account
from devices.digests import claim_code
from devices.models import Device, Sensor
from devices.seal import sealer
from django.core.management.base import BaseCommand
from django.db import transaction
from project import stores
from series.store import MAX_TUPLES

NAME = "demo"
SENSORS = {"household": (180, 900), "heat pump": (60, 1800), "car": (0, 3600)}  # W: always on, at the evening's peak
MINUTE_S = 60


class Command(BaseCommand):
    help = "Makes the account `demo`, unless it exists, and prints its password."

    def add_arguments(self, parser):
        parser.add_argument("--days", type=int, default=40)

    def handle(self, *args, days, **options):
        if Account.objects.filter(username=NAME).exists():
            self.stdout.write(f"account {NAME} is there already")
            return
        password = secrets.token_urlsafe(9)
        with transaction.atomic():
            account = Account.objects.create_user(NAME, password=password, is_staff=True, is_superuser=True)
            sensors = _devices(account)
        try:
            for name, sensor in sensors.items():
                _fill(sensor, *SENSORS[name], int(time.time()) // MINUTE_S * MINUTE_S, days * 1440)
        finally:
            stores.close()
        self.stdout.write(f"account {NAME}, password {password}")


def _devices(account) -> dict[str, str]:
    device, key = secrets.token_hex(16), secrets.token_hex(16).encode()
    Device.objects.create(pk=device, owner=account, name="demo", sealed_key=sealer().seal(device, key), claim_code=claim_code(key, device))
    sensors = {name: secrets.token_hex(16) for name in SENSORS}
    for name, sensor in sensors.items():
        Sensor.objects.create(pk=sensor, device_id=device, function=name)
    return sensors


def _fill(sensor: str, base_w: float, peak_w: float, end: int, minutes: int) -> None:
    """A day has a morning's and an evening's hump, and what people switch on."""
    chance = random.Random(sensor)
    energy_wh, on_w, tuples = 0.0, 0.0, []
    for stamp in range(end - minutes * MINUTE_S, end, MINUTE_S):
        hour = stamp / 3600 % 24
        hump = math.exp(-((hour - 7) ** 2) / 3) * 0.5 + math.exp(-((hour - 19) ** 2) / 6)
        if chance.random() < 0.03:
            on_w = chance.choice((0, 0, peak_w * hump, peak_w * hump * chance.random()))
        energy_wh += (base_w * (0.9 + 0.2 * chance.random()) + on_w) / 60
        tuples.append((stamp, int(energy_wh)))
    for begin in range(0, len(tuples), MAX_TUPLES):
        stores.store().append(sensor, tuples[begin : begin + MAX_TUPLES], end)

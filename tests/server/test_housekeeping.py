# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody claims goes, with its data; what has an owner stays; what was to go goes, whatever
power cut comes between.
"""

import json
import time

from tools.harness.device import DEVICE, OTHER_KEY, OTHER_SENSOR, SENSOR
from tools.harness.testbed import Platform

RUN = f"""
from datetime import timedelta
from django.utils import timezone
from flukso_server.accounts.models import Account
from flukso_server.devices.housekeeping import keep_house
from flukso_server.devices.models import Device
from flukso_server.project import stores
Device.objects.update(imported=False)
Device.objects.filter(pk="{DEVICE}").update(owner=Account.objects.create_user("alice"))
print(keep_house(timezone.now() + timedelta(days=13), stores.store().forget))
print(keep_house(timezone.now() + timedelta(days=15), stores.store().forget))
print(*Device.objects.values_list("pk", flat=True))
stores.close()
"""


PEOPLE = """
from datetime import timedelta
from allauth.account.models import EmailAddress
from django.utils import timezone
from flukso_server.accounts.models import Account
from flukso_server.devices.housekeeping import keep_house
for name, verified in (("waiting", False), ("confirmed", True), ("operators", None)):
    account = Account.objects.create_user(name)
    if verified is not None:
        EmailAddress.objects.create(user=account, email=name + "@example.org", verified=verified)
for days in (13, 15):
    keep_house(timezone.now() + timedelta(days=days), print)
    print(*Account.objects.filter(username__in=("waiting", "confirmed", "operators")).order_by("pk").values_list("username", flat=True))
"""


GOING = f"""
import json, os
from pathlib import Path
from django.conf import settings
from django.utils import timezone
from flukso_server.accounts.deletion import delete_account
from flukso_server.accounts.models import Account
from flukso_server.devices.claims import ClaimError, claim_device
from flukso_server.devices.housekeeping import keep_house
from flukso_server.devices.models import Device, Forgotten, Sensor
from flukso_server.project import stores
from flukso_server.series import SeriesError

old = Account.objects.create_user("old")
device = Device.objects.create(pk="{DEVICE}", sealed_key=b"", claim_code="ABCDEFGH", imported=True, owner=old)
Sensor.objects.create(pk="{SENSOR}", device=device)
stores.store().append("{SENSOR}", [(1_700_000_000, 5)], 1_700_000_000)
files = [Path(settings.RRD_DIR, "{SENSOR[:2]}", "{SENSOR}" + suffix) for suffix in (".rrd", ".night.rrd")]
for file in files:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()

def claim(name):
    try:
        return bool(claim_device(Account.objects.get_or_create(username=name)[0], "ABCDEFGH", timezone.now()))
    except ClaimError:
        return False

def left():
    return [Account.objects.filter(username="old").count(), len(stores.store().raw("{SENSOR}", 0, 2**32)), sum(map(Path.exists, files))]

def fails(sensor):
    raise SeriesError("disk")

told = {{"before": left()}}
delete_account(Account.objects.get(username="old"), fails)
told["cut"] = left()
told["claimed too early"] = claim("new")
"""
KEPT = """
keep_house(timezone.now(), stores.forget)
told["swept"] = left()
told["claimed"] = claim("new")
stores.store().append("%s", [(1_700_000_000, 6)], 1_700_000_000)
keep_house(timezone.now(), stores.forget)
told["its new owner's stays"] = len(stores.store().raw("%s", 0, 2**32)), Forgotten.objects.count()
"""
TOLD = """
stores.close()
print("TOLD " + json.dumps(told))
"""


def told(platform, code: str) -> dict:
    return json.loads(platform.command("shell", "-v0", "-c", code).split("TOLD ")[1])


def test_a_deletion_that_was_cut_short_is_finished_before_anybody_may_claim(tmp_path):
    with Platform(tmp_path, FLUKSO_RRD_DIR=str(tmp_path / "rrd")) as platform:
        platform.stop()  # as a web service alone
        found = told(platform, GOING + KEPT % (SENSOR, SENSOR) + TOLD)
    assert found == {
        "before": [1, 1, 2],
        "cut": [0, 1, 2],
        "claimed too early": False,
        "swept": [0, 0, 0],
        "claimed": True,
        "its new owner's stays": [1, 0],
    }


def test_a_start_finishes_what_was_cut_short(tmp_path):
    with Platform(tmp_path, FLUKSO_RRD_DIR=str(tmp_path / "rrd")) as platform:
        platform.stop()
        assert told(platform, GOING + TOLD)["cut"] == [0, 1, 2]
        platform.start()
        until = time.monotonic() + 20
        while platform.held(SENSOR) or list((tmp_path / "rrd" / SENSOR[:2]).iterdir()):
            assert time.monotonic() < until
            time.sleep(0.1)


LATE = f"""
import json
from datetime import timedelta
from django.utils import timezone
from flukso_server.devices.housekeeping import keep_house
from flukso_server.devices.models import Device, Forgotten, Sensor
from flukso_server.devices.removal import remove_sensors
from flukso_server.project import stores

device = Device.objects.create(pk="{DEVICE}", sealed_key=b"", claim_code="ABCDEFGH", imported=True)
now = timezone.now()

def remove():
    Sensor.objects.create(pk="{SENSOR}", device=device)
    stores.store().append("{SENSOR}", [(1_700_000_000, 5)], 1_700_000_000)
    remove_sensors(Sensor.objects.filter(pk="{SENSOR}"), stores.forget)
    stores.store().append("{SENSOR}", [(1_700_000_060, 6)], 1_700_000_060)  # of a process that does not know yet

def left(seconds):
    keep_house(now + timedelta(seconds=seconds), stores.forget)
    return [len(stores.store().raw("{SENSOR}", 0, 2**32)), Forgotten.objects.count()]

remove()
told = {{"soon": left(5), "later": left(90)}}
remove()
Sensor.objects.create(pk="{SENSOR}", device=device)  # it registered again, and sends
told["it is back"] = left(200)
"""


def test_what_comes_while_a_sensor_is_removed_goes_as_well(tmp_path):
    with Platform(tmp_path) as platform:
        platform.stop()
        assert told(platform, LATE + TOLD) == {
            "soon": [1, 1],
            "later": [0, 0],
            "it is back": [1, 0],
        }


def test_accounts_that_were_never_confirmed_go_after_a_fortnight(tmp_path):
    with Platform(tmp_path) as platform:
        lines = platform.command("shell", "-v0", "-c", PEOPLE).splitlines()
    assert lines == ["waiting confirmed operators", "confirmed operators"]


def test_unclaimed_devices_go_after_a_fortnight(platform, client, minute):
    assert client.upload(SENSOR, [(minute, 1)]).status == 200
    assert client.upload(OTHER_SENSOR, [(minute, 1)], OTHER_KEY).status == 200
    assert platform.command("shell", "-v0", "-c", RUN).split() == ["0", "1", DEVICE]
    assert platform.held(SENSOR) and not platform.held(OTHER_SENSOR)

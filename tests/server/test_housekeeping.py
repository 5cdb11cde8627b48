# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody claims goes, with its data; what has an owner stays."""

from server.testbed import Platform
from tests.server.client import DEVICE, OTHER_KEY, OTHER_SENSOR, SENSOR

RUN = f"""
from datetime import timedelta
from django.utils import timezone
from accounts.models import Account
from devices.housekeeping import keep_house
from devices.models import Device
from project import stores
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
from accounts.models import Account
from devices.housekeeping import keep_house
for name, verified in (("waiting", False), ("confirmed", True), ("operators", None)):
    account = Account.objects.create_user(name)
    if verified is not None:
        EmailAddress.objects.create(user=account, email=name + "@example.org", verified=verified)
for days in (13, 15):
    keep_house(timezone.now() + timedelta(days=days), print)
    print(*Account.objects.filter(username__in=("waiting", "confirmed", "operators")).order_by("pk").values_list("username", flat=True))
"""


def test_accounts_that_were_never_confirmed_go_after_a_fortnight(tmp_path):
    with Platform(tmp_path) as platform:
        lines = platform.command("shell", "-v0", "-c", PEOPLE).splitlines()
    assert lines == ["waiting confirmed operators", "confirmed operators"]


def test_unclaimed_devices_go_after_a_fortnight(platform, client, minute):
    assert client.upload(SENSOR, [(minute, 1)]).status == 200
    assert client.upload(OTHER_SENSOR, [(minute, 1)], OTHER_KEY).status == 200
    assert platform.command("shell", "-v0", "-c", RUN).split() == ["0", "1", DEVICE]
    assert platform.held(SENSOR) and not platform.held(OTHER_SENSOR)

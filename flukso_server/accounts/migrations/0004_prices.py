# SPDX-License-Identifier: GPL-3.0-or-later
"""An account's one price becomes the first of its history, and back."""

from datetime import date
from decimal import Decimal

from django.db import migrations

ALWAYS = date(2000, 1, 1)  # the one price counted for all of the past


def to_history(apps, schema_editor):
    account, price = apps.get_model("accounts", "Account"), apps.get_model("accounts", "Price")
    for number, each in account.objects.exclude(price=None).values_list("pk", "price").iterator():
        price.objects.create(account_id=number, since=ALWAYS, cents_per_kwh=each * 100)


def to_one(apps, schema_editor):
    account, price = apps.get_model("accounts", "Account"), apps.get_model("accounts", "Price")
    for number, cents in (
        price.objects.order_by("since").values_list("account_id", "cents_per_kwh").iterator()
    ):
        account.objects.filter(pk=number).update(price=(cents / 100).quantize(Decimal("0.0001")))
    price.objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_membership")]
    operations = [migrations.RunPython(to_history, to_one)]

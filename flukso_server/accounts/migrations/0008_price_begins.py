# SPDX-License-Identifier: GPL-3.0-or-later
"""A price keeps the instant from which it holds: of those that are there, midnight in the time zone
that their account has today.
"""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db import migrations, models


def fill(apps, schema_editor):
    price = apps.get_model("accounts", "Price")
    for number, since, zone in price.objects.values_list(
        "pk", "since", "account__time_zone"
    ).iterator():
        price.objects.filter(pk=number).update(
            begins=int(datetime.combine(since, time(), ZoneInfo(zone)).timestamp())
        )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_sharing_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="price",
            name="begins",
            field=models.BigIntegerField(
                default=0,
                help_text="unix s: that day's midnight where the account was when it said so; a "
                "move changes no past price",
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="device",
            name="unclaimed_since",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                help_text="while it has no owner: removed some time after",
            ),
        ),
    ]

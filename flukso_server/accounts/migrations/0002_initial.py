# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("devices", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="sensor",
            field=models.ForeignKey(
                blank=True,
                help_text="none: all of the account",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tokens",
                to="devices.sensor",
            ),
        ),
        migrations.AddConstraint(
            model_name="token",
            constraint=models.CheckConstraint(
                condition=models.Q(("sensor", None), ("scope", "read"), _connector="OR"),
                name="sensor_token_reads",
            ),
        ),
    ]

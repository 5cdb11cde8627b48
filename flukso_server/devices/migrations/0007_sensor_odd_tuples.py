# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0006_forgotten_gone"),
    ]

    operations = [
        migrations.AddField(
            model_name="sensor",
            name="odd_tuples",
            field=models.PositiveBigIntegerField(default=0),
        ),
    ]

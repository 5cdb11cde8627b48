# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0002_unclaimed_since"),
    ]

    operations = [
        migrations.AddField(
            model_name="device",
            name="watched_until",
            field=models.DateTimeField(
                blank=True, help_text="asked until then to upload often: devices/live.py", null=True
            ),
        ),
        migrations.AddField(
            model_name="sensor",
            name="role",
            field=models.CharField(
                choices=[
                    ("import", "from the grid, or supplied"),
                    ("export", "fed into the grid"),
                    ("pv", "produced by solar panels"),
                    ("part", "a part of what another sensor counts"),
                ],
                default="import",
                max_length=8,
                verbose_name="role",
            ),
        ),
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0004_forgotten"),
    ]

    operations = [
        migrations.AddField(
            model_name="device",
            name="origin",
            field=models.CharField(
                blank=True,
                default="",
                help_text="network that it registered from, while it is unclaimed",
                max_length=43,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="newkey",
            name="origin",
            field=models.CharField(
                blank=True, default="", help_text="network that it came from", max_length=43
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="newkey",
            name="signed",
            field=models.BooleanField(default=False, help_text="posted with X-Sign"),
        ),
    ]

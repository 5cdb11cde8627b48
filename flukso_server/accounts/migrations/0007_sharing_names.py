# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_cache"),
    ]

    operations = [
        migrations.AddField(
            model_name="sharing",
            name="names",
            field=models.CharField(
                blank=True,
                help_text="as typed, whether somebody has them or not: the page tells no more",
                max_length=1000,
            ),
        ),
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0005_origin_and_signed"),
    ]

    operations = [
        migrations.AddField(
            model_name="forgotten",
            name="gone",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]

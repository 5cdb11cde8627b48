# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0003_role_and_watch"),
    ]

    operations = [
        migrations.CreateModel(
            name="Forgotten",
            fields=[
                (
                    "sensor",
                    models.CharField(
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[0-9a-f]{32}\\Z", "32 lower-case hex digits are needed"
                            )
                        ],
                    ),
                ),
            ],
        ),
    ]

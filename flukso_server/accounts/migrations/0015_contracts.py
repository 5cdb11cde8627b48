# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations: what a contract says beyond one price, and prices of each quarter."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0014_former_zones"),
    ]

    operations = [
        migrations.AddField(
            model_name="price",
            name="terms",
            field=models.JSONField(
                blank=True,
                help_text="what the contract says beyond this one price (money/contract.py)",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="DayPrices",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "begins",
                    models.BigIntegerField(
                        help_text="unix s: the day's midnight where the account was"
                    ),
                ),
                ("step_s", models.PositiveIntegerField(help_text="900 or 3600")),
                ("per_kwh", models.JSONField(help_text="decimals as text, ascending in time")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="day_prices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["day"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "day"), name="one_list_of_prices_a_day"
                    )
                ],
            },
        ),
    ]

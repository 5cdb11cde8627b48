# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import flukso_server.accounts.models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="invitations_max",
            field=models.PositiveSmallIntegerField(
                default=5, help_text="that may be out or used", verbose_name="invitations"
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="unit",
            field=models.CharField(
                choices=[
                    ("watt", "watt"),
                    ("kwhperyear", "kWh a year"),
                    ("eurperyear", "money a year"),
                ],
                default="watt",
                max_length=16,
                verbose_name="unit",
            ),
        ),
        migrations.AlterField(
            model_name="account",
            name="time_zone",
            field=models.CharField(
                default="Europe/Brussels",
                max_length=64,
                validators=[flukso_server.accounts.models.valid_time_zone],
                verbose_name="time zone",
            ),
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                ("sha256", models.CharField(editable=False, max_length=64, unique=True)),
                ("created", models.DateTimeField()),
                ("expires", models.DateTimeField()),
                ("withdrawn", models.BooleanField(default=False)),
                ("accepted", models.DateTimeField(blank=True, null=True)),
                (
                    "accepted_by",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invitation",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "inviter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Sharing",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sharing",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "detail",
                    models.CharField(
                        choices=[
                            ("private", "nothing: I see nobody, and nobody sees me"),
                            ("day", "a mean for each day"),
                            ("minutes", "every minute"),
                        ],
                        default="private",
                        max_length=8,
                    ),
                ),
                (
                    "audience",
                    models.CharField(
                        choices=[("all", "all members"), ("chosen", "the members I choose")],
                        default="chosen",
                        max_length=8,
                    ),
                ),
                ("answered", models.DateTimeField(auto_now=True)),
                (
                    "chosen",
                    models.ManyToManyField(
                        blank=True, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "sharing",
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateField(verbose_name="from")),
                (
                    "cents_per_kwh",
                    models.DecimalField(
                        decimal_places=4,
                        max_digits=9,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(10000),
                        ],
                        verbose_name="cents a kWh",
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        default="EUR",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Z]{3}\\Z", "three capital letters, as in EUR"
                            )
                        ],
                        verbose_name="currency",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["since"],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "since"), name="one_price_a_day")
                ],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "shown",
                    models.BooleanField(
                        default=True,
                        help_text="in the chart, where four at most are (accounts/sharing.py)",
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscriptions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subscribers",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("subscriber", "to"), name="one_subscription"),
                    models.CheckConstraint(
                        condition=models.Q(("subscriber", models.F("to")), _negated=True),
                        name="not_to_oneself",
                    ),
                ],
            },
        ),
    ]

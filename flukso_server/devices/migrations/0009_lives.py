# SPDX-License-Identifier: GPL-3.0-or-later
"""Series that end with their owners; made by makemigrations."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import flukso_server.devices.models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0008_change_transaction"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ClaimNumber",
            fields=[
                (
                    "device",
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
                ("number", models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Moved",
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
                (
                    "into",
                    models.CharField(
                        max_length=32,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[0-9a-f]{32}\\Z", "32 lower-case hex digits are needed"
                            )
                        ],
                    ),
                ),
                ("since", models.BigIntegerField(help_text="unix s: what is newer moves")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sensor", models.CharField(blank=True, max_length=32)),
                ("kind", models.CharField(max_length=16)),
                ("count", models.PositiveBigIntegerField(default=0)),
                ("newest", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["-newest"],
            },
        ),
        migrations.AddField(
            model_name="device",
            name="block",
            field=models.CharField(
                blank=True,
                db_index=True,
                help_text="the widest network of the origin",
                max_length=43,
            ),
        ),
        migrations.AddField(
            model_name="device",
            name="site",
            field=models.CharField(
                blank=True,
                db_index=True,
                help_text="the wider network of the origin",
                max_length=43,
            ),
        ),
        migrations.AddField(
            model_name="sensor",
            name="begins",
            field=models.BigIntegerField(
                default=0, help_text="unix s: what is older is of an owner before this one"
            ),
        ),
        migrations.AddField(
            model_name="sensor",
            name="bound",
            field=models.DateTimeField(
                default=django.utils.timezone.now, help_text="since when its device has it"
            ),
        ),
        migrations.AddField(
            model_name="sensor",
            name="closed",
            field=models.BigIntegerField(
                blank=True, help_text="unix s at which the series ended with its owner", null=True
            ),
        ),
        migrations.AddField(
            model_name="sensor",
            name="proven",
            field=models.BooleanField(
                default=False, help_text="its device has sent a value with a right digest"
            ),
        ),
        migrations.AddField(
            model_name="sensor",
            name="sent_as",
            field=flukso_server.devices.models.SentAs(
                db_index=True,
                default="",
                help_text="the id that its device sends",
                max_length=32,
                validators=[
                    django.core.validators.RegexValidator(
                        "\\A[0-9a-f]{32}\\Z", "32 lower-case hex digits are needed"
                    )
                ],
            ),
        ),
        migrations.AddField(
            model_name="refusal",
            name="device",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="refusals",
                to="devices.device",
            ),
        ),
        migrations.AddConstraint(
            model_name="refusal",
            constraint=models.UniqueConstraint(
                fields=("device", "sensor", "kind"), name="one_refusal_of_a_kind"
            ),
        ),
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=8)),
                ("key", models.CharField(max_length=64)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                (
                    "id",
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
                ("name", models.CharField(blank=True, max_length=64)),
                ("sealed_key", models.BinaryField(help_text="its key, encrypted: devices/seal.py")),
                (
                    "claim_code",
                    models.CharField(
                        db_index=True, help_text="§8.3; never shown by the server", max_length=8
                    ),
                ),
                (
                    "sign_required",
                    models.BooleanField(
                        default=False,
                        help_text="an X-Sign has been seen: from then on it must be there (§8.5)",
                    ),
                ),
                (
                    "imported",
                    models.BooleanField(
                        default=False,
                        help_text="provisioned beforehand: its code needs no heartbeat",
                    ),
                ),
                (
                    "rekey_until",
                    models.DateTimeField(
                        blank=True, help_text="until then it may post a new key (§8.4)", null=True
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("claimed", models.DateTimeField(blank=True, null=True)),
                ("seen", models.DateTimeField(blank=True, null=True)),
                (
                    "beat_time",
                    models.BigIntegerField(
                        default=0,
                        help_text="newest `time` of a heartbeat, unix s: an older one is a replay",
                    ),
                ),
                ("version", models.PositiveIntegerField(blank=True, null=True)),
                ("uptime_s", models.BigIntegerField(blank=True, null=True)),
                ("mem_total_kb", models.BigIntegerField(blank=True, null=True)),
                ("mem_free_kb", models.BigIntegerField(blank=True, null=True)),
                ("mem_cached_kb", models.BigIntegerField(blank=True, null=True)),
                ("mem_buffers_kb", models.BigIntegerField(blank=True, null=True)),
                ("resets", models.PositiveIntegerField(default=0)),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="devices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Sensor",
            fields=[
                (
                    "id",
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
                ("name", models.CharField(blank=True, max_length=64)),
                ("type", models.CharField(default="electricity", max_length=32)),
                (
                    "sensor_class",
                    models.CharField(default="analog", max_length=32, verbose_name="class"),
                ),
                ("function", models.CharField(blank=True, max_length=64)),
                ("voltage", models.IntegerField(blank=True, null=True)),
                ("current", models.IntegerField(blank=True, null=True)),
                ("phase", models.IntegerField(blank=True, null=True)),
                (
                    "constant",
                    models.CharField(blank=True, help_text="may be decimal", max_length=16),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("ahead_tuples", models.PositiveBigIntegerField(default=0)),
                (
                    "ahead_s",
                    models.BigIntegerField(
                        default=0,
                        help_text="by how much the clock was ahead, the last time that it was",
                    ),
                ),
                ("old_tuples", models.PositiveBigIntegerField(default=0)),
                ("conflicts", models.PositiveBigIntegerField(default=0)),
                ("trouble_at", models.DateTimeField(blank=True, null=True)),
                (
                    "device",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="sensors",
                        to="devices.device",
                    ),
                ),
                (
                    "released_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="ClaimAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "at"], name="devices_cla_account_551a28_idx")
                ],
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("uptime_s", models.BigIntegerField(null=True)),
                ("mem_free_kb", models.BigIntegerField(null=True)),
                ("reset", models.BooleanField(default=False)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="heartbeats",
                        to="devices.device",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["device", "at"], name="devices_hea_device__004b33_idx"),
                    models.Index(fields=["at"], name="devices_hea_at_b38aff_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="NewKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sealed_key", models.BinaryField()),
                ("claim_code", models.CharField(max_length=8)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="new_keys",
                        to="devices.device",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("device", "claim_code"), name="one_new_key_a_code"
                    )
                ],
            },
        ),
    ]

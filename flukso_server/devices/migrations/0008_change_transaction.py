# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations."""

from django.db import migrations, models

from flukso_server.project.serial import TransactionNumber


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0007_sensor_odd_tuples"),
    ]

    operations = [
        migrations.AddField(
            model_name="change",
            name="transaction",
            field=models.BigIntegerField(
                db_default=TransactionNumber(), db_index=True, editable=False
            ),
        ),
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which series belong to these accounts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("devices", "0011_one_open_series")]
    operations = [
        migrations.CreateModel(
            name="SeriesFile",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                (
                    "number",
                    models.BigIntegerField(
                        help_text="that the series' file holds as well: project/belonging.py"
                    ),
                ),
            ],
        ),
    ]

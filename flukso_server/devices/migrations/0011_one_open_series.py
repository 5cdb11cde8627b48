# SPDX-License-Identifier: GPL-3.0-or-later
"""One open series for each id that a device sends."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("devices", "0010_fill_lives")]
    operations = [
        migrations.AddConstraint(
            model_name="sensor",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed", None)),
                fields=("sent_as",),
                name="one_open_series_an_id",
            ),
        ),
    ]

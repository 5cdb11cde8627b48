# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a household lived before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_negative_prices")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="former_zones",
            field=models.TextField(
                blank=True,
                default="",
                editable=False,
                help_text="accounts/zones.py: where it lived before",
            ),
        ),
    ]

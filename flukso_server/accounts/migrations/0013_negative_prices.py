# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations: a price may be below nothing."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_one_name_key")]
    operations = [
        migrations.AlterField(
            model_name="price",
            name="cents_per_kwh",
            field=models.DecimalField(
                decimal_places=4,
                max_digits=9,
                validators=[
                    django.core.validators.MinValueValidator(-10000),
                    django.core.validators.MaxValueValidator(10000),
                ],
                verbose_name="cents a kWh",
            ),
        ),
    ]

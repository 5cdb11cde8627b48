# SPDX-License-Identifier: GPL-3.0-or-later
"""Made by makemigrations; apart from the data's way there, which PostgreSQL wants in another
transaction.
"""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_names"),
    ]

    operations = [
        migrations.AlterField(
            model_name="invitation",
            name="email",
            field=models.EmailField(
                blank=True,
                help_text="empty when the account that came by it has gone",
                max_length=254,
                verbose_name="e-mail address",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("username"),
                name="username_in_any_case",
                violation_error_message="A user with that username already exists.",
            ),
        ),
    ]

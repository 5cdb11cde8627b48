# SPDX-License-Identifier: GPL-3.0-or-later
"""Apart from the data's way there, which PostgreSQL wants in another transaction. Names whose keys
differ differ in any case, too.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_name_key")]
    operations = [
        migrations.RemoveConstraint(model_name="account", name="username_in_any_case"),
        migrations.AlterField(
            model_name="account",
            name="name_key",
            field=models.TextField(
                editable=False,
                help_text="accounts/names.py: two names with one key are one",
                unique=True,
            ),
        ),
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The price is in its history now; apart from the data's way there, which PostgreSQL wants in
another transaction.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_prices")]
    operations = [migrations.RemoveField(model_name="account", name="price")]

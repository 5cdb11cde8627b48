# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the cache that rate limits are counted in."""

from django.core.management import call_command
from django.db import migrations

TABLE = "cache"  # as settings.CACHES says


def create(apps, schema_editor):
    call_command("createcachetable", TABLE, database=schema_editor.connection.alias, verbosity=0)


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE " + schema_editor.quote_name(TABLE))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_remove_account_price")]
    operations = [migrations.RunPython(create, drop)]

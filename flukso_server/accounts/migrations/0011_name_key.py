# SPDX-License-Identifier: GPL-3.0-or-later
"""Each name gets its key; of names that are one by it all but the oldest get a number, as do those
that nobody may have.
"""

import logging
from itertools import count

from django.db import migrations, models

from flukso_server.accounts.names import RESERVED, key

NAME_MAX = 150

logger = logging.getLogger("flukso.migrations")


def fill(apps, schema_editor):
    accounts = apps.get_model("accounts", "Account").objects
    rows = list(accounts.order_by("pk").values_list("pk", "username"))
    taken = {key(name) for _number, name in rows}
    seen = set(RESERVED)
    for number, name in rows:
        fresh = name
        if key(name) in seen:
            fresh = next(each for each in _numbered(name) if key(each) not in taken)
            taken.add(key(fresh))
            logger.warning(
                "account %d is named %s now: another one has that name, or nobody may have it",
                number,
                fresh,
            )
        seen.add(key(fresh))
        accounts.filter(pk=number).update(username=fresh, name_key=key(fresh))


def _numbered(name):
    for number in count(2):
        end = f"-{number}"
        yield name[: NAME_MAX - len(end)] + end


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_names_in_any_case")]
    operations = [
        migrations.AddField(
            model_name="account",
            name="name_key",
            field=models.TextField(
                default="",
                editable=False,
                help_text="accounts/names.py: two names with one key are one",
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]

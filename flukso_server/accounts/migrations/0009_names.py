# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that differ in case alone, or that the dashboard needs itself, get a number, but for the
oldest; addresses of who has gone go.
"""

import logging
from itertools import count

from django.db import migrations

RESERVED = ("me",)
NAME_MAX = 150

logger = logging.getLogger("flukso.migrations")


def tell_apart(apps, schema_editor):
    account = apps.get_model("accounts", "Account")
    seen = set(RESERVED)
    for number, name in list(account.objects.order_by("pk").values_list("pk", "username")):
        if name.lower() not in seen:
            seen.add(name.lower())
            continue
        fresh = next(
            each
            for each in _numbered(name)
            if not account.objects.filter(username__iexact=each).exists()
        )
        account.objects.filter(pk=number).update(username=fresh)
        seen.add(fresh.lower())
        logger.warning(
            "account %d is named %s now: another one had that name, but for its case", number, fresh
        )


def _numbered(name):
    for number in count(2):
        end = f"-{number}"
        yield name[: NAME_MAX - len(end)] + end


def forget_addresses(apps, schema_editor):
    apps.get_model("accounts", "Invitation").objects.filter(
        accepted__isnull=False, accepted_by=None
    ).update(email="")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_price_begins")]
    operations = [
        migrations.RunPython(tell_apart, migrations.RunPython.noop),
        migrations.RunPython(forget_addresses, migrations.RunPython.noop),
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is kept of an account, for its owner: a ZIP of account.json and each sensor's tuples."""

import csv
import io
import json
import tempfile
import time
import zipfile
from typing import IO

from django.core.serializers.json import DjangoJSONEncoder
from django.forms.models import model_to_dict

from flukso_server.accounts.models import Account
from flukso_server.accounts.sharing import followed, visible_to
from flukso_server.devices import corrections
from flukso_server.devices.queries import devices_of, sensors_of

SPAN_S = 7 * 86_400  # of tuples in memory at once
LATEST = 2**32
# Sealed keys, claim codes and hashes stay out because they give access, and other fields because
# they are only the server's bookkeeping.
_DEVICE = (
    "id",
    "name",
    "created",
    "claimed",
    "seen",
    "version",
    "uptime_s",
    "mem_total_kb",
    "mem_free_kb",
    "resets",
    "sign_required",
)
_SENSOR = (
    "id",
    "device",
    "sent_as",
    "begins",
    "closed",
    "name",
    "role",
    "type",
    "sensor_class",
    "function",
    "voltage",
    "current",
    "phase",
    "constant",
    "enabled",
)


def archive(account: Account, store) -> IO[bytes]:
    """Return a ZIP file, open at its beginning; closing it deletes it."""
    file = tempfile.TemporaryFile()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        text = json.dumps(account_record(account), cls=DjangoJSONEncoder, indent=1)
        packed.writestr("account.json", text)
        for sensor in sensors_of(account):
            with (
                packed.open(f"sensors/{sensor.pk}.csv", "w") as raw,
                io.TextIOWrapper(raw, "utf-8", newline="") as lines,
            ):
                _write_tuples(csv.writer(lines), sensor.pk, store)
    file.seek(0)
    return file


def _write_tuples(rows, sensor: str, store) -> None:
    rows.writerow(("time", "counter"))
    first, last = store.first(sensor), store.last(sensor)
    if first is None or last is None:
        return
    for start in range(first, last[0] + 1, SPAN_S):
        rows.writerows(store.raw(sensor, start, min(start + SPAN_S, LATEST)))


def _chosen(account: Account, sharing) -> list[str]:
    """Return the names of the chosen members whom the account may see.

    The names that it typed stand apart in the export, whether a member has them or not.
    """
    return list(
        visible_to(account)
        .filter(pk__in=sharing.chosen.values("pk"))
        .values_list("username", flat=True)
    )


def account_record(account: Account) -> dict:
    """Return everything but the series."""
    sharing = getattr(account, "sharing", None)
    return {
        "name": account.username,
        "email": account.email,
        "time_zone": account.time_zone,
        "unit": account.unit,
        "joined": account.date_joined,
        "last_login": account.last_login,
        "prices": list(account.prices.values("since", "cents_per_kwh", "currency", "terms")),
        "day_prices": list(account.day_prices.values("day", "step_s", "per_kwh")),
        "sharing": sharing
        and {
            "detail": sharing.detail,
            "audience": sharing.audience,
            "chosen": _chosen(account, sharing),
            "names": sharing.names,
        },
        "subscriptions": [each.username for each in followed(account)],
        "invitations": list(
            account.invitations.values("email", "created", "expires", "accepted", "withdrawn")
        ),
        "tokens": list(account.tokens.values("name", "scope", "sensor", "created")),
        "devices": [
            model_to_dict(device, _DEVICE)
            | {
                "created": device.created,
                "heartbeats": list(
                    device.heartbeats.values("at", "uptime_s", "mem_free_kb", "reset")
                ),
            }
            for device in devices_of(account)
        ],
        "sensors": [
            model_to_dict(sensor, _SENSOR)
            | {
                "corrections": [each._asdict() for each in corrections.of_sensor(sensor)],
                "doubts": [
                    each._asdict() for each in corrections.recent_doubts(sensor, int(time.time()))
                ],
            }
            for sensor in sensors_of(account)
        ],
    }

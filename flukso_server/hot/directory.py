# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hot path reads from the accounts' database, and what it writes there.

Everything here blocks, so it runs in the hot path's own threads.
"""

import logging
import sys
from datetime import datetime
from math import inf
from typing import NamedTuple

from django.db import close_old_connections, transaction
from django.db.models import F, Q

from flukso_server.accounts.models import Token
from flukso_server.accounts.prices import spans
from flukso_server.devices import changes, refusals
from flukso_server.devices.forgetting import forget_noted
from flukso_server.devices.housekeeping import keep_house
from flukso_server.devices.live import often_until
from flukso_server.devices.models import Device, Sensor
from flukso_server.devices.registration import utc
from flukso_server.devices.seal import Sealer, SealError
from flukso_server.hot.caches import SensorEntry, Series, TokenEntry
from flukso_server.hot.signer import Signer

logger = logging.getLogger("flukso.directory")


class DeviceKey(NamedTuple):
    """A key, and whether its device must sign; Credentials of hot/upload_rules.py."""

    key: bytes  # b"" if it cannot be opened
    sign_required: bool = False
    sealed: bytes = b""  # the key as it is stored

    @property
    def signer(self) -> Signer | None:
        """Computes digests with this key."""
        return Signer(self.key) if self.key else None


# series that an id stands for at most: a device is given on a few times in its life
SERIES_MAX = 8
_COLUMNS = (
    "pk",
    "sent_as",
    "begins",
    "closed",
    "proven",
    "type",
    "released_by_id",
    "device_id",
    "device__owner_id",
    "device__sealed_key",
    "device__sign_required",
    "device__watched_until",
    "device__imported",
    "device__claimed",
    "device__unclaimed_since",
)


class _Row(NamedTuple):
    """The columns of a sensor and its device."""

    sensor: str
    sent_as: str
    begins: int
    closed: int | None
    proven: bool
    type: str
    released_by: int | None
    device: str | None
    device_owner: int | None
    sealed: bytes
    sign_required: bool | None
    watched_until: datetime | None
    imported: bool | None
    claimed: datetime | None
    unclaimed_since: datetime

    @property
    def owner(self) -> int | None:
        """Return who may read it."""
        return self.device_owner if self.device else self.released_by


def _end(row: _Row) -> float:
    return inf if row.closed is None else row.closed


class Directory:
    """Looks up sensors, devices, tokens and changes; writes down the faults of uploads."""

    def __init__(self, sealer: Sealer):
        self._sealer = sealer

    def sensors(self, ids: list[str]) -> dict[str, SensorEntry]:
        """Return what is known of the ids that devices send, or that series have."""
        close_old_connections()
        found: dict[str, list[_Row]] = {}
        either = Q(sent_as__in=ids) | Q(pk__in=ids)
        for values in Sensor.objects.filter(either).values_list(*_COLUMNS):
            row = _Row(*values)
            for name in {row.sensor, row.sent_as}:
                found.setdefault(name, []).append(row)
        return {name: self._entry(name, found[name]) for name in ids if name in found}

    def _entry(self, name: str, rows: list["_Row"]) -> SensorEntry:
        """Make the entry of an id from the rows that have it; the open one fills a series."""
        rows = sorted(rows, key=lambda row: (row.sent_as == name, _end(row)), reverse=True)
        row = rows[0]
        fills = row.sent_as == name and row.closed is None and row.device is not None
        device, owned = (row.device, row.device_owner is not None) if fills else (None, False)
        often = None
        if fills:
            often = often_until(row.watched_until, owned, row.claimed, row.unclaimed_since)
        return SensorEntry(
            row.sensor,
            device,
            row.owner,
            self.open(device, row.sealed) if device else b"",
            bool(row.sign_required),
            often.timestamp() if often else 0.0,
            fresh_only=not owned and not row.imported,
            begins=row.begins,
            proven=row.proven,
            series=tuple(
                Series(each.sensor, each.owner, sys.intern(each.type), each.begins, each.closed)
                for each in rows[:SERIES_MAX]
            ),
        )

    def open(self, device: str, sealed: bytes) -> bytes:
        """Return the key; b"", with which no digest is right, if it cannot be opened."""
        try:
            return self._sealer.open(device, bytes(sealed))
        except SealError as error:
            logger.error("%s", error)
            return b""

    def device(self, device: str) -> DeviceKey | None:
        """Return the key of a device, None if the device is unknown."""
        row = Device.objects.filter(pk=device).values_list("sealed_key", "sign_required").first()
        return None if row is None else DeviceKey(self.open(device, row[0]), row[1], bytes(row[0]))

    @staticmethod
    def tokens(digests: list[str]) -> dict[str, TokenEntry]:
        close_old_connections()
        rows = Token.objects.filter(sha256__in=digests, account__is_active=True).values_list(
            "sha256", "account_id", "sensor_id", "account__time_zone"
        )
        paid = spans({row[1] for row in rows})
        return {
            sha256: TokenEntry(account, sensor, zone, paid[account])
            for sha256, account, sensor, zone in rows
        }

    @staticmethod
    def properties(sensor: str) -> dict | None:
        """Return what `param=all` answers about a sensor, without its last update (§4)."""
        row = Sensor.objects.filter(pk=sensor).first()
        if row is None:
            return None
        return {
            "access": "private",
            "type": row.type,
            "function": row.function,
            "class": row.sensor_class,
            "voltage": row.voltage,
            "current": row.current,
            "phase": row.phase,
            "constant": row.constant,
            "enabled": int(row.enabled),
        }

    @staticmethod
    def zones(ids: list[str]) -> dict[str, str]:
        """Return the time zones of the sensors' owners, by sensor."""
        close_old_connections()
        rows = Sensor.objects.filter(pk__in=ids).values_list(
            "pk", "device__owner__time_zone", "released_by__time_zone"
        )
        return {sensor: own or kept for sensor, own, kept in rows if own or kept}

    @staticmethod
    def changes_mark() -> int:
        close_old_connections()
        return changes.mark()

    @staticmethod
    def changes(since: int) -> tuple[list[tuple[int, str, str]], int]:
        close_old_connections()
        return changes.read(since)

    @staticmethod
    def add_faults(faults: dict[str, list[int]], now: float) -> None:
        """Add to what was wrong with the sensors' uploads: the counts of hot/upload_faults.py."""
        with transaction.atomic():
            for sensor, (ahead, ahead_s, old, conflicts, odd) in faults.items():
                values = {
                    "old_tuples": F("old_tuples") + old,
                    "conflicts": F("conflicts") + conflicts,
                }
                values |= {"odd_tuples": F("odd_tuples") + odd, "trouble_at": utc(now)}
                if ahead:
                    values |= {"ahead_tuples": F("ahead_tuples") + ahead, "ahead_s": ahead_s}
                Sensor.objects.filter(pk=sensor).update(**values)

    @staticmethod
    def add_refusals(counts: refusals.Counts, now: float) -> None:
        """Add to what devices were refused."""
        refusals.add(counts, utc(now))

    @staticmethod
    def keep_house(now: float, forget, sure: bool = True) -> int:
        """Remove what has grown old; forget(sensor) removes a sensor's series."""
        return keep_house(utc(now), forget) if sure else forget_noted(forget, now=utc(now))

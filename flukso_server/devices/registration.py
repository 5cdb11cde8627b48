# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores what devices make known: themselves, their sensors and their state.

docs/design/protocols.md §8.1, §8.2, §8.5, and §3 for the heartbeat. The callers have checked each
request's digests with the key that the function's contract names.
"""

from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from django.db import IntegrityError, transaction

from flukso_server.devices import limits, refusals, unclaimed
from flukso_server.devices.changes import device_changed, sensor_changed
from flukso_server.devices.live import often_until
from flukso_server.devices.lives import claim_number, code_for, open_series, oust
from flukso_server.devices.models import Device, Heartbeat, NewKey, Sensor
from flukso_server.devices.seal import Sealer
from flukso_server.project.networks import Networks
from flukso_server.project.serial import one_at_a_time

SENSORS_MAX = 64  # of a claimed device; no configuration in the field has more
# New keys for a device whose window is open, of which its owner's code chooses one. Those that
# strangers post must not pile up, nor use up what is left for the device itself.
NEW_KEYS_MAX = 1000
NEW_KEYS_AN_ORIGIN = 5
REGISTRATIONS_A_DAY = 100  # of unclaimed devices from one home; a workshop imports a list
# Of the cap over all unclaimed devices: what one site and one block may have (project/networks.py),
SITE_SHARE, BLOCK_SHARE = 10, 2  # a tenth, and half
RESERVE_SHARE = 5  # and the last fifth is for sites that have fewer than
SINGLES = 3  # so a newcomer finds room whoever fills the rest
REPLACED_AFTER = timedelta(hours=3)  # without the hourly heartbeat of the owner's older device
YIELDS_AFTER = timedelta(days=1)  # a binding whose device never sent a value
AHEAD_MAX_S = 120
# Between two heartbeats that are kept: ours come hourly, and no device may fill the disk. It is
# under half of the quarter of an hour after which a device seems silent (dashboard/silences.py).
BEATS_APART = timedelta(minutes=7)
INT_MAX = 2**62  # fits every database


class Refused(ValueError):
    """The device may not do this; the text is answered.

    kind: one of devices/refusals.py if its owner is to read of it, "" otherwise.
    """

    def __init__(self, text: str, kind: str = ""):
        super().__init__(text)
        self.kind = kind


class Offer(NamedTuple):
    """A key that a device posted."""

    key: bytes
    signed: bool  # with X-Sign, which is required from then on (§8.5)
    origin: Networks  # where it came from
    now: datetime


def register(device: str, offer: Offer, unclaimed_max: int, sealer: Sealer) -> None:
    """Store an unknown device without an owner.

    Raises Refused if there are too many, or if another request has just stored the device.
    """
    try:
        with transaction.atomic():
            one_at_a_time("registrations")  # the lock for the counts
            _check_room(offer, unclaimed_max)
            Device.objects.create(
                id=device,
                sealed_key=sealer.seal(device, offer.key),
                claim_code=code_for(offer.key, device),
                sign_required=offer.signed,
                origin=offer.origin.home,
                site=offer.origin.site,
                block=offer.origin.block,
            )
            device_changed(device)
    except IntegrityError as error:
        # The device tries again, and is known then.
        raise Refused("Registered meanwhile") from error


def _check_room(offer: Offer, most: int) -> None:
    """Raise Refused if there are too many unclaimed devices, of this network or of all."""
    waiting = Device.objects.filter(owner=None, imported=False)
    count, (home, site, block) = waiting.count(), offer.origin
    if count >= most:
        raise Refused("Too many unclaimed devices")
    if not home:
        return
    today = waiting.filter(origin=home, created__gt=offer.now - timedelta(days=1))
    of_site = waiting.filter(site=site).count()
    if (
        today.count() >= REGISTRATIONS_A_DAY
        or of_site >= max(most // SITE_SHARE, 1)
        or waiting.filter(block=block).count() >= max(most // BLOCK_SHARE, 1)
        or (count >= most - most // RESERVE_SHARE and of_site >= SINGLES)
    ):
        raise Refused("Too many unclaimed devices from here")


def replace_key(device: str, old_sealed: bytes, key: bytes, sealer: Sealer) -> None:
    """Give a device, which has proved that it holds its old key, a new one."""
    with transaction.atomic():
        values = {"sealed_key": sealer.seal(device, key), "claim_code": code_for(key, device)}
        if Device.objects.filter(pk=device, sealed_key=old_sealed).update(**values) != 1:
            raise Refused("Changed meanwhile")
        device_changed(device)


def offer_key(device: str, offer: Offer, sealer: Sealer) -> None:
    """Keep a new key for its owner to confirm. Raises Refused if no window is open for it."""
    with transaction.atomic():
        row = (
            Device.objects.select_for_update()
            .filter(pk=device, rekey_until__gt=offer.now)
            .exclude(owner=None)
            .first()
        )
        if row is None:
            raise Refused("Incorrect digest", refusals.KEY)
        code = code_for(offer.key, device)
        if row.new_keys.filter(claim_code=code).exists():
            return
        alike = row.new_keys.filter(origin=offer.origin.home)
        if row.new_keys.count() >= NEW_KEYS_MAX or alike.count() >= NEW_KEYS_AN_ORIGIN:
            raise Refused("Too many new keys")
        sealed = sealer.seal(device, offer.key)
        NewKey.objects.create(
            device=row,
            sealed_key=sealed,
            claim_code=code,
            signed=offer.signed,
            origin=offer.origin.home,
        )


def require_sign(device: str) -> None:
    """Note that the device has signed: from now on it must always sign."""
    with transaction.atomic():
        if Device.objects.filter(pk=device, sign_required=False).update(sign_required=True):
            device_changed(device)


class BeatAnswer(NamedTuple):
    """What a heartbeat's answer is to say."""

    claimed: bool
    often: bool  # uploads are wanted every ten seconds (devices/live.py)
    claim: int  # the claim number
    owner: int | None = None
    time: int | None = None  # that the device tells, unless it may be a replay


def heartbeat(device: str, beat: dict, now: datetime) -> BeatAnswer:
    """Store what the heartbeat says, unless it is a replay or from the future."""
    with transaction.atomic():
        row = Device.objects.select_for_update().get(pk=device)
        owned = row.owner_id is not None
        often = often_until(row.watched_until, owned, row.claimed, row.unclaimed_since)
        time = _integer(beat, "time")
        told = time if time is not None and time > row.beat_time else None
        answer = BeatAnswer(
            owned, often is not None and often > now, claim_number(device), row.owner_id, told
        )
        if not _is_news(row, time, now):
            return answer
        uptime = _integer(beat, "uptime")
        reset = bool(_integer(beat, "reset")) and (
            row.uptime_s is None or uptime is None or uptime < row.uptime_s
        )
        row.seen = now
        row.beat_time = max(row.beat_time, time or 0)
        row.version = _version(beat.get("version"))
        row.uptime_s = uptime
        for name in ("total", "free", "cached", "buffers"):
            setattr(row, f"mem_{name}_kb", _integer(beat, "mem" + name))
        row.resets += reset
        row.save(update_fields=_BEAT_FIELDS)
        _keep_beat(row, now, reset)
        return answer


def _keep_beat(row: Device, now: datetime, reset: bool) -> None:
    """Add a row, unless there is one within BEATS_APART, in which a reset is noted then."""
    newest = (
        Heartbeat.objects.filter(device=row, at__gt=now - BEATS_APART, at__lte=now)
        .order_by("-at")
        .first()
    )
    if newest is None:
        Heartbeat.objects.create(
            device=row, at=now, uptime_s=row.uptime_s, mem_free_kb=row.mem_free_kb, reset=reset
        )
    elif reset and not newest.reset:
        newest.reset = True
        newest.save(update_fields=["reset"])


_MEMORY = ["mem_total_kb", "mem_free_kb", "mem_cached_kb", "mem_buffers_kb"]
_BEAT_FIELDS = ["seen", "beat_time", "version", "uptime_s", "resets", *_MEMORY]


def _is_news(row: Device, time: int | None, now: datetime) -> bool:
    """Return False for a replay, or a time from the future.

    A device that signs also gives the time. A historic one does neither, and a replay of its
    heartbeats cannot be recognised.
    """
    if time is None:
        return not row.sign_required and row.beat_time == 0
    return row.beat_time < time <= now.timestamp() + AHEAD_MAX_S


def _integer(beat: dict, name: str) -> int | None:
    value = beat.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    if isinstance(value, float) and abs(value) < INT_MAX:  # historic uptimes may be decimal
        value = int(value)
    return value if type(value) is int and 0 <= value < INT_MAX else None


def _version(value: object) -> int | None:
    """Return a version as §3 counts it: 210 for 210 or "210", 10000 for "1.0.0"."""
    if isinstance(value, str):
        parts = value.split(".")
        if (
            not all(part.isascii() and part.isdigit() and len(part) < 5 for part in parts)
            or len(parts) > 3
        ):
            return None
        numbers = [int(part) for part in parts]
        value = (
            numbers[0]
            if len(numbers) == 1
            else sum(n * w for n, w in zip(numbers, (10000, 100, 1), strict=False))
        )
    return value if type(value) is int and 0 <= value < 2**31 else None


def bind_sensor(sensor: str, device: str, now: datetime) -> str:
    """Bind a sensor, by the id that it is sent as, to the device; return the id of its series.

    It is bound if it is unknown, if its owner has kept it from another device of theirs that is
    gone or silent, or if the device that has it never sent a value of it for a day. Raises Refused
    otherwise, or if the device has too many.
    """
    try:
        with transaction.atomic():
            owner = Device.objects.select_for_update().get(pk=device).owner_id
            rows = Sensor.objects.select_for_update(of=("self",)).select_related("device")
            row = rows.filter(sent_as=sensor, closed=None).first()
            if row is not None and row.device_id == device:
                return row.pk
            kept = _kept(sensor, owner, row, now)
            if row is not None and kept is None and (row.proven or row.bound > now - YIELDS_AFTER):
                raise Refused("No proper provisioning for this sensor", refusals.BOUND)
            bound = Sensor.objects.filter(device_id=device).count()
            if bound >= (unclaimed.SENSORS_MAX if owner is None else SENSORS_MAX):
                raise Refused("Too many sensors", refusals.MANY)
            if kept is None:
                if row is not None:
                    oust(row)
                kept = open_series(sensor, device)
            else:
                place = {"device_id": device, "released_by": None, "closed": None}
                Sensor.objects.filter(pk=kept.pk).update(bound=now, proven=False, **place)
            sensor_changed(kept.pk)
            refusals.settled(device, sensor, refusals.BOUND, refusals.MANY)
            return kept.pk
    except IntegrityError as error:
        raise Refused("Bound meanwhile") from error


def _kept(sensor: str, owner: int | None, row: Sensor | None, now: datetime) -> Sensor | None:
    """Return the newest series of the sensor, if this owner has it and no device fills it."""
    newest = row or Sensor.objects.filter(sent_as=sensor).order_by("-closed").first()
    if owner is None or newest is None:
        return None
    if newest.device is None:
        return newest if newest.released_by_id == owner else None
    silent = newest.device.seen is None or newest.device.seen < now - REPLACED_AFTER
    return newest if silent and newest.device.owner_id == owner else None


def note_proven(sensors: list[str]) -> None:
    """Note that the sensors' devices sent a value with a right digest: they keep the sensors."""
    Sensor.objects.filter(pk__in=sensors, proven=False).update(proven=True)


def configure_sensor(sensor: str, config: dict) -> None:
    """Store what a configuration says as far as it can be understood; sensor: of the series."""
    values: dict = {}
    for name, field, longest in (
        ("type", "type", 32),
        ("class", "sensor_class", 32),
        ("function", "function", 64),
    ):
        text = config.get(name)
        if isinstance(text, str) and len(text) <= longest and text.isprintable():
            values[field] = text
    for name in ("voltage", "current", "phase"):
        number = _integer(config, name)
        if number is not None and number < 2**31:
            values[name] = number
    constant = config.get("constant")
    if (
        isinstance(constant, str | int | float)
        and not isinstance(constant, bool)
        and len(str(constant)) <= 16
    ):
        values["constant"] = str(constant)
    enable = config.get("enable")
    if enable in (0, 1, "0", "1"):  # True and False too
        values["enabled"] = enable in (1, "1")
    row = Sensor.objects.filter(pk=sensor)
    with transaction.atomic():
        if "type" in values and row.exclude(type=values["type"]).exists():
            sensor_changed(sensor)  # its units are others now
        row.update(**values)
    limits.note(sensor)


def utc(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, timezone.utc)

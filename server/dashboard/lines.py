# SPDX-License-Identifier: GPL-3.0-or-later
"""What one line of the chart is: a household's sensors with their signs, and how finely its viewer may see it."""

from collections.abc import Iterable
from typing import NamedTuple
from zoneinfo import ZoneInfo

from accounts.sharing import SHOWN_MAX, Detail, charted
from devices.models import Sensor
from devices.queries import sensors_of
from django.db.models import Q
from django.utils.translation import gettext as _

RESOURCES = ("electricity", "water", "gas")
DEMO_SEED = 1
SENSORS_MAX = 64  # in one line: what a device can have

Role = Sensor.Role
# what an own line can show, by the sign that each role's energy has in it
FLOWS = {
    "use": {Role.IMPORT: 1, Role.PV: 1, Role.EXPORT: -1},
    "net": {Role.IMPORT: 1, Role.EXPORT: -1},
    "pv": {Role.PV: 1},
    "self": {Role.PV: 1, Role.EXPORT: -1},
}


class Part(NamedTuple):
    """A sensor of a line, and the device whose silence is a gap."""

    sensor: str
    sign: int
    device: str | None


class Line(NamedTuple):
    """key: `me`, `demo` or the member's name; detail: `day` or `minutes`; zone: where its days and nights are."""

    key: str
    name: str
    kind: str  # own, demo or peer
    parts: tuple[Part, ...]
    detail: str
    zone: ZoneInfo


def resources_of(account) -> list[str]:
    """The tabs of the account, electricity first; that alone for one without a sensor."""
    found = {kind.lower() for kind in sensors_of(account).order_by().values_list("type", flat=True)}
    return [name for name in RESOURCES if name in found] or [RESOURCES[0]]


def flows_of(account, resource: str) -> list[str]:
    """What the own line can show; more than `use` where something is exported or produced."""
    roles = set(sensors_of(account).order_by().filter(type__iexact=resource).values_list("role", flat=True))
    if not roles & {Role.PV, Role.EXPORT}:
        return ["use"]
    return [flow for flow, signs in FLOWS.items() if roles & set(signs)]


def lines_for(viewer, resource: str, flow: str = "use") -> list[Line]:
    """The viewer's own line, or the demo household's, and the lines of at most four others that share with the viewer."""
    return [own_line(viewer, resource, flow), *_peers(viewer, resource)]


def own_line(viewer, resource: str, flow: str = "use") -> Line:
    """The demo household's for who has no sensor at all."""
    zone = ZoneInfo(viewer.time_zone)
    parts = _parts(sensors_of(viewer).filter(type__iexact=resource), FLOWS[flow])
    if parts or sensors_of(viewer).exists():
        return Line("me", viewer.get_username(), "own", parts, Detail.MINUTES, zone)
    return Line("demo", _("demo household"), "demo", (), Detail.MINUTES, zone)


def sensor_line(viewer, sensor: Sensor) -> Line:
    """One sensor of the viewer's own."""
    return Line("me", str(sensor), "own", (Part(sensor.pk, 1, sensor.device_id),), Detail.MINUTES, ZoneInfo(viewer.time_zone))


def _parts(sensors: Iterable[Sensor], signs: dict) -> tuple[Part, ...]:
    found = [Part(each.pk, signs[each.role], each.device_id) for each in sensors if each.role in signs]
    return tuple(found[:SENSORS_MAX])


def _peers(viewer, resource: str) -> list[Line]:
    members = [each.to for each in charted(viewer)][:SHOWN_MAX]
    if not members:
        return []
    owned = Q(device__owner__in=members) | Q(device=None, released_by__in=members)
    by_owner: dict[int, list[Sensor]] = {each.pk: [] for each in members}
    for sensor in Sensor.objects.filter(owned, type__iexact=resource).select_related("device"):
        by_owner[sensor.device.owner_id if sensor.device else sensor.released_by_id].append(sensor)
    return [
        Line(each.get_username(), each.get_username(), "peer", _parts(by_owner[each.pk], FLOWS["use"]), each.sharing.detail, _zone(each))
        for each in members
    ]


def _zone(member) -> ZoneInfo:
    return ZoneInfo(member.time_zone)

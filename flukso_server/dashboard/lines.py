# SPDX-License-Identifier: GPL-3.0-or-later
"""What one line of the chart is: a household's sensors with their signs, and how finely its viewer
may see it.
"""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from flukso_server.accounts.sharing import SHOWN_MAX, Detail, Shown, charted, named
from flukso_server.devices.models import Sensor
from flukso_server.project.prepared import Prepared

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
    role: str
    sign: int
    device: str | None


class Line(NamedTuple):
    """key: `me`, `demo` or the member's name; detail: `day` or `minutes`; zone: where its days and
    nights are; flow: what it shows.
    """

    key: str
    name: str
    kind: str  # own, demo or peer
    parts: tuple[Part, ...]
    detail: str
    zone: ZoneInfo
    flow: str = "use"


class Counter(NamedTuple):
    """What a line needs to know of a sensor; owner: the account (id) that it belongs to."""

    sensor: str
    resource: str
    role: str
    device: str | None
    owner: int


def counters(account: int, *others: int) -> list[Counter]:
    """Those of the account and of up to four others (ids), of all resources, in the order of
    sensors.
    """
    owners = [account, *others]
    rows = _COUNTERS.rows(*owners, *[account] * (SHOWN_MAX + 1 - len(owners)))
    return [
        Counter(pk, kind.lower(), role, device, owner if device else kept_by)
        for pk, kind, role, device, owner, kept_by in rows
    ]


def _rows(*owners: int) -> QuerySet:
    owned = Q(device__owner__in=owners) | Q(device=None, released_by__in=owners)
    return Sensor.objects.filter(owned).values_list(
        "pk", "type", "role", "device_id", "device__owner_id", "released_by_id"
    )


_COUNTERS = Prepared(_rows, SHOWN_MAX + 1)


def resources_of(own: list[Counter]) -> list[str]:
    """The tabs of an account with these sensors, electricity first; that alone for one without a
    sensor.
    """
    found = {each.resource for each in own}
    return [name for name in RESOURCES if name in found] or [RESOURCES[0]]


def flows_of(own: list[Counter], resource: str) -> list[str]:
    """What the own line can show, first what comes closest to its use: who feeds in without a meter
    on the panels cannot know that.
    """
    roles = {each.role for each in own if each.resource == resource}
    panels, fed = Role.PV in roles, Role.EXPORT in roles
    if not panels:
        return ["net"] if fed else ["use"]
    supplied = ["use", "net"] if Role.IMPORT in roles else []
    return [*supplied, "pv", *(["self"] if fed else [])]


def lines_for(
    viewer, resource: str, flow: str = "use", names: tuple[str, ...] | None = None
) -> list[Line]:
    """The viewer's own line, or the demo household's, and the lines of at most four others that
    share with the viewer: of these names, or those that the account keeps in its chart.
    """
    members = charted(viewer) if names is None else named(viewer, names)
    found = counters(viewer.pk, *[each.pk for each in members])
    peers = [
        _peer(each, [one for one in found if one.owner == each.pk], resource) for each in members
    ]
    return [
        own_line(viewer, [one for one in found if one.owner == viewer.pk], resource, flow),
        *peers,
    ]


def own_line(viewer, own: list[Counter], resource: str, flow: str = "use") -> Line:
    """Of the viewer's sensors; the demo household's for who has none at all."""
    zone = ZoneInfo(viewer.time_zone)
    if not own:
        return Line("demo", _("demo household"), "demo", (), Detail.MINUTES, zone)
    name, parts, able = _shown(viewer.get_username(), own, resource, flow)
    return Line("me", name, "own", parts, Detail.MINUTES, zone, able)


def sensor_line(viewer, sensor: Sensor) -> Line:
    """One sensor of the viewer's own."""
    return Line(
        "me",
        str(sensor),
        "own",
        (Part(sensor.pk, sensor.role, 1, sensor.device_id),),
        Detail.MINUTES,
        ZoneInfo(viewer.time_zone),
    )


def _peer(member: Shown, found: list[Counter], resource: str) -> Line:
    name, parts, able = _shown(member.username, found, resource, "use")
    return Line(
        member.username, name, "peer", parts, member.detail, ZoneInfo(member.time_zone), able
    )


def _shown(
    name: str, found: list[Counter], resource: str, flow: str
) -> tuple[str, tuple[Part, ...], str]:
    """The line's name, which says so where it cannot be the use, its parts, and what it shows."""
    able = flows_of(found, resource)
    flow = flow if flow in able else able[0]
    if "use" not in able:
        name = {"net": _("{name} (net)"), "pv": _("{name} (solar)")}.get(flow, "{name}").format(
            name=name
        )
    signs: dict = FLOWS[flow]
    parts = [
        Part(each.sensor, each.role, signs[each.role], each.device)
        for each in found
        if each.resource == resource and each.role in signs
    ]
    return name, tuple(parts[:SENSORS_MAX]), flow

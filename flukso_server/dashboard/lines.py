# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of the chart: a household's sensors with their signs, and how much its viewer may see."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from flukso_server.accounts.sharing import SHOWN_MAX, Detail, Shown, charted, named
from flukso_server.devices.models import Sensor
from flukso_server.project.prepared import Prepared

RESOURCES = ("electricity", "water", "gas")
DEMO_SEED = 1
SENSORS_MAX = 64  # in one line: as many as a device can have

Role = Sensor.Role
# what one's own line can show: the sign of each role's energy in it
FLOWS = {
    "use": {Role.IMPORT: 1, Role.PV: 1, Role.EXPORT: -1},
    "net": {Role.IMPORT: 1, Role.EXPORT: -1},
    "pv": {Role.PV: 1},
    "self": {Role.PV: 1, Role.EXPORT: -1},
}


class Part(NamedTuple):
    """A sensor of a line, and the device whose silences are gaps."""

    sensor: str
    role: str
    sign: int
    device: str | None


class Line(NamedTuple):
    """One line of the chart."""

    key: str  # `me`, `demo` or the member's name
    name: str
    kind: str  # own, demo or peer
    parts: tuple[Part, ...]
    detail: str  # `day` or `minutes`
    zone: ZoneInfo  # of its days and nights
    flow: str = "use"  # what it shows: a key of FLOWS


class Counter(NamedTuple):
    """What a line needs to know of a sensor; owner is the account's id."""

    sensor: str
    resource: str
    role: str
    device: str | None
    owner: int


def counters(account: int, *others: int) -> list[Counter]:
    """Return the counters of the account and of up to four others (ids), of all resources."""
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
    """Return the tabs of an account with these sensors, electricity first.

    An account without a sensor has that tab alone.
    """
    counted = {each.resource for each in own}
    return [name for name in RESOURCES if name in counted] or [RESOURCES[0]]


def flows_of(own: list[Counter], resource: str) -> list[str]:
    """Return what the own line can show; first what comes closest to the use.

    A household that feeds in without a meter on its panels cannot know its use.
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
    """Return the viewer's own line (or the demo household's) and those of up to four others.

    The others share with the viewer: they are those of these names, or those that the account keeps
    in its chart.
    """
    members = charted(viewer) if names is None else named(viewer, names)
    by_owner: dict[int, list[Counter]] = {}
    for counter in counters(viewer.pk, *[member.pk for member in members]):
        by_owner.setdefault(counter.owner, []).append(counter)
    own = own_line(viewer, by_owner.get(viewer.pk, []), resource, flow)
    return [own, *[_peer(member, by_owner.get(member.pk, []), resource) for member in members]]


def own_line(viewer, own: list[Counter], resource: str, flow: str = "use") -> Line:
    """Return the line of the viewer's sensors, or the demo household's if there are none."""
    zone = ZoneInfo(viewer.time_zone)
    if not own:
        return Line("demo", _("demo household"), "demo", (), Detail.MINUTES, zone)
    name, parts, able = _shown(viewer.get_username(), own, resource, flow)
    return Line("me", name, "own", parts, Detail.MINUTES, zone, able)


def sensor_line(viewer, sensor: Sensor) -> Line:
    """Return the line of one sensor of the viewer's."""
    return Line(
        "me",
        str(sensor),
        "own",
        (Part(sensor.pk, sensor.role, 1, sensor.device_id),),
        Detail.MINUTES,
        ZoneInfo(viewer.time_zone),
    )


def _peer(member: Shown, its_counters: list[Counter], resource: str) -> Line:
    name, parts, able = _shown(member.username, its_counters, resource, "use")
    return Line(
        member.username, name, "peer", parts, member.detail, ZoneInfo(member.time_zone), able
    )


def _shown(
    name: str, its_counters: list[Counter], resource: str, flow: str
) -> tuple[str, tuple[Part, ...], str]:
    """Return the line's name, its parts and what it shows.

    The name says so if the line cannot show the use.
    """
    able = flows_of(its_counters, resource)
    flow = flow if flow in able else able[0]
    if "use" not in able:
        name = {"net": _("{name} (net)"), "pv": _("{name} (solar)")}.get(flow, "{name}").format(
            name=name
        )
    signs: dict = FLOWS[flow]
    parts = [
        Part(each.sensor, each.role, signs[each.role], each.device)
        for each in its_counters
        if each.resource == resource and each.role in signs
    ]
    return name, tuple(parts[:SENSORS_MAX]), flow

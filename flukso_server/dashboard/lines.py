# SPDX-License-Identifier: GPL-3.0-or-later
"""A line of the chart: a household's sensors with their signs, and how much its viewer may see."""

from datetime import tzinfo
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from flukso_server.accounts.sharing import SHOWN_MAX, Detail, Shown, charted, named
from flukso_server.accounts.zones import zone_of
from flukso_server.devices.models import Sensor
from flukso_server.project.prepared import Prepared
from flukso_server.series.quantities import ELECTRICITY, NAMES, of_resource

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
    zone: tzinfo  # of its days and nights
    flow: str = "use"  # what it shows: a key of FLOWS
    resource: str = ELECTRICITY.name


class Counter(NamedTuple):
    """What a line needs to know of a sensor; owner is the account's id."""

    sensor: str
    resource: str
    role: str
    device: str | None
    owner: int
    name: str = ""


def counters(account: int, *others: int) -> list[Counter]:
    """Return the counters of the account and of up to four others (ids), of all resources."""
    owners = [account, *others]
    rows = _COUNTERS.rows(*owners, *[account] * (SHOWN_MAX + 1 - len(owners)))
    return [
        Counter(
            pk, kind.lower(), role, device, owner if device else kept_by, name or function or pk
        )
        for pk, kind, role, device, owner, kept_by, name, function in rows
    ]


def _rows(*owners: int) -> QuerySet:
    owned = Q(device__owner__in=owners) | Q(device=None, released_by__in=owners)
    return Sensor.objects.filter(owned).values_list(
        "pk",
        "type",
        "role",
        "device_id",
        "device__owner_id",
        "released_by_id",
        "name",
        "function",
    )


_COUNTERS = Prepared(_rows, SHOWN_MAX + 1)


def resources_of(own: list[Counter]) -> list[str]:
    """Return the tabs of an account with these sensors, electricity first.

    An account without a sensor has that tab alone.
    """
    counted = {each.resource for each in own}
    return [name for name in NAMES if name in counted] or [ELECTRICITY.name]


def flows_of(own: list[Counter], resource: str) -> list[str]:
    """Return what the own line can show; first what comes closest to the use.

    A household that feeds in without a meter on its panels cannot know its use.
    """
    if of_resource(resource).rule.held:
        return ["use"]  # there is nothing to add up
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
    in its chart. What is held (temperature) is no amount to compare: it has a line for each of the
    viewer's own sensors, and none of others'.
    """
    if of_resource(resource).rule.held:
        its = [each for each in counters(viewer.pk) if each.resource == resource]
        zone = zone_of(viewer)
        held = [_held(each, i, zone) for i, each in enumerate(its[: SHOWN_MAX + 1])]
        return held or [own_line(viewer, counters(viewer.pk), resource)]
    members = charted(viewer) if names is None else named(viewer, names)
    by_owner: dict[int, list[Counter]] = {}
    for counter in counters(viewer.pk, *[member.pk for member in members]):
        by_owner.setdefault(counter.owner, []).append(counter)
    own = own_line(viewer, by_owner.get(viewer.pk, []), resource, flow)
    return [own, *[_peer(member, by_owner.get(member.pk, []), resource) for member in members]]


def own_line(viewer, own: list[Counter], resource: str, flow: str = "use") -> Line:
    """Return the line of the viewer's sensors, or the demo household's if there are none.

    Of what is held it is the first sensor's line.
    """
    zone = zone_of(viewer)
    if not own:
        return Line("demo", _("demo household"), "demo", (), Detail.MINUTES, zone)
    if of_resource(resource).rule.held:
        first = next((each for each in own if each.resource == resource), None)
        if first is not None:
            return _held(first, 0, zone)
    name, parts, able = _shown(viewer.get_username(), own, resource, flow)
    return Line("me", name, "own", parts, Detail.MINUTES, zone, able, resource)


def _held(each: Counter, place: int, zone: tzinfo) -> Line:
    """Return the line of one of the viewer's sensors of what is held; `me` is the first of them."""
    part = Part(each.sensor, each.role, 1, each.device)
    key = each.sensor if place else "me"
    return Line(key, each.name, "own", (part,), Detail.MINUTES, zone, "use", each.resource)


def sensor_line(viewer, sensor: Sensor) -> Line:
    """Return the line of one sensor of the viewer's."""
    return Line(
        "me",
        str(sensor),
        "own",
        (Part(sensor.pk, sensor.role, 1, sensor.device_id),),
        Detail.MINUTES,
        zone_of(viewer),
        resource=of_resource(sensor.type).name,
    )


def _peer(member: Shown, its_counters: list[Counter], resource: str) -> Line:
    name, parts, able = _shown(member.username, its_counters, resource, "use")
    return Line(
        member.username,
        name,
        "peer",
        parts,
        member.detail,
        zone_of(member),
        able,
        resource,
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

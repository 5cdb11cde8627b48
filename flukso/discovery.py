# SPDX-License-Identifier: GPL-3.0-or-later
"""What mDNS says about the LAN API (docs/design/protocols.md §5); pure."""

from collections import namedtuple

TYPE = "_flukso._tcp"
# name: of the instance; host: without .local; txt: list of (key, value) in the order in which they
# are announced
Service = namedtuple("Service", ("type", "name", "host", "port", "txt"))


def service(settings) -> Service:
    """Return the service that announces these settings' LAN API."""
    host = "flukso-" + settings.device[:6] if settings.device else "flukso"
    txt = [("id{}".format(sensor.number), sensor.id) for sensor in settings.sensors]
    txt += [("path", "/sensor"), ("version", "1.0")]
    return Service(TYPE, "Flukso RESTful API on " + host, host, settings.lan_port, txt)

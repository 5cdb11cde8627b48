# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of sensors, inside the platform."""

from flukso_server.devices.registration import configure_sensor
from flukso_server.project.stores import store


def configure(sensor: str, config: dict) -> None:
    configure_sensor(sensor, config)


def limits(sensor: str) -> list[list]:
    return [list(each) for each in store().terms(sensor).limits]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo household and its neighbours as accounts, with devices that go on counting."""

from typing import NamedTuple

from numpy.typing import NDArray

from flukso_server.dashboard import demo
from flukso_server.devices.models import Sensor
from flukso_server.devices.seal import sealer

NAME = "rooftop"
# name: what they share
NEIGHBOURS = {
    "icarus75": "minutes",
    "mackenzie": "minutes",
    "jan": "minutes",
    "Ludo": "day",
}
PANELS_W = 2800
SEED = 11
MINUTE_S = 60


def seeds() -> dict[str, int]:
    """Return the seed of each account's household, by the account's name."""
    return {name: seed for seed, name in enumerate([NAME, *NEIGHBOURS], SEED)}


class Meter:
    """A sensor that counts on from its last tuple on the platform."""

    def __init__(self, sensor: Sensor, seed: int, last: tuple[int, int]):
        self.sensor = str(sensor.pk)
        self.device = str(sensor.device_id)
        self._seed = seed
        self._role = sensor.role if sensor.device.owner.username == NAME else None
        self._at, self._wh = last[0], float(last[1])
        self._next = (self._at, self._wh)

    def count(self, until: int) -> list[tuple[int, int]]:
        """Return the tuples after the last accepted one: each full minute, and at `until`."""
        if until <= self._at:
            return []
        minute = self._at // MINUTE_S * MINUTE_S + MINUTE_S
        at = [self._at, *range(minute, until, MINUTE_S), until]
        levels = (self._wh + self._counted(at).cumsum()).tolist()
        self._next = (until, levels[-1])
        return [(ts, int(level)) for ts, level in zip(at[1:], levels, strict=True)]

    def accept(self) -> None:
        """Note that the platform has stored what count() returned."""
        self._at, self._wh = self._next

    def _counted(self, at: list[int]) -> NDArray:
        if self._role is None:
            return demo.energy_wh(self._seed, at)
        return demo.solar_wh(self._seed, at, PANELS_W)[self._role]


class Box(NamedTuple):
    """A device: its key, and its sensors."""

    device: str
    key: bytes
    meters: list[Meter]


def boxes(store) -> list[Box]:
    """Return the devices of these households, with the sensors of which the store has tuples."""
    by_device: dict[str, Box] = {}
    rows = Sensor.objects.filter(
        device__owner__username__in=seeds(), function__in=("import", "export", "pv")
    ).select_related("device__owner")
    for row in rows:
        last = store.last(row.pk)
        if last is not None:
            device, seed = row.device, seeds()[row.device.owner.username]
            key = sealer().open(device.pk, device.sealed_key)
            box = by_device.setdefault(device.pk, Box(device.pk, key, []))
            box.meters.append(Meter(row, seed, last))
    return list(by_device.values())

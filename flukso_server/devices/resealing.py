# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing FLUKSO_DEVICE_KEY_SECRET: whether it still opens what is stored, and sealing all keys
with its first secret.
"""

from collections.abc import Iterator

from flukso_server.devices.models import Device, NewKey
from flukso_server.devices.seal import Sealer, SealError

SAMPLE = 20  # devices that are tried when a service starts


def opens_some(sealer: Sealer) -> bool:
    """Whether a key among the first devices' can be opened, or there is none: else the secret is
    another installation's.
    """
    tried = list(
        Device.objects.exclude(sealed_key=b"")
        .order_by("pk")
        .values_list("pk", "sealed_key")[:SAMPLE]
    )
    return not tried or any(_opens(sealer, device, bytes(sealed)) for device, sealed in tried)


def _opens(sealer: Sealer, device: str, sealed: bytes) -> bool:
    try:
        sealer.open(device, sealed)
    except SealError:
        return False
    return True


def reseal(sealer: Sealer) -> Iterator[tuple[str, bool]]:
    """Seal every key with the first secret, one write each; yield (device, whether its key could be
    opened).
    """
    for model, name in ((Device, "pk"), (NewKey, "device_id")):
        for row, device, stored in list(
            model.objects.order_by("pk").values_list("pk", name, "sealed_key")
        ):
            sealed = bytes(stored)
            try:
                key = sealer.open(device, sealed)
            except SealError:
                yield device, False
                continue
            model.objects.filter(pk=row, sealed_key=sealed).update(
                sealed_key=sealer.seal(device, key)
            )  # unless it changed meanwhile
            yield device, True

# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes FLUKSO_DEVICE_KEY_SECRET: checks that it opens the stored keys, and seals them anew."""

from collections.abc import Iterator

from flukso_server.devices.models import Device, NewKey
from flukso_server.devices.seal import Sealer, SealError

SAMPLE = 20  # devices whose keys are tried when a service starts


def opens_some(sealer: Sealer) -> bool:
    """Return False if none of the first devices' keys can be opened.

    The secret is that of another installation then.
    """
    rows = list(
        Device.objects.exclude(sealed_key=b"")
        .order_by("pk")
        .values_list("pk", "sealed_key")[:SAMPLE]
    )
    return not rows or any(_opens(sealer, device, bytes(sealed)) for device, sealed in rows)


def _opens(sealer: Sealer, device: str, sealed: bytes) -> bool:
    try:
        sealer.open(device, sealed)
    except SealError:
        return False
    return True


def reseal(sealer: Sealer) -> Iterator[tuple[str, bool]]:
    """Seal every key with the first secret, one write each.

    Yields (device, whether its key could be opened).
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
            unchanged = model.objects.filter(pk=row, sealed_key=sealed)
            unchanged.update(sealed_key=sealer.seal(device, key))
            yield device, True

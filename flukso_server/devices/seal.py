# SPDX-License-Identifier: GPL-3.0-or-later
"""Device keys at rest: AES-256-GCM, bound to the device's id, under a key from the environment.

A sealed key is a byte that names the format, 12 bytes of nonce, the ciphertext and its tag.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = b"\x01"
NONCE_LEN = 12


class SealError(ValueError):
    """A sealed key cannot be opened.

    It was altered or copied from another device, or FLUKSO_DEVICE_KEY_SECRET lacks its secret.
    """


class Sealer:
    """Seals with the first of its secrets, and opens with any of them."""

    def __init__(self, secrets: list[bytes]):
        self._ciphers = [AESGCM(secret) for secret in secrets]

    def seal(self, device: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_LEN)
        return FORMAT + nonce + self._ciphers[0].encrypt(nonce, key, device.encode())

    def open(self, device: str, sealed: bytes) -> bytes:
        """Return the key. Raises SealError, nothing else, whatever the bytes."""
        nonce, text = sealed[1 : 1 + NONCE_LEN], sealed[1 + NONCE_LEN :]
        if sealed[:1] == FORMAT and len(nonce) == NONCE_LEN:
            for cipher in self._ciphers:
                try:
                    return cipher.decrypt(nonce, text, device.encode())
                except InvalidTag:
                    continue
        raise SealError(f"the key of device {device} cannot be opened")


def sealer() -> Sealer:
    """Return the sealer with the secrets of this installation."""
    from django.conf import settings

    return Sealer(settings.DEVICE_KEY_SECRETS)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures and public keys in the form of OpenWrt's usign (and OpenBSD's signify), by a key in
PEM (docs/guide/openwrt.md).
"""

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = b"Ed"
NUMBER_LEN = 8  # bytes by which a signature names its key
PUBLIC_LEN = 42  # bytes of a public file: algorithm, number, key
PEM_MAX = 4096  # bytes; an Ed25519 key has 119


class SigningKeyError(ValueError):
    """A file that holds no key to sign with."""


def load(pem: bytes) -> Ed25519PrivateKey:
    """The key of a PEM file. Raises SigningKeyError for what is none, for one of another kind and
    for one with a passphrase.
    """
    if len(pem) > PEM_MAX:
        raise SigningKeyError("it is over {} bytes".format(PEM_MAX))
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise SigningKeyError(
            "it has a passphrase; give one without, from a place that only you can read"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SigningKeyError(
            "it is no private key in PEM; make one: openssl genpkey -algorithm ed25519 -out key.pem"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(
            "it is no Ed25519 key; make one: openssl genpkey -algorithm ed25519 -out key.pem"
        )
    return key


def number(key: Ed25519PrivateKey) -> bytes:
    """The eight bytes that name the key: usign draws them, here they follow from the public key, so
    that they are the same each time.
    """
    return hashlib.sha256(key.public_key().public_bytes_raw()).digest()[:NUMBER_LEN]


def _file(comment: str, content: bytes) -> bytes:
    return "untrusted comment: {}\n{}\n".format(
        comment, base64.b64encode(content).decode()
    ).encode()


def public_file(key: Ed25519PrivateKey) -> bytes:
    """What lies in /etc/opkg/keys, by the number in hexadecimal."""
    name = number(key)
    return _file(
        "public key {}".format(name.hex()), ALGORITHM + name + key.public_key().public_bytes_raw()
    )


def number_of(public: bytes) -> bytes:
    """The number in a public file. Raises SigningKeyError for what is none."""
    comment, _, line = public[:PEM_MAX].partition(b"\n")
    try:
        content = base64.b64decode(line.strip(), validate=True)
    except ValueError:
        content = b""
    if (
        not comment.startswith(b"untrusted comment: ")
        or not content.startswith(ALGORITHM)
        or len(content) != PUBLIC_LEN
    ):
        raise SigningKeyError("it is no public key as usign writes them")
    return content[len(ALGORITHM) : len(ALGORITHM) + NUMBER_LEN]


def signature_file(key: Ed25519PrivateKey, message: bytes) -> bytes:
    """What `usign -S` writes of this message."""
    name = number(key)
    return _file("signed by key {}".format(name.hex()), ALGORITHM + name + key.sign(message))

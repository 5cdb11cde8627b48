# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away certificate authority: good server certificates and every kind of bad one.

`python -m tools.harness.ca FOLDER` writes ca.crt, foreign-ca.crt and a chain-and-key file for each
kind.
"""

import datetime as dt
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "api.flukso.test"  # three labels: with two, mbedtls and OpenSSL disagree on wild cards
NAMES = ("localhost", HOST, "127.0.0.1")
KINDS = ("good", "renewed", "foreign", "wrong-host", "expired", "future")
DAY = dt.timedelta(days=1)
# wide, as the simulated wall clock may stand weeks before the real one
LIFE = dt.timedelta(days=3650)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternatives(names: tuple[str, ...]) -> x509.SubjectAlternativeName:
    entries: list[x509.GeneralName] = []
    for name in names:
        try:
            entries.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            entries.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(entries)


class Authority:
    """One CA; the same common name with another key is another CA."""

    def __init__(self, common: str = "Flukso test CA"):
        self._name = _name(common)
        self._key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.timezone.utc)
        self._certificate = self._vouch(self, now - LIFE, now + LIFE)

    def _vouch(self, other: "Authority", begin: dt.datetime, end: dt.datetime) -> x509.Certificate:
        """A certificate of another CA, or of this one."""
        return (
            self._builder(other._name, other._key.public_key(), begin, end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(other._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )

    def _builder(self, subject, public_key, begin, end) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )

    def pem(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def vouched(self, other: "Authority", days: float = 3650) -> bytes:
        """A certificate of another CA by this one (or of this one again) that ends after so many
        days, as PEM.
        """
        now = dt.datetime.now(dt.timezone.utc)
        return self._vouch(other, now - LIFE, now + days * DAY).public_bytes(
            serialization.Encoding.PEM
        )

    def issue(
        self,
        names: tuple[str, ...],
        begin: dt.datetime,
        end: dt.datetime,
        alternatives: "x509.SubjectAlternativeName | None" = None,
    ) -> bytes:
        """Certificate and private key of a server with these names, as one PEM text; alternatives:
        what stands in place of the names.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(_name(names[0]), key.public_key(), begin, end)
            .add_extension(alternatives or _alternatives(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return certificate.public_bytes(serialization.Encoding.PEM) + secret


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def make(folder: Path, names: tuple[str, ...] = NAMES) -> Path:
    """Write `ca.crt`, `foreign-ca.crt` and `<kind>.pem` for each of KINDS into the folder; returns
    it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ours, foreign = Authority(), Authority()
    (folder / "ca.crt").write_bytes(ours.pem())
    (folder / "foreign-ca.crt").write_bytes(foreign.pem())
    now = dt.datetime.now(dt.timezone.utc)
    wide = (now - LIFE, now + LIFE)
    issued = {
        "good": ours.issue(names, *wide),
        "renewed": ours.issue(names, *wide),
        "foreign": foreign.issue(names, *wide),
        "wrong-host": ours.issue(("other." + HOST,), *wide),
        "expired": ours.issue(names, now - LIFE, now - 40 * DAY),
        "future": ours.issue(names, now + 40 * DAY, now + LIFE),
    }
    for kind, pem in issued.items():
        path = folder / (kind + ".pem")
        path.touch(mode=0o600)
        path.write_bytes(pem)
    return folder


if __name__ == "__main__":
    make(Path(sys.argv[1]))

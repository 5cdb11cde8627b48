# SPDX-License-Identifier: GPL-3.0-or-later
"""The CA file on CPython, taken as on MicroPython
(package/flukso-micropython/modules/tls/ca_file.c); tests/runtime/test_ca_files.py.
"""

import base64
import binascii
import ssl
from collections import namedtuple

from flukso.https import CA_CUT, CA_DAMAGED, CA_LARGE, CA_TRUSTED, CA_UNKNOWN, ca_file_words

FILE_MAX = 1048576  # bytes; a distribution's whole list has a fifth of it
DER_MAX = 8192  # of a certificate; a root has one or two thousand
LINE_MAX = 256  # of a line in a block; PEM's have 64
BEGINS = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN X509 CERTIFICATE-----")
ENDS = (b"-----END CERTIFICATE-----", b"-----END X509 CERTIFICATE-----")
BEGIN_TRUSTED = b"-----BEGIN TRUSTED CERTIFICATE-----"
BLANKS = b" \t\f\v"

# good: certificates as DER; bad: blocks that are none; fault and line: of the first of these
CaFile = namedtuple("CaFile", ("good", "bad", "fault", "line"))


def check_cacert(cacert: str) -> str:
    """Return what is wrong with a CA file that can be used all the same, "" when nothing is. Raises
    OSError when it cannot be used.
    """
    certificates = read_ca_file(cacert)
    return ca_file_words(
        cacert, len(certificates.good), certificates.bad, certificates.fault, certificates.line
    )


def read_ca_file(path: str) -> CaFile:
    """Return what a PEM file holds. Raises OSError when it cannot be read."""
    with open(path, "rb") as file:
        text = file.read(FILE_MAX + 1)
    good, faults = [], []
    probe = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for line, fault, der in _blocks(text[:FILE_MAX]):
        if fault or not _is_certificate(der, probe):
            faults.append((fault or CA_UNKNOWN, line))
        else:
            good.append(der)
    if len(text) > FILE_MAX:
        faults = [known for known in faults if known[0] != CA_CUT]
        faults.append((CA_LARGE, text[:FILE_MAX].count(b"\n")))
    fault, line = faults[0] if faults else (0, 0)
    return CaFile(good, len(faults), fault, line)


def _blocks(text):
    """Yield (line, fault or 0, DER) of each block, in order."""
    block: list[bytes] | None = None
    begin, trusted = 0, False
    lines = (
        text.removeprefix(b"\xef\xbb\xbf")
        .replace(b"\r\n", b"\n")
        .replace(b"\r", b"\n")
        .split(b"\n")
    )
    for number, raw in enumerate(lines, 1):
        line = raw.strip(BLANKS)
        if block is not None and not line.startswith(b"-----"):
            block.append(line if len(raw) < LINE_MAX else b"!")
            continue
        if block is not None:
            der = _decoded(block) if line in ENDS else None
            if trusted:
                yield begin, CA_TRUSTED, b""
            else:
                yield begin, 0 if der else CA_DAMAGED, der
            block = None
        trusted = line == BEGIN_TRUSTED
        if trusted or line in BEGINS:
            block, begin = [], number
    if block is not None:
        yield begin, CA_CUT, b""


def _decoded(lines):
    """Return the one DER sequence that these lines hold, None for anything else."""
    try:
        der = base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error:
        return None
    return der if len(der) <= DER_MAX and _is_sequence(der) else None


def _is_sequence(der):
    if len(der) < 2 or der[0] != 0x30:
        return False
    head = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    size = int.from_bytes(der[2:head], "big") if der[1] & 0x80 else der[1]
    return 2 <= head <= 6 and head + size == len(der)


def _is_certificate(der, probe):
    try:
        probe.load_verify_locations(cadata=der)
        return True
    except ssl.SSLError:
        return False

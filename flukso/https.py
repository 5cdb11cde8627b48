# SPDX-License-Identifier: GPL-3.0-or-later
"""What both HTTPS ports share: the answer, the one error, the server's URL; pure."""

from collections import namedtuple

BODY_MAX = 65536  # bytes of an answer; the server's are a few dozen
HEADERS_MAX = 64  # of an answer
LINE_MAX = 4096  # of a header
URL_MAX = 256

# headers: names in lower case
Answer = namedtuple("Answer", ("status", "headers", "body"))
Url = namedtuple("Url", ("host", "port", "path"))

TOO_OLD = "it speaks no TLS 1.2 or later"  # words of both ports
TOO_NEW = "it does not speak TLS 1.2, the only version of this runtime"
NO_TLS = "what answers there is no TLS"
NO_COMMON = "it takes none of the ciphers and versions that are offered"

CERTIFICATE, UNREACHABLE, TIMEOUT, PROTOCOL = (
    "refused-certificate",
    "unreachable",
    "timeout",
    "protocol",
)


class HttpsError(OSError):
    """A request that got no answer to believe: .kind is one of the four above, the text a sentence
    for the log.

    .dates: the certificate is good but for its dates, which are not those that this machine's clock
    shows.
    """

    def __init__(self, kind, text, dates=False):
        super().__init__(text)
        self.kind = kind
        self.dates = dates


# why a block of a CA file is of no use: modules/tls/ca_file.h and ports/cpython_ca.py have the
# numbers
CA_DAMAGED, CA_CUT, CA_TRUSTED, CA_UNKNOWN, CA_LARGE, CA_OTHER_KIND, CA_P521, CA_RSA_PSS = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
)
NOT_BUILT_IN = ", which this runtime does not have: it takes RSA, and keys on P-256 and P-384"
CA_FAULTS = {
    CA_DAMAGED: "the certificate at line {} is damaged",
    CA_CUT: "the certificate at line {} has no end",
    CA_TRUSTED: "line {} begins a TRUSTED CERTIFICATE, OpenSSL's own form; `openssl x509` makes a "
    "plain one of it",
    CA_UNKNOWN: "the block at line {} is no certificate that can be used here",
    CA_OTHER_KIND: "the one at line {} has a key or a signature of another kind" + NOT_BUILT_IN,
    CA_P521: "the one at line {} has a key on the curve P-521" + NOT_BUILT_IN,
    CA_RSA_PSS: "the one at line {} is signed by RSA-PSS" + NOT_BUILT_IN,
    CA_LARGE: "what follows line {} is beyond 1 MiB and is not read",
}


def ca_file_words(path: str, good: int, bad: int, fault: int, line: int) -> str:
    """Return a sentence on a CA file with so many good certificates and bad blocks, "" when all is
    well.

    Raises OSError, with a sentence, when there is no good one.
    """
    why = CA_FAULTS[fault].format(line) if fault else ""
    if not good:
        raise OSError(
            "{} holds no CA certificate that can be used{}".format(path, ": " + why if why else "")
        )
    if not bad:
        return ""
    more = " (and {} more of the kind)".format(bad - 1) if bad > 1 else ""
    return "of the CA file {} only {} certificates are used: {}{}".format(path, good, why, more)


def parse_url(url: str) -> Url:
    """Return host, port and path (without trailing slash) of an https URL.

    Raises ValueError, with a sentence, for any other scheme and for what has no plain host.
    """
    if not url.startswith("https://") or len(url) > URL_MAX:
        raise ValueError("not an https:// URL: {}".format(url[:URL_MAX]))
    authority, slash, path = url[8:].partition("/")
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, port = authority, "443"
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not host or not all(
        ord(c) < 128 and (c.isalpha() or c.isdigit() or c in "-._:") for c in host
    ):
        raise ValueError("no host name in {}".format(url))
    if (
        not 1 <= len(port) <= 5
        or not all(c in "0123456789" for c in port)
        or not 1 <= int(port) <= 65535
    ):
        raise ValueError("no port number in {}".format(url))
    if not all(33 <= ord(c) < 127 and c not in "?#" for c in path):
        raise ValueError("unusable path in {}".format(url))
    return Url(host, int(port), (slash + path).rstrip("/"))

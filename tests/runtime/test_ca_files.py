# SPDX-License-Identifier: GPL-3.0-or-later
"""The CA file on both interpreters: what is taken of it, what is said of the rest, and which
servers it vouches for.
"""

import datetime as dt
import json
import ssl
import subprocess
from ipaddress import ip_address
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from flukso.https import CA_CUT, CA_DAMAGED, CA_LARGE, CA_TRUSTED, CA_UNKNOWN, ca_file_words
from flukso.ports.cpython_ca import FILE_MAX, read_ca_file
from tests.runtime.clients import DEVICE, KEY
from tests.runtime.scripted import OK, Scripted, server_context
from tools.fakes.server import Server
from tools.harness import ROOT
from tools.harness.ca import DAY, LIFE, Authority

NOW = dt.datetime.now(dt.timezone.utc)
WIDE = (NOW - LIFE, NOW + LIFE)
NAMES = ("localhost",)
ONE, TWO = Authority("One").pem(), Authority("Two").pem()
LINES = ONE.split(b"\n")


def with_line(number, line):
    return b"\n".join([*LINES[:number], line, *LINES[number + 1 :]])


FILES = [  # id, the file, good certificates, bad blocks, the first one's fault and line
    ("one", ONE, 1, 0, 0, 0),
    ("two", ONE + TWO, 2, 0, 0, 0),
    ("empty", b"", 0, 0, 0, 0),
    ("zeros", bytes(5000), 0, 0, 0, 0),
    (
        "text-between",
        b"# One\nIssuer: CN=One\n\n" + ONE + b"\n  ---- Two ----\n" + TWO + b"\nthe end",
        2,
        0,
        0,
        0,
    ),
    ("cr-lf", (ONE + TWO).replace(b"\n", b"\r\n"), 2, 0, 0, 0),
    ("cr-alone", (ONE + TWO).replace(b"\n", b"\r"), 2, 0, 0, 0),
    ("no-newline-at-the-end", ONE.rstrip(), 1, 0, 0, 0),
    ("byte-order-mark", b"\xef\xbb\xbf" + ONE, 1, 0, 0, 0),
    ("indented", b"\n".join([b"  " + line + b"\t " for line in LINES]), 1, 0, 0, 0),
    ("blank-lines", ONE.replace(b"\n", b"\n\n"), 1, 0, 0, 0),
    ("old-name", ONE.replace(b"CERTIFICATE", b"X509 CERTIFICATE"), 1, 0, 0, 0),
    (
        "key-too",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + ONE,
        1,
        0,
        0,
        0,
    ),
    ("utf-16", ONE.decode().encode("utf-16"), 0, 0, 0, 0),
    ("der", ssl.PEM_cert_to_DER_cert(ONE.decode()), 0, 0, 0, 0),
    ("other-letters", with_line(3, b"!" + LINES[3][1:]) + TWO, 1, 1, CA_DAMAGED, 1),
    ("a-nul", TWO + with_line(3, b"\0" + LINES[3][1:]), 1, 1, CA_DAMAGED, 1 + TWO.count(b"\n")),
    ("a-letter-less", with_line(3, LINES[3][1:]) + TWO, 1, 1, CA_DAMAGED, 1),
    ("a-line-less", b"\n".join(LINES[:3] + LINES[4:]) + TWO, 1, 1, CA_DAMAGED, 1),
    (
        "more-behind-the-padding",
        ONE.replace(b"-----END", b"AAAA\n-----END") + TWO,
        1,
        1,
        CA_DAMAGED,
        1,
    ),
    (
        "empty-block",
        b"x\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n" + ONE,
        1,
        1,
        CA_DAMAGED,
        2,
    ),
    ("no-end-but-another-begin", b"\n".join(LINES[:4]) + b"\n" + TWO, 1, 1, CA_DAMAGED, 1),
    ("cut", TWO + b"\n".join(LINES[:4]), 1, 1, CA_CUT, 1 + TWO.count(b"\n")),
    ("cut-alone", b"\n".join(LINES[:4]), 0, 1, CA_CUT, 1),
    ("long-line", with_line(3, LINES[3] + b" " * 300) + TWO, 1, 1, CA_DAMAGED, 1),
    (
        "trusted",
        ONE + TWO.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
        1,
        1,
        CA_TRUSTED,
        1 + ONE.count(b"\n"),
    ),
    ("trusted-alone", ONE.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"), 0, 1, CA_TRUSTED, 1),
    (
        "no-certificate",
        b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n" + ONE,
        1,
        1,
        CA_UNKNOWN,
        1,
    ),
    ("over-a-mebibyte", ONE + b"#\n" * (FILE_MAX // 2) + TWO, 1, 1, CA_LARGE, None),
    (
        "large-certificate",
        b"-----BEGIN CERTIFICATE-----\n" + b"MIIB\n" * 3000 + b"-----END CERTIFICATE-----\n" + ONE,
        1,
        1,
        CA_DAMAGED,
        1,
    ),
]


@pytest.mark.parametrize(
    "text, good, bad, fault, line", [pytest.param(*case[1:], id=case[0]) for case in FILES]
)
def test_both_make_the_same_of_a_file(runtime, tmp_path, text, good, bad, fault, line):
    path = tmp_path / "ca.crt"
    path.write_bytes(text)
    here = read_ca_file(str(path))
    ours = [len(here.good), here.bad, here.fault, here.line]
    program = "import json, sys, tls; print(json.dumps(tls.check(sys.argv[1])))"
    there = json.loads(
        subprocess.run(
            [*runtime, "-c", program, path], capture_output=True, text=True, check=True
        ).stdout
    )
    assert ours[:3] == there[:3] == [good, bad, fault]
    if line is not None:
        assert ours[3] == there[3] == line


def rooted(key, **signing) -> bytes:
    """A root of this key, signed in this way."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Other")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
    )
    made = (
        made.not_valid_before(WIDE[0])
        .not_valid_after(WIDE[1])
        .add_extension(x509.BasicConstraints(True, None), True)
    )
    return made.sign(key, hashes.SHA256(), **signing).public_bytes(serialization.Encoding.PEM)


RSA = rsa.generate_private_key(65537, 2048)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
KINDS = [
    ("P-521", rooted(ec.generate_private_key(ec.SECP521R1())), "the curve P-521"),
    ("RSA-PSS", rooted(RSA, rsa_padding=PSS), "signed by RSA-PSS"),
    (
        "P-256K1",
        rooted(ec.generate_private_key(ec.SECP256K1())),
        "a key or a signature of another kind",
    ),
]


@pytest.mark.parametrize("text, words", [pytest.param(*case[1:], id=case[0]) for case in KINDS])
def test_a_root_of_a_kind_that_the_runtime_lacks_is_named(runtime, tmp_path, text, words):
    """Alone it is of no use, and said to be so; beside one that serves it is no fault."""

    def told(content):
        path = tmp_path / "ca.crt"
        path.write_bytes(content)
        program = "import json, sys, tls; print(json.dumps(tls.check(sys.argv[1])))"
        found = json.loads(
            subprocess.run(
                [*runtime, "-c", program, path], capture_output=True, text=True, check=True
            ).stdout
        )
        return ca_file_words("ca.crt", *found)

    with pytest.raises(
        OSError,
        match=f"no CA certificate that can be used: the one at line 1 .*{words}.*P-256 and P-384",
    ):
        told(text)
    assert told(text + ONE) == told(ONE + text) == ""
    with pytest.raises(OSError, match="line 1 is damaged|line 1 has no end"):
        told(b"\n".join(LINES[:4]) + b"\n" + text)


def test_a_distribution_s_whole_file_is_read(connect):
    here = read_ca_file(certifi.where())
    assert Path(certifi.where()).stat().st_size > 200_000 and len(here.good) > 100 and not here.bad
    with connect("https://localhost:1/", certifi.where()) as client:
        assert client.warning == ""


def answers(connect, pem, ca_file, url=None):
    """What a client with this CA file says of a server with this certificate."""
    with (
        Server(pem, {DEVICE: KEY}) as server,
        connect((url or "https://localhost:{}/").format(server.port), ca_file) as client,
    ):
        return client.post()


@pytest.fixture
def write(tmp_path):
    def write(name, *parts):
        path = tmp_path / name
        path.write_bytes(b"".join(parts))
        return path

    return write


def test_every_certificate_of_the_file_is_tried(connect, write):
    """Two CAs of the same name, as one that has changed its key; then a file of 280 kB with the
    right one at its end.
    """
    old, new = Authority(), Authority()
    pem = write("server.pem", new.issue(NAMES, *WIDE))
    assert answers(connect, pem, write("ca.crt", old.pem(), new.pem()))["status"] == 200
    assert answers(connect, pem, write("ca.crt", new.pem(), old.pem()))["status"] == 200
    assert "not signed" in answers(connect, pem, write("ca.crt", old.pem()))["text"]
    bundle = Path(certifi.where()).read_bytes()
    assert answers(connect, pem, write("ca.crt", bundle, new.pem()))["status"] == 200
    assert "not signed" in answers(connect, pem, write("ca.crt", bundle, old.pem()))["text"]


def test_a_file_that_is_damaged_in_part_serves_and_says_so(connect, write):
    ours = Authority()
    pem = write("server.pem", ours.issue(NAMES, *WIDE))
    path = write("ca.crt", with_line(3, b"?"), b"\n", ours.pem())
    with (
        Server(pem, {DEVICE: KEY}) as server,
        connect("https://localhost:{}/".format(server.port), path) as client,
    ):
        assert client.post()["status"] == 200
        assert "line 1 is damaged" in client.warning and str(path) in client.warning


def test_a_file_that_is_renewed_serves_the_next_connection(connect, write):
    old, new = Authority("Old"), Authority("New")
    path = write("ca.crt", old.pem())
    with (
        Server(write("server.pem", old.issue(NAMES, *WIDE)), {DEVICE: KEY}) as server,
        connect(server.url, path) as client,
    ):
        assert client.post()["status"] == 200
        server.use_certificate(write("server.pem", new.issue(NAMES, *WIDE)))
        assert client.post()["kind"] == "refused-certificate"
        write("ca.crt", new.pem())
        assert client.post()["status"] == 200
        path.unlink()
        server.drop_connections()
        said = client.post()
        assert said["kind"] in ("refused-certificate", "protocol") and str(path) in said["text"]


def test_an_expired_root_beside_its_renewal(connect, write):
    """The same name and key: the one that is valid counts, wherever it stands."""
    ours = Authority()
    expired = ours.vouched(ours, days=-40)
    pem = write("server.pem", ours.issue(NAMES, *WIDE))
    for parts in ((expired, ours.pem()), (ours.pem(), expired)):
        assert answers(connect, pem, write("ca.crt", *parts))["status"] == 200
    assert "expired" in answers(connect, pem, write("ca.crt", expired))["text"]


def test_a_root_that_an_expired_one_vouched_for(connect, write):
    """The server sends the old cross-signed certificate along; both roots are in the file, or the
    new one alone.
    """
    gone, root, middle = Authority("Gone"), Authority("Root"), Authority("Middle")
    leaf = middle.issue(NAMES, *WIDE)
    pem = write("server.pem", leaf, root.vouched(middle), gone.vouched(root))
    expired = gone.vouched(gone, days=-40)
    for parts in ((root.pem(),), (expired, root.pem()), (root.pem(), expired)):
        assert answers(connect, pem, write("ca.crt", *parts))["status"] == 200
    assert "expired" in answers(connect, pem, write("ca.crt", expired))["text"]


def test_what_is_in_the_file_is_trusted_whoever_signed_it(connect, write):
    """An intermediate CA, and the server's own certificate."""
    root, middle = Authority("Root"), Authority("Middle")
    leaf = middle.issue(NAMES, *WIDE)
    certificate = leaf[: leaf.index(b"-----BEGIN PRIV")]
    assert (
        answers(connect, write("server.pem", leaf), write("ca.crt", root.vouched(middle)))["status"]
        == 200
    )
    assert (
        answers(connect, write("server.pem", leaf), write("ca.crt", certificate))["status"] == 200
    )
    other = middle.issue(NAMES, *WIDE)
    assert (
        answers(
            connect,
            write("server.pem", leaf),
            write("ca.crt", other[: other.index(b"-----BEGIN PRIV")]),
        )["kind"]
        == "refused-certificate"
    )


def test_an_own_certificate_has_to_be_in_time_and_of_the_name_too(connect, write):
    ours = Authority()
    for names, end, word in (
        (NAMES, NOW - DAY, "expired"),
        (("other.example",), NOW + LIFE, "another host"),
    ):
        leaf = ours.issue(names, NOW - LIFE, end)
        said = answers(
            connect,
            write("server.pem", leaf),
            write("ca.crt", leaf[: leaf.index(b"-----BEGIN PRIV")]),
        )
        assert word in said["text"]


def test_a_chain_without_its_middle_is_refused(connect, write):
    root, middle = Authority("Root"), Authority("Middle")
    pem = write("server.pem", middle.issue(NAMES, *WIDE))
    assert answers(connect, pem, write("ca.crt", root.pem()))["kind"] == "refused-certificate"


ADDRESS_NAMES = [  # common name, what subjectAltName holds, whether it is the address
    ("127.0.0.1", [x509.DNSName("127.0.0.1")], False),
    ("127.0.0.1", [x509.DNSName("localhost")], False),
    ("localhost", [x509.DNSName("*.0.0.1")], False),
    ("127.0.0.1", [x509.IPAddress(ip_address("127.0.0.2"))], False),
    ("127.0.0.1", [x509.IPAddress(ip_address("::ffff:127.0.0.1"))], False),
    ("x", [x509.DNSName("x"), x509.IPAddress(ip_address("127.0.0.1"))], True),
]


@pytest.mark.parametrize("common, alternatives, good", ADDRESS_NAMES)
def test_an_address_is_named_by_an_address_alone(connect, write, common, alternatives, good):
    ours = Authority()
    pem = write(
        "server.pem",
        ours.issue((common,), *WIDE, alternatives=x509.SubjectAlternativeName(alternatives)),
    )
    said = answers(connect, pem, write("ca.crt", ours.pem()), "https://127.0.0.1:{}/")
    if good:
        assert said["status"] == 200
    else:
        assert said["kind"] == "refused-certificate" and "another" in said["text"], said


def test_a_server_of_tls_1_3_alone(connect, pki, request):
    context = server_context(pki / "good.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_3

    def script(server, secure):
        server.request(secure)
        secure.sendall(OK)

    with Scripted(context, script) as server, connect(server.url, pki / "ca.crt") as client:
        said = client.post()
    if "micropython" in request.node.name:
        assert said["kind"] == "protocol" and "does not speak TLS 1.2" in said["text"], said
    else:
        assert said["status"] == 200


def test_a_server_with_other_ciphers_alone(connect, pki):
    context = server_context(pki / "good.pem")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA")
    with (
        Scripted(context, lambda server, secure: None) as server,
        connect(server.url, pki / "ca.crt") as client,
    ):
        said = client.post()
    assert said["kind"] == "protocol" and "none of the ciphers" in said["text"], said


def test_what_is_no_tls_gets_a_sentence(connect, pki):
    def script(server, plain):
        plain.recv(1000)
        plain.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        plain.recv(1)

    with Scripted(None, script) as server, connect(server.url, pki / "ca.crt") as client:
        said = client.post()
    assert said["kind"] == "protocol" and "is no TLS" in said["text"], said


WORDS = [  # what mbedtls gives, its low part too, and what is said of it
    (
        -0x3A00,
        "its certificate has a key or a signature of a kind that this runtime does not have "
        "(mbedtls -0x3a00)",
    ),
    (
        -0x262E,
        "its certificate has a key or a signature of a kind that this runtime does not have "
        "(mbedtls -0x262e)",
    ),
    (-0x6E00, "the two have no cipher, curve or signature in common (mbedtls -0x6e00)"),
    (-0x5C00, "it speaks TLS in a way that is not understood (mbedtls -0x5c00)"),
]


@pytest.mark.parametrize("number, words", WORDS)
def test_errors_of_mbedtls_are_words(runtime, number, words):
    program = f"from flukso.ports.micropython_https import _in_words; print(_in_words({number}))"
    done = subprocess.run(
        [*runtime, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == words

# SPDX-License-Identifier: GPL-3.0-or-later
"""The signed feed: files as usign writes them, one folder an architecture, keys that are refused,
nothing of the key in what is served.
"""

import base64
import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tests.package.conftest import package, repacked
from tools import feed as tool
from tools.harness import ROOT
from tools.openwrt import check, usign

VECTORS = json.loads((ROOT / "tests/vectors/usign.json").read_text())["cases"]
SEED = bytes(range(32))


def pem(key, encryption=None) -> bytes:
    hidden = (
        serialization.BestAvailableEncryption(encryption)
        if encryption
        else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)


@pytest.fixture
def key(tmp_path) -> Path:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(ed25519.Ed25519PrivateKey.from_private_bytes(SEED)))
    path.chmod(0o600)
    return path


def content(text: bytes) -> bytes:
    comment, line, end = text.split(b"\n")
    assert comment.startswith(b"untrusted comment: ") and end == b""
    return base64.b64decode(line, validate=True)


def verified(public: bytes, signature: bytes, message: bytes) -> bool:
    """As usign -V reads the three files."""
    known, signed = content(public), content(signature)
    assert (len(known), len(signed)) == (42, 74) and known[:2] == signed[:2] == b"Ed"
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(known[10:]).verify(signed[10:], message)
    except InvalidSignature:
        return False
    return known[2:10] == signed[2:10]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in VECTORS])
def test_signs_byte_for_byte_as_usign(case):
    made = usign.load(
        pem(ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case["seed"])))
    )
    assert usign.number(made).hex() == case["number"]
    assert usign.public_file(made).decode() == case["public"]
    assert (
        usign.signature_file(made, bytes.fromhex(case["message_hex"])).decode() == case["signature"]
    )


def test_a_folder_for_the_architecture_signed_and_whole(feed, key, tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        tool.main(
            ["--key", str(key), "--url", "https://feed.example/f/", "--out", str(out), str(feed)]
        )
        == 0
    )
    folder = out / "packages/mips_24kc"
    index, public = (folder / "Packages").read_bytes(), (out / "flukso-feed.pub").read_bytes()
    signature = (folder / "Packages.sig").read_bytes()
    assert verified(public, signature, index) and not verified(
        public, signature, index.replace(b"0.1.0", b"0.1.1", 1)
    )
    entries = [
        dict(line.split(": ", 1) for line in entry.split("\n") if ": " in line)
        for entry in index.decode().strip().split("\n\n")
    ]
    assert [entry["Package"] for entry in entries] == [
        "flukso-firmware",
        "flukso-keyring",
        "flukso-micropython",
        "flukso-python3",
        "flukso-upgrade",
        "flukso",
    ]
    for entry in entries:
        assert (
            hashlib.sha256((folder / entry["Filename"]).read_bytes()).hexdigest()
            == entry["SHA256sum"]
        )
    ring = check.check(package(folder, "flukso-keyring"))
    name = usign.number(usign.load(key.read_bytes())).hex()
    assert {place: member.data for place, member in ring.files.items()} == {
        "/etc/opkg/keys/" + name: public
    }
    lines = (out / "owner.txt").read_text()
    assert (
        len(lines.splitlines()) == 3
        and lines in capsys.readouterr().out
        and "https://feed.example/f/packages/$" in lines
    )
    served = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert (
        SEED not in served
        and base64.b64encode(SEED)[:40] not in served
        and b"PRIVATE" not in served
    )


def test_the_keyring_brings_the_next_key_too(feed, key, tmp_path, capsys):
    following = usign.load(pem(ed25519.Ed25519PrivateKey.generate()))
    place = tmp_path / "next.pub"
    place.write_bytes(usign.public_file(following))
    assert (
        tool.main(
            ["--key", str(key), "--also", str(place), "--out", str(tmp_path / "out"), str(feed)]
        )
        == 0
    )
    ring = check.check(package(tmp_path / "out/packages/mips_24kc", "flukso-keyring"))
    assert (
        ring.files["/etc/opkg/keys/" + usign.number(following).hex()].data
        == usign.public_file(following)
        and len(ring.files) == 2
    )
    place.write_bytes(usign.public_file(following)[:-8])
    assert tool.main(["--key", str(key), "--also", str(place), str(feed)]) == 1
    assert "it is no public key as usign writes them" in capsys.readouterr().err


def test_the_same_bytes_again_and_earlier_packages_stay_listed(feed, key, tmp_path):
    out, newer = tmp_path / "out", tmp_path / "newer"
    words = ["--key", str(key), "--out", str(out)]
    assert tool.main([*words, str(feed)]) == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert tool.main([*words, str(feed)]) == 0
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    newer.mkdir()
    repacked(package(feed, "flukso-micropython"), newer, "0.2.0-r1")
    assert tool.main([*words, str(newer)]) == 0
    index = (out / "packages/mips_24kc/Packages").read_bytes()
    assert b"flukso-micropython_0.1.0-r1_" in index and b"flukso-micropython_0.2.0-r1_" in index
    assert verified(
        (out / "flukso-feed.pub").read_bytes(),
        (out / "packages/mips_24kc/Packages.sig").read_bytes(),
        index,
    )


REFUSED = [  # id, what the file holds, its mode, a part of the sentence
    ("empty", b"", 0o600, "it is no private key in PEM"),
    (
        "garbage",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        0o600,
        "it is no private key in PEM",
    ),
    ("too-long", b"-" * 5000, 0o600, "it is over 4096 bytes"),
    ("another-kind", pem(ec.generate_private_key(ec.SECP256R1())), 0o600, "it is no Ed25519 key"),
    (
        "passphrase",
        pem(ed25519.Ed25519PrivateKey.generate(), b"secret"),
        0o600,
        "it has a passphrase",
    ),
    ("readable", pem(ed25519.Ed25519PrivateKey.generate()), 0o640, "others may read it"),
]


@pytest.mark.parametrize("data, mode, said", [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_a_key_that_cannot_be_used_is_refused_before_anything_is_written(
    feed, tmp_path, capsys, data, mode, said
):
    path, out = tmp_path / "key.pem", tmp_path / "out"
    path.write_bytes(data)
    path.chmod(mode)
    assert tool.main(["--key", str(path), "--out", str(out), str(feed)]) == 1
    printed = capsys.readouterr()
    assert (
        said in printed.err
        and len(printed.err.splitlines()) == 1
        and printed.out == ""
        and not out.exists()
    )


def test_a_key_in_the_repository_is_refused(tmp_path, capsys, monkeypatch, key):
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    assert tool.main(["--key", str(key), "--out", str(tmp_path / "out"), str(tmp_path)]) == 1
    assert "a key does not belong into the repository" in capsys.readouterr().err


def test_no_packages_and_no_key_are_said(tmp_path, capsys, key):
    assert tool.main(["--key", str(key), "--out", str(tmp_path / "out"), str(tmp_path)]) == 1
    assert "no package for an architecture here" in capsys.readouterr().err
    assert tool.main(["--key", str(tmp_path / "none.pem"), str(tmp_path)]) == 1
    assert "none.pem: No such file or directory" in capsys.readouterr().err
    env = {name: value for name, value in os.environ.items() if name not in ("KEY", "MAKEFLAGS")}
    done = subprocess.run(["make", "-s", "feed"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode != 0 and "KEY=/path/key.pem is missing" in done.stderr

# SPDX-License-Identifier: GPL-3.0-or-later
"""The vectors agree with an implementation that shares nothing with the daemon or the firmware."""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest

VECTORS = Path(__file__).parent / "vectors"
FILES = sorted(VECTORS.glob("*.json"))


def load(name):
    return json.loads((VECTORS / (name + ".json")).read_text())


def cases(name, part):
    return [pytest.param(case, id=case["id"]) for case in load(name)[part]]


def crc8(data):
    """Bit by bit, as the data sheet of the 1-Wire parts draws it."""
    crc = 0
    for byte in data:
        for bit in range(8):
            mix = (crc ^ (byte >> bit)) & 1
            crc = (crc >> 1) ^ (0x8C if mix else 0)
    return crc


def reply_text(wire):
    """The reply between `l` and its CRC when the frame is whole, else None."""
    body = bytes.fromhex(wire).lstrip(b"\0")
    if not body.endswith(b"\0") or not body.startswith(b"l") or b".u" not in body:
        return None
    frame = body[1 : body.index(b".u")]
    return frame[:-2].decode() if b"%02x" % crc8(frame[:-2]) == frame[-2:] else None


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in FILES])
def test_every_case_has_its_own_id(path):
    for part, value in json.loads(path.read_text()).items():
        if isinstance(value, list):
            ids = [case["id"] for case in value]
            assert len(set(ids)) == len(ids), part


@pytest.mark.parametrize("case", cases("crc8", "cases"))
def test_crc8(case):
    assert "%02x" % crc8(bytes.fromhex(case["hex"])) == case["crc"]


@pytest.mark.parametrize("case", cases("control", "good"))
def test_control_messages_carry_their_crc(case):
    text = case["message"]
    assert text.startswith("l" + case["command"]) and text.endswith(".")
    assert "%02x" % crc8(text[1:-3].encode()) == text[-3:-1]


@pytest.mark.parametrize("case", cases("replies", "good"))
def test_replies_are_whole(case):
    text = reply_text(case["wire"])
    assert text.startswith(case["command"])


@pytest.mark.parametrize("case", cases("replies", "deltas"))
def test_deltas_say_what_they_carry(case):
    digits = reply_text(case["wire"])[2:]
    parts = ""
    for sensor, counter, milli, extra in case["deltas"]:
        parts += "%02x%08x" % (sensor, counter)
        parts += "%08x" % extra if milli is None else "%04x%08x" % (milli, extra)
    assert digits == parts


@pytest.mark.parametrize("case", cases("digests", "x_digest"))
def test_digests(case):
    body = bytes.fromhex(case["body_hex"])
    assert hmac.new(case["key"].encode(), body, hashlib.sha1).hexdigest() == case["digest"]


@pytest.mark.parametrize("case", cases("digests", "hmac_sha1"))
def test_plain_hmac(case):
    key, body = bytes.fromhex(case["key_hex"]), bytes.fromhex(case["body_hex"])
    assert hmac.new(key, body, hashlib.sha1).hexdigest() == case["digest"]


@pytest.mark.parametrize("case", cases("digests", "x_sign"))
def test_signatures(case):
    text = case["path"].encode() + b"\n" + bytes.fromhex(case["body_hex"])
    assert hmac.new(case["key"].encode(), text, hashlib.sha256).hexdigest() == case["sign"]


@pytest.mark.parametrize("case", cases("digests", "claim"))
def test_claim_codes(case):
    text = "claim " + case["device"] + (f" {case['number']}" if "number" in case else "")
    mac = hmac.new(case["key"].encode(), text.encode(), hashlib.sha256).digest()
    assert base64.b32encode(mac[:5]).decode() == case["code"]


@pytest.mark.parametrize("case", cases("uploads", "requests"))
def test_uploads_are_signed_and_compact(case):
    body = case["body"].encode()
    assert json.loads(body)["measurements"] == case["tuples"] and b" " not in body
    headers = case["headers"]
    assert hmac.new(case["key"].encode(), body, hashlib.sha1).hexdigest() == headers["x-digest"]


@pytest.mark.parametrize("case", cases("uci", "bad"))
def test_bad_files_name_existing_lines(case):
    lines = case["flukso"].split("\n")
    assert all(lines[number - 1].strip() for number, _ in case["errors"])

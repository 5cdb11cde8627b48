# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for an upload: a table of what is decided, and both paths' answers side by side."""

import hashlib
import hmac
import json
import secrets
import time
from collections import namedtuple
from pathlib import Path

import pytest

from flukso_server.devices import unclaimed
from flukso_server.hot.signer import Signer
from flukso_server.hot.upload_bytes import read_upload
from flukso_server.hot.upload_rules import Action, Post, Proof, Verdict, judge_upload, prove
from tests.server.test_wire import read_answer
from tools.harness.device import DEVICE, KEY, OTHER_KEY, SENSOR, digests

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "uploads.json").read_text())
NOW = 1_300_000_000
BODY = b'{"measurements":[[%d,5]]}' % NOW
PATH = b"/sensor/" + SENSOR.encode()

Sender = namedtuple(
    "Sender",
    ("signer", "sign_required", "fresh_only", "watched_until", "begins"),
    defaults=(Signer(KEY.encode()), False, False, 0.0, 0),
)


def digest(key: str, body: bytes) -> bytes:
    return hmac.new(key.encode(), body, hashlib.sha1).hexdigest().encode()


def sign(key: str, path: bytes, body: bytes) -> bytes:
    return hmac.new(key.encode(), path + b"\n" + body, hashlib.sha256).hexdigest().encode()


RIGHT, SIGNATURE = digest(KEY, BODY), sign(KEY, PATH, BODY)
PROOFS = [  # id, sender, X-Digest, X-Sign, proof
    ("digest", Sender(), RIGHT, None, Proof.DIGEST),
    ("first-signature", Sender(), RIGHT, SIGNATURE, Proof.FIRST_SIGNED),
    ("signed-as-required", Sender(sign_required=True), RIGHT, SIGNATURE, Proof.SIGNED),
    ("no-signature-where-required", Sender(sign_required=True), RIGHT, None, Proof.WRONG),
    ("wrong-signature", Sender(sign_required=True), RIGHT, b"0" * 64, Proof.WRONG),
    ("wrong-signature-not-required", Sender(), RIGHT, b"0" * 64, Proof.WRONG),
    ("signature-in-capitals", Sender(), RIGHT, SIGNATURE.upper(), Proof.WRONG),
    ("another-path-signed", Sender(), RIGHT, sign(KEY, b"/sensor/x", BODY), Proof.WRONG),
    ("empty-signature", Sender(), RIGHT, b"", Proof.WRONG),
    ("no-digest", Sender(), None, None, Proof.WRONG),
    ("signature-alone", Sender(sign_required=True), None, SIGNATURE, Proof.WRONG),
    ("short-digest", Sender(), b"00", None, Proof.WRONG),
    ("digest-of-other-bytes", Sender(), digest(KEY, BODY + b" "), None, Proof.WRONG),
    ("digest-by-another-key", Sender(), digest(OTHER_KEY, BODY), None, Proof.WRONG),
    ("bytes-beyond-ascii", Sender(), b"\xff" * 40, None, Proof.WRONG),
    ("no-key", Sender(signer=None), RIGHT, SIGNATURE, Proof.WRONG),
]


@pytest.mark.parametrize(
    "sender, given, signature, proof", [pytest.param(*row[1:], id=row[0]) for row in PROOFS]
)
def test_what_proves_a_sender(sender, given, signature, proof):
    post = Post(PATH, SENSOR, given, signature, BODY)
    assert prove(sender, post) is proof
    action = Action.REFUSE if proof is Proof.WRONG else Action.STORE
    verdict = judge_upload(sender, post, NOW)
    assert (verdict.action, verdict.first_signed) == (action, proof is Proof.FIRST_SIGNED)


def judged(sender: Sender, body: bytes, now: float = NOW) -> Verdict:
    return judge_upload(sender, Post(PATH, SENSOR, digest(KEY, body), None, body), now)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["id"]) for case in VECTORS["accepted"] + VECTORS["sifted"]]
)
def test_pairs_that_are_tuples_are_stored_and_the_others_counted(case):
    body = case["body"].encode()
    verdict = judged(Sender(), body)
    kept = [tuple(pair) for pair in case["tuples"]]
    assert (verdict.action, verdict.tuples) == (Action.STORE, kept)
    assert verdict.odd == len(json.loads(body)["measurements"]) - len(kept)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["id"]) for case in VECTORS["malformed"]]
)
def test_malformed_bodies_are_rejected(case):
    assert judged(Sender(), case["body"].encode()) == Verdict(Action.REJECT)


def test_a_malformed_body_may_hold_the_first_signature():
    post = Post(PATH, SENSOR, digest(KEY, b"{"), sign(KEY, PATH, b"{"), b"{")
    assert judge_upload(Sender(), post, NOW) == Verdict(Action.REJECT, first_signed=True)


@pytest.mark.parametrize("config", [{}, {"class": "analog"}])
def test_a_configuration_is_no_upload(config):
    verdict = judged(Sender(fresh_only=True), json.dumps({"config": config}).encode())
    assert verdict == Verdict(Action.CONFIGURE, config=config)


OLDEST = NOW - unclaimed.KEPT_S


@pytest.mark.parametrize("fresh_only, kept", [(False, [OLDEST - 1, OLDEST]), (True, [OLDEST])])
def test_an_unclaimed_device_fills_no_more_than_a_fortnight(fresh_only, kept):
    body = b'{"measurements":[[%d,1],[%d,2]]}' % (OLDEST - 1, OLDEST)
    verdict = judged(Sender(fresh_only=fresh_only), body, NOW + 0.9)
    assert [stamp for stamp, _counter in verdict.tuples] == kept
    assert verdict.too_old == 2 - len(kept)


@pytest.mark.parametrize("until, watched", [(0.0, False), (NOW, False), (NOW + 0.1, True)])
def test_a_device_is_asked_to_come_often_while_it_is_watched(until, watched):
    assert judged(Sender(watched_until=until), BODY).watched == watched


# Both paths. A request whose headers are in lower case is left to httptools and the ordinary path.


def requests(headers: dict[str, str], path: str, body: bytes) -> tuple[bytes, bytes]:
    """The same request for the fast path and for the ordinary one."""
    made = []
    for spell in (str, str.lower):
        lines = headers | {"Content-Length": str(len(body))}
        head = "".join(f"{spell(name)}: {value}\r\n" for name, value in lines.items())
        made.append(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + body)
    return made[0], made[1]


class Device:
    """An unclaimed device with one sensor, which has registered."""

    def __init__(self, client):
        self.id, self.key, self.sensor = (secrets.token_hex(16) for _ in range(3))
        for path, message in (
            ("/device/" + self.id, {"key": self.key}),
            ("/sensor/" + self.sensor, {"config": {"device": self.id}}),
        ):
            assert client.post(path, message, self.key, sign=self.signs).status == 200


class Signing(Device):
    signs = True


class Digesting(Device):
    signs = False


BODIES = [  # id, body with times in s before now
    ("none", {"measurements": []}),
    ("new", {"measurements": [[-60, 1], [0, 2]]}),
    ("seen-before", {"measurements": [[-60, 1]]}),
    ("conflict", {"measurements": [[-60, 7]]}),
    ("from-the-future", {"measurements": [[3600, 3]]}),
    ("older-than-a-fortnight", {"measurements": [[-15 * 86_400, 0], [-30, 2]]}),
    ("odd", {"measurements": [[-20, -1], [-10, 2]]}),
    ("malformed", {"measurements": [[-20, "1"]]}),
    ("configuration", {"config": {"class": "analog"}}),
    ("configuration-of-another-device", {"config": {"device": "f" * 32}}),
]
CLAIMS = {  # id: the digests that are sent
    "right": lambda right: right,
    "no-digest": lambda right: {k: v for k, v in right.items() if k != "X-Digest"},
    "wrong-digest": lambda right: right | {"X-Digest": "0" * 40},
    "wrong-signature": lambda right: right | {"X-Sign": "0" * 64},
    "no-signature": lambda right: {k: v for k, v in right.items() if k != "X-Sign"},
    "old-version": lambda right: right | {"X-Version": "0.9"},
}


def message_at(minute: int, message: dict) -> bytes:
    """A body of BODIES, with times in unix s."""
    if "measurements" in message:
        pairs = [[minute + ago, counter] for ago, counter in message["measurements"]]
        message = {"measurements": pairs}
    return json.dumps(message).encode()


@pytest.mark.parametrize("kind", [Signing, Digesting])
@pytest.mark.parametrize("claim", CLAIMS)
def test_both_paths_answer_alike(client, connect, platform, people, minute, kind, claim):
    """Each path gets a device of its own, so that neither leaves anything behind for the other."""
    connection = connect()
    # a clock that nobody confirms would put off what is from the future
    beat = {"version": 210, "uptime": 1, "reset": 0, "time": int(time.time())}
    assert client.post("/device/" + DEVICE, beat).status == 200
    for name, message in BODIES:
        body = message_at(minute, message)
        answers, stored = [], []
        for way in (0, 1):
            device = kind(client)
            path = "/sensor/" + device.sensor
            headers = CLAIMS[claim](digests(device.key, path, body, sign=True))
            request = requests(headers, path, body)[way]
            is_small_upload = read_upload(request).__class__ is Post
            assert is_small_upload == (way == 0 and claim != "old-version"), name
            for _ in range(2):  # the second time the sensor is in the cache
                connection.sendall(request)
                status, fields, text = read_answer(connection)
                answers.append(
                    (status, [each for each in fields.items() if each[0] != b"Date"], text)
                )
            stored.append(platform.held(device.sensor))
        assert answers[:2] == answers[2:], name
        assert stored[0] == stored[1], name

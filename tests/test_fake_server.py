# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake server judges as the protocol says and misbehaves as told."""

import json
import socket
import ssl
import subprocess
import sys

import pytest
import requests

from tests.test_vectors import cases
from tools.fakes.server import Server
from tools.fakes.server_store import digest, sign
from tools.harness import ca

DEVICE, KEY, SENSOR = (
    "fedcba9876543210fedcba9876543210",
    "00112233445566778899aabbccddeeff",
    "0123456789abcdef0123456789abcde0",
)
BODY = b'{"measurements":[[1288290519,125],[1288290579,126]]}'
BEAT = (
    b'{"reset":0,"version":210,"uptime":3600,'
    b'"memtotal":13148,"memfree":2000,"memcached":3000,"membuffers":900}'
)


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    return ca.make(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def server(pems):
    with Server(pems / "good.pem", {DEVICE: KEY}) as running:
        yield running


@pytest.fixture
def post(server, pems):
    session = requests.Session()
    session.trust_env = False  # REQUESTS_CA_BUNDLE would win over verify
    session.verify = str(pems / "ca.crt")

    def send(body=BODY, path="/sensor/" + SENSOR, **headers):
        given = {
            "X-Version": "1.0",
            "X-Digest": digest(KEY, body),
            "Content-Type": "application/json",
            "User-Agent": "Fluksometer v210",
        }
        given.update({name.replace("_", "-"): value for name, value in headers.items()})
        return session.post(server.url.rstrip("/") + path, data=body, headers=given, timeout=3)

    yield send
    session.close()


def test_holds_what_it_acknowledged(server, post):
    assert (post().status_code, post().text) == (200, '{"response":"ok"}')
    assert server.held(SENSOR) == [(1288290519, 125), (1288290579, 126)]
    assert server.store.repeated == 2 and not server.store.conflicts and not server.store.violations
    post(BODY.replace(b"126", b"127"))
    assert server.store.conflicts == [(SENSOR, 1288290579, 126, 127)]
    assert server.connections == 1


@pytest.mark.parametrize("case", cases("uploads", "accepted"))
def test_accepts_what_the_field_sends(server, post, case):
    assert post(case["body"].encode()).status_code == 200
    assert server.held(SENSOR) == [tuple(row) for row in case["tuples"]]


@pytest.mark.parametrize("case", cases("uploads", "malformed"))
def test_refuses_malformed_bodies(server, post, case):
    assert post(case["body"].encode()).status_code == 400
    assert server.held(SENSOR) == []


WRONG = [
    ("digest", {"X_Digest": "0" * 40}, 401),
    ("digest-upper-case", {"X_Digest": digest(KEY, BODY).upper()}, 401),
    ("version", {"X_Version": "2.0"}, 400),
    ("content-type", {"Content_Type": "text/plain"}, 400),
    ("agent", {"User_Agent": "curl"}, 400),
    ("path", {"path": "/sensor/xyz"}, 404),
    ("sign", {"X_Sign": "0" * 64}, 401),
]


@pytest.mark.parametrize("wrong, status", [pytest.param(w, s, id=i) for i, w, s in WRONG])
def test_refuses_wrong_headers(server, post, wrong, status):
    assert post(**wrong).status_code == status
    assert server.held(SENSOR) == [] and len(server.store.violations) == 1


def test_requires_a_signature_once_it_has_seen_one(server, post):
    assert post(X_Sign=sign(KEY, "/sensor/" + SENSOR, BODY)).status_code == 200
    assert post().status_code == 401


def test_answers_a_heartbeat_under_its_digest(server, post):
    answer = post(BEAT, "/device/" + DEVICE)
    assert answer.json()["upgrade"] == 0 and answer.headers["X-Digest"] == digest(
        KEY, answer.content
    )
    assert post(b"{}", "/device/" + DEVICE).status_code == 400


def test_a_historic_server_drops_a_batch_at_its_first_old_tuple(server, post):
    server.store.historic = True
    post()
    assert post(BODY.replace(b"]]", b"],[1288290639,127]]")).status_code == 200
    assert [stamp for stamp, _ in server.held(SENSOR)] == [1288290519, 1288290579]
    assert server.store.refused_old == 3


@pytest.mark.parametrize(
    "name", ["chunked", "lower-case", "no-length", "close-keep-alive", "plain"]
)
def test_odd_but_whole_answers(server, post, name):
    server.misbehave(name, times=1)
    assert post().json() == {"response": "ok"}
    assert post().status_code == 200


@pytest.mark.parametrize(
    "name", ["half-status", "half-body", "too-short", "garbage", "empty", "reset", "close"]
)
def test_broken_answers_are_stored_all_the_same(server, post, name):
    server.misbehave(name, times=1)
    with pytest.raises(requests.RequestException):
        post()
    assert len(server.held(SENSOR)) == 2
    assert post().status_code == 200


@pytest.mark.parametrize("at", ["connect", "request", "instead", "answer"])
def test_stalls_until_it_behaves(server, pems, at):
    server.misbehave("stall", at=at)
    context = ssl.create_default_context(cafile=str(pems / "ca.crt"))
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.3) as raw:
        with (
            pytest.raises(TimeoutError),
            context.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            tls.sendall(b"POST /x HTTP/1.1\r\ncontent-length: 0\r\n\r\n")
            tls.recv(1)
        server.behave()


def test_status_with_headers_keeps_nothing(server, post):
    server.misbehave(
        "status", at="instead", status=503, headers={"Retry-After": "7"}, path="/sensor"
    )
    answer = post()
    assert (answer.status_code, answer.headers["Retry-After"], server.held(SENSOR)) == (
        503,
        "7",
        [],
    )
    assert post(BEAT, "/device/" + DEVICE).status_code == 200


def test_down_refuses_and_up_takes_the_same_port(server, post):
    post()
    server.down()
    with pytest.raises(requests.ConnectionError):
        post()
    server.up()
    assert post().status_code == 200


@pytest.mark.parametrize("kind", ["foreign", "wrong-host", "expired", "future"])
def test_bad_certificates_are_bad(server, pems, post, kind):
    server.use_certificate(pems / (kind + ".pem"))
    with pytest.raises(requests.exceptions.SSLError):
        post()
    assert server.requests == []
    server.use_certificate(pems / "renewed.pem")
    assert post().status_code == 200


def test_runs_as_a_program(pems):
    command = [
        sys.executable,
        "-m",
        "tools.fakes.server",
        "--pem",
        str(pems / "good.pem"),
        "--device",
        DEVICE + ":" + KEY,
    ]
    lines = (
        '{"do":"misbehave","name":"reset"}\n{"do":"nonsense"}\nno json\n'
        '{"do":"held"}\n{"do":"status"}\n'
    )
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=20)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and answers[0]["url"].startswith("https://localhost:")
    assert answers[1] == {} and "error" in answers[2] and "error" in answers[3]
    assert answers[4] == {"held": {}} and answers[5]["handshakes"] == 0

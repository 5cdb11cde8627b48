# SPDX-License-Identifier: GPL-3.0-or-later
"""The two services `ingest` and `web` behind nginx, with the configuration that the project offers:
raw bytes, forms, revocation.
"""

import json
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from tests.server.conftest import people_of
from tests.server.database import value
from tests.server.test_wire import BEAT, CANONICAL, read_answer, request
from tests.server.visitor import Visitor
from tools.harness.device import DEVICE, KEY, SENSOR, Client, digests
from tools.harness.processes import free_port
from tools.harness.testbed import Platform
from tools.harness.wait import wait_until

CONFIGURATION = Path(__file__).parents[2] / "flukso_server" / "deploy" / "nginx.conf"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, certificates):
    """The front of a platform of two services."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert program, "Debian's nginx-light is needed: see tools/packages.apt"
    folder = tmp_path_factory.mktemp("nginx")
    port = free_port()
    shared = {
        "FLUKSO_SECRET_KEY": secrets.token_hex(32),
        "FLUKSO_DEVICE_KEY_SECRET": secrets.token_hex(32),
        "FLUKSO_BEHIND_PROXY": "1",
    }
    with (
        Platform(
            folder / "platform", None, {DEVICE: KEY}, {SENSOR: DEVICE}, service="ingest", **shared
        ) as ingest,
        Platform(folder / "platform", None, service="web", **shared) as web,
    ):
        text = CONFIGURATION.read_text()
        for old, new in (
            ("127.0.0.1:8001", f"127.0.0.1:{ingest.port}"),
            ("127.0.0.1:8002", f"127.0.0.1:{web.port}"),
            ("listen 8443", f"listen 127.0.0.1:{port}"),
            ("/etc/flukso/server.pem", str(certificates / "good.pem")),
            ("/var/log/nginx/", f"{folder}/"),
        ):
            assert old in text
            text = text.replace(old, new)
        paths = "".join(
            f"{name}_temp_path {folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        whole = (
            f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents "
            f"{{}}\nhttp {{\n{paths}{text}}}\n"
        )
        (folder / "nginx.conf").write_text(whole)
        process = subprocess.Popen(
            [program, "-p", str(folder), "-c", str(folder / "nginx.conf")],
            stderr=subprocess.DEVNULL,
        )
        try:
            connect(port, certificates).close()
            yield Front(port, certificates, ingest, web, folder)
        finally:
            process.terminate()
            process.wait(10)


class Front:
    """nginx and what is behind it; calling it opens a TLS connection."""

    def __init__(self, port: int, certificates, ingest: Platform, web: Platform, folder: Path):
        self.port, self.certificates, self.ingest, self.web, self.folder = (
            port,
            certificates,
            ingest,
            web,
            folder,
        )

    def __call__(self) -> ssl.SSLSocket:
        return connect(self.port, self.certificates)


def connect(port: int, certificates) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
    until = time.monotonic() + 10
    while True:
        try:
            plain = socket.create_connection(("127.0.0.1", port), 20)
            break
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.05)
    return context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize(
    "path, body, status",
    [
        pytest.param("/sensor/" + SENSOR, b'{"measurements":[]}', b"200 OK", id="upload"),
        pytest.param("/device/" + DEVICE, BEAT, b"200 OK", id="heartbeat"),
        pytest.param("/sensor/" + SENSOR, b"{", b"400 Bad Request", id="malformed"),
        pytest.param(
            "/sensor/" + "c" * 32, b'{"measurements":[]}', b"401 Unauthorized", id="unknown"
        ),
    ],
)
def test_answers_keep_their_length_and_spelling(nginx, path, body, status):
    with nginx() as connection:
        connection.sendall(request(path, body))
        line, headers, _ = read_answer(connection)
    assert line == b"HTTP/1.1 " + status
    assert all(CANONICAL.fullmatch(name) for name in headers), headers
    assert b"Transfer-Encoding" not in headers and b"Content-Encoding" not in headers
    assert (b"X-Digest" in headers) == path.startswith("/device")
    assert (b"WWW-Authenticate" in headers) == status.startswith(b"401")


def test_the_signature_holds_behind_nginx(nginx):
    path, body = "/sensor/" + SENSOR, b'{"measurements":[]}'
    with nginx() as connection:
        connection.sendall(request(path, body, **digests(KEY, path, body, True)))
        assert read_answer(connection)[0] == b"HTTP/1.1 200 OK"


def test_pages_come_through(nginx):
    with nginx() as connection:
        connection.sendall(b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK") and re.search(
        rb"Set-Cookie: csrftoken=[^\r]*Secure", answer
    )


@pytest.mark.parametrize(
    "wire, status",
    [
        pytest.param(
            b"POST /sensor/%b HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"
            % SENSOR.encode(),
            b"413",
            id="large-upload",
        ),
        pytest.param(
            b"POST /login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n",
            b"413",
            id="large-form",
        ),
        pytest.param(
            b"GET /sensor/%b HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" % SENSOR.encode(),
            b"400",
            id="two-hosts",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: %b\r\n" % (b"a" * 20_000) * 2 + b"\r\n",
            b"400",
            id="long-head",
        ),
        pytest.param(b"NONSENSE / HTTP/x\r\nHost: x\r\n\r\n", b"400", id="no-http"),
        pytest.param(
            b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 20_000), b"414", id="long-url"
        ),
    ],
)
def test_what_nginx_refuses_is_said_in_the_form_of_the_api(nginx, wire, status):
    with nginx() as connection:
        connection.sendall(wire)
        line, headers, body = read_answer(connection)
    assert line.split()[1] == status and headers[b"Content-Type"] == b"application/json"
    assert list(json.loads(body)) == ["error"] and all(
        CANONICAL.fullmatch(name) for name in headers
    ), headers


def test_the_address_of_a_device_comes_through(nginx):
    """The front is on this machine: its devices' addresses say nothing, unless they say another one
    themselves.
    """
    device, key = secrets.token_hex(16), secrets.token_hex(16)
    body = json.dumps({"key": key}).encode()
    with nginx() as connection:
        connection.sendall(
            request(
                "/device/" + device,
                body,
                **digests(key, "/device/" + device, body, False),
                **{"X-Real-IP": "192.0.2.1"},
            )
        )
        assert read_answer(connection)[0] == b"HTTP/1.1 200 OK"

    assert value(nginx.web, "devices.Device", "origin", pk=device) == "", (
        "what a client says of itself does not count"
    )


@pytest.fixture(scope="module")
def people(nginx):
    return people_of(nginx.web)


def test_each_service_answers_what_is_its_own(nginx):
    for service, path in ((nginx.ingest, "/login/"), (nginx.web, "/sensor/" + SENSOR)):
        assert Visitor(service.url).get(path).status_code == 404


def test_members_log_in_behind_nginx(nginx, people):
    visitor = Visitor(f"https://localhost:{nginx.port}", nginx.certificates / "ca.crt")
    assert visitor.log_in("alice", "correct horse alice").status_code == 302
    form = {"username": "alice", "time_zone": "Europe/Berlin", "unit": "watt"}
    assert visitor.post("/account/", form, Origin=visitor.url).status_code == 302
    assert "Europe/Berlin" in visitor.get("/account/").text


def test_what_one_service_revokes_the_other_refuses_within_ten_seconds(nginx, people):
    path = f"/sensor/{SENSOR}?version=1.0&interval=hour&unit=watt"
    with Client(nginx.port, nginx.certificates / "ca.crt") as client:
        wait_until(lambda: client.get(path, X_Token=people["sensor"]).status == 200)
        headers = {"Authorization": "Bearer " + people["alice-manage"]}
        number = next(
            each["id"]
            for each in client.request("GET", "/api/1/tokens", None, headers).json()
            if each["sensor"] == SENSOR
        )
        assert client.request("DELETE", f"/api/1/tokens/{number}", None, headers).status == 204
        wait_until(lambda: client.get(path, X_Token=people["sensor"]).status == 401, 10)
        assert (
            client.request(
                "PATCH",
                "/api/1/account",
                b'{"unit":"watt"}',
                headers | {"Content-Type": "application/json"},
            ).status
            == 200
        )

        assert client.get(path, X_Token=people["alice"]).status == 200
        nginx.web.call("tests.server.inside.accounts.block", "alice")
        wait_until(lambda: client.get(path, X_Token=people["alice"]).status == 401, 10)


def test_a_home_that_asks_too_often_is_put_off_and_others_are_not(nginx, certificates):
    """nginx names one of eight times to come back at; the service itself any second."""
    context = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
    ask = b"GET /sensor/x HTTP/1.1\r\nHost: localhost\r\n\r\n"
    away = []
    for _ in range(7):
        raw = socket.create_connection(("127.0.0.1", nginx.port), 60, ("127.9.0.1", 0))
        with context.wrap_socket(raw, server_hostname="localhost") as connection:
            for _ in range(9):
                connection.sendall(ask * 100)
                answers = b""
                while answers.count(b"HTTP/1.1 ") < 100 or not answers.endswith(b"}"):
                    answers += connection.recv(65_536) or pytest.fail("cut off")
                away += re.findall(rb"Retry-After: (\d+)", answers)
    steps = {b"60", *(b"%d" % second for second in range(95, 301, 35)), b"300"}
    assert len(away) > 300 and sum(each in steps for each in away) > len(away) // 2
    assert len(set(away)) >= 8, "they come back apart"
    with Client(nginx.port, certificates / "ca.crt") as client:
        assert client.get("/sensor/x").status == 404


def test_the_log_of_nginx_has_no_secret(nginx):
    visitor = Visitor(f"https://localhost:{nginx.port}", nginx.certificates / "ca.crt")
    for path in (
        "/invitation/secret1/",
        "/confirm-email/secret2/",
        "/password/reset/key/a-secret3/",
        "/claim/secret5/",
        "/login/?token=secret4",
    ):
        visitor.get(path)
    log = (nginx.folder / "flukso.log").read_text()
    assert "/invitation/ 404" in log and "secret" not in log


def test_a_service_that_is_away_is_a_page_that_leads_on(nginx):
    """The last test here: it stops the pages' service for a moment."""
    visitor = Visitor(f"https://localhost:{nginx.port}", nginx.certificates / "ca.crt")
    nginx.web.stop()
    try:
        page = visitor.get("/", Accept="text/html,*/*;q=0.8")
        told = visitor.get("/api/1/sensors", Accept="application/json")
    finally:
        nginx.web.start()
    assert page.status_code == 502 and page.headers["Content-Type"].startswith("text/html")
    assert "Back in a moment" in page.text and 'href="/"' in page.text and "nginx" not in page.text
    assert (
        told.status_code == 502
        and told.json() == {"error": "busy"}
        and told.headers["Retry-After"] == "20"
    )

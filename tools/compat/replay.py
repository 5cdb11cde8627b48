# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays the clients' requests against the real daemon on the simulated board."""

import contextlib
import socket
import tempfile
from collections import namedtuple
from pathlib import Path

from tools.compat.clients import CLIENTS, GAS, NONE, POWER, WATER
from tools.harness.chain import SENSORS, Chain, sensor_text
from tools.harness.processes import free_port

RUNTIMES = ("cpython", "micropython")
IDS = {POWER: SENSORS[0], WATER: SENSORS[3], GAS: SENSORS[4], NONE: ""}
DAEMON = (
    "config settings daemon\n\toption enable_wan_branch '0'\n\toption enable_lan_branch "
    "'1'\n\toption lan_port '{}'\n"
)
WATTS, PULSE_S = 1200, 10
LITRES_A_DAY = 86400 // PULSE_S
NEAR = 0.02  # what the clamp may be off
BEFORE_S = 66  # the whole minute is known then
TIMEOUT_S = 10

Outcome = namedtuple("Outcome", ("client", "requests", "trouble"))  # trouble: "" when all was right


@contextlib.contextmanager
def house(runtime: str):
    """A household with a clamp, a water and a gas meter, whose clock stands; gives (its own page's
    host, port).
    """
    with tempfile.TemporaryDirectory(prefix="flukso-compat-") as folder:
        chain = Chain(
            Path(folder), "https://nobody.invalid/", "/none", runtime=runtime, sensors=(1,)
        )
        try:
            port = free_port()
            meters = sensor_text(4).replace("electricity", "water") + sensor_text(5).replace(
                "electricity", "gas"
            )
            chain.configure(extra=DAEMON.format(port) + meters)
            chain.start()
            chain.clamp(WATTS)
            for pulse in (0, 1):
                chain.control.ask(
                    "pulse {} {} {}".format(pulse, BEFORE_S // PULSE_S, PULSE_S * 1000000)
                )
            chain.run(BEFORE_S + 2)
            yield "127.0.0.1", port
        finally:
            chain.close()


def replay(runtime: str) -> "list[Outcome]":
    """Return how each client fared."""
    with house(runtime) as address:
        return [fare(one, address) for one in CLIENTS]


def fare(client, address) -> Outcome:
    """Send what the client sends, and read as it reads."""
    asked = 0
    try:
        with socket.create_connection(address, TIMEOUT_S) as link:
            for sensor in client.sensors * client.times:
                asked += 1
                link.sendall(request(client, sensor, address))
                body = _read(link, client.kept)
                judge(client.reads(body), sensor)
            if not client.kept:
                assert link.recv(1) == b"", "the connection stays open"
    except Exception as error:  # whatever a client dies of
        return Outcome(client.name, asked, "{}: {}".format(type(error).__name__, error))
    return Outcome(client.name, asked, "")


def request(client, sensor: str, address) -> bytes:
    """Return the client's bytes."""
    text = "\r\n".join([*client.lines, "", ""])
    return text.replace("{id}", IDS[sensor]).replace("{host}", "{}:{}".format(*address)).encode()


def _read(link, kept: bool) -> bytes:
    """Return the body of one answer. Headers are looked for as they were always spelled; a length
    says where the body ends.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(link)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].startswith("HTTP/1.") and lines[0].split(" ")[1] == "200", lines[0]
    headers = dict(line.split(": ", 1) for line in lines[1:])
    for unknown in ("Transfer-Encoding", "Content-Encoding"):
        assert unknown not in headers, headers
    assert headers["Connection"] == ("keep-alive" if kept else "close"), headers
    while len(body) < int(headers["Content-Length"]):
        body += _more(link)
    assert len(body) == int(headers["Content-Length"]), "more than the length says"
    return body


def _more(link):
    data = link.recv(65536)
    assert data, "closed in the middle"
    return data


def judge(rows: list, sensor: str) -> None:
    """Hold the figures against what the board measures: a client that reads nonsense is served no
    better than with an error.
    """
    if sensor == NONE:
        return
    assert len(rows) == 60 and [ts for ts, _ in rows] == list(range(rows[0][0], rows[0][0] + 60)), (
        rows
    )
    known = [value for _, value in rows if value is not None]
    assert len(known) > 40, rows
    if sensor == POWER:
        assert all(abs(value - WATTS) <= WATTS * NEAR for value in known[:-1]), known
    else:
        assert all(abs(value - LITRES_A_DAY) <= 1 for value in known), known

# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN API on either interpreter: routes, limits, and a real connection."""

import asyncio
import json
import time

from flukso.lan import Lan, query_of
from flukso.lan_http import HttpError, address_of, parse_head
from flukso.ports import tcp
from tests.daemon.lan_house import IDLE, POWER, T0, WATER, House

MINUTE = "?version=1.0&interval=minute&unit=watt"
PORT = 20000 + int(time.time() * 1000) % 10000  # MicroPython cannot ask which port it was given
ROWS = [[T0 + 941 + n, 101 + n] for n in range(60)]


def house():
    home = House()
    home.lan = Lan(home)
    return home


def get(target, home=None, more="", host="localhost"):
    """Return (status, head, body) without a socket."""
    home = home or house()
    raw = "GET {} HTTP/1.1\r\nHost: {}{}".format(target, host, more).encode()
    answer, _ = home.lan._server._respond(raw, "client")
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head[9:12]), head.decode(), body


def test_the_last_minute():
    status, head, body = get("/sensor/" + POWER + MINUTE)
    assert status == 200 and "Content-Type: application/json\r\n" in head
    assert json.loads(body.decode()) == ROWS and b" " not in body
    assert "Content-Length: {}\r\n".format(len(body)) in head
    assert get("/sensor/" + IDLE)[2] == b"[]"
    assert json.loads(get("/sensor/" + WATER)[2].decode())[0] == [T0 + 941, "nan"]


def test_refusals():
    for target, status in (
        ("/sensor/" + POWER + "?version=2.0&interval=minute&unit=watt", 400),
        ("/sensor/" + POWER + MINUTE + "&callback=a-b", 400),
        ("/sensor/" + POWER + "?unit=%zz", 400),
        ("/sensor/" + POWER + "?unit=%C3", 400),
        ("/sensor/" + "e" * 32, 404),
        ("/nothing", 404),
    ):
        assert get(target)[0] == status, target
    assert get("/sensor/" + POWER + "?callback=f", more="\r\nX-Version: 1.0")[2][:4] == b"f([["


QUERIES = (
    ("/", {}),
    ("/?", {}),
    ("/?&&", {}),
    ("/?a=1&b", {"a": "1", "b": ""}),
    ("/?a=1&a=2", {"a": "1"}),
    ("/?a==1=&=x", {"a": "=1=", "": "x"}),
    ("/?a=b+c&d=e%20f%2B", {"a": "b c", "d": "e f+"}),
    ("/?%61%C3%A9=%E2%82%AC", {"a\u00e9": "\u20ac"}),
    ("/?a=%&b=100%%&c=%41%", {"a": "%", "b": "100%%", "c": "A%"}),
    ("/?a=?&b=/?", {"a": "?", "b": "/?"}),
    ("/?a=%4", {"a": "\x04"}),
)


def test_queries():
    for target, args in QUERIES:
        assert query_of(target) == args, target
    for target in ("/?%zz", "/?a=%zz", "/?a=%C3", "/?a=%C3b", "/?a=%-1", "/?a=%ff"):
        try:
            query_of(target)
        except ValueError:
            continue
        raise AssertionError(target)


def test_a_defect_of_ours_is_one_answer_and_one_line_of_the_log():
    home = house()
    home.store = None
    for _ in range(2):
        status, head, body = get("/status", home)
        assert (status, body) == (500, b"Internal server error\n"), body
    assert [level for level, _ in home.lines] == ["err"] and get("/metrics", home)[0] == 500
    assert get("/sensor/" + POWER, home)[0] == 200 and home.lan.refused == 3


def test_names_of_jsonp_functions():
    for name in ("angular.callbacks._0", "$cb", "%24cb", "a" * 64):
        status, _, body = get("/sensor/" + POWER + MINUTE + "&callback=" + name)
        assert status == 200 and body.startswith(name.replace("%24", "$").encode() + b"([["), name
    for name in ("", "7a", ".a", "a" * 65, "a%00"):
        assert get("/sensor/" + POWER + MINUTE + "&callback=" + name)[0] == 400, name


def test_water_asked_for_watt():
    assert (
        get("/sensor/" + WATER + MINUTE)[2]
        == get("/sensor/" + WATER + MINUTE.replace("watt", "lperday"))[2]
    )
    assert json.loads(get("/sensor/" + WATER + MINUTE)[2].decode())[39] == [T0 + 980, 2880]


def test_status_metrics_page():
    found = json.loads(get("/status")[2].decode())
    assert (
        len(found["sensors"]) == 3
        and found["board"]["hardware"] == "2.1"
        and found["sensors"][1]["value"] is None
    )
    assert len(found["claim"]) == 8
    text = get("/metrics")[2].decode()
    assert 'flukso_power_watts{{sensor="{}",type="electricity"}} 160\n'.format(POWER) in text
    status, head, body = get("/")
    assert status == 200 and "text/html" in head and b"</html>" in body


def test_only_readings_are_for_other_pages_and_names():
    for target, status in (
        ("/sensor/" + POWER, 200),
        ("/status", 403),
        ("/metrics", 403),
        ("/", 403),
    ):
        for more in ("\r\nOrigin: http://x", "\r\nSec-Fetch-Site: cross-site"):
            got, head, _ = get(target, more=more)
            assert got == status and ("Access-Control-Allow-Origin: *" in head) == (
                status == 200
            ), target
        assert get(target, host="evil.example")[0] == status and get(target, host="")[0] == status
        for name in (
            "meter",
            "Meter.local:8080",
            "meter.home.example",
            "192.168.1.2:8080",
            "[fe80::1]",
            "flukso-dddddd.lan",
        ):
            assert get(target, host=name)[0] == 200, name
    assert get("/status?callback=f")[0] == 403
    assert "X-Frame-Options: DENY" in get("/status")[1]


def test_heads():
    assert parse_head(b"GET / HTTP/1.0\r\nA: b").keep is False
    for bad in (
        b"",
        b"GET /",
        b"GET /\x01 HTTP/1.1",
        b"GET / HTTP/1.1\r\nx",
        b"GET / HTTP/1.1\r\nContent-Length: 1",
        b"\x80\x81\xff " * 3,
    ):
        try:
            parse_head(bad)
        except HttpError:
            continue
        raise AssertionError(bad)


async def talk(host):
    home = house()
    await home.lan.start(PORT)
    reader, writer = await asyncio.open_connection(host, PORT)
    request = "GET /sensor/{} HTTP/1.1\r\nHost: localhost\r\n\r\n".format(POWER).encode()
    bodies = []
    for _ in range(3):
        writer.write(request)
        await writer.drain()
        while True:
            line = await reader.readline()
            if line == b"\r\n":
                break
            if line.startswith(b"Content-Length: "):
                length = int(line[16:])
        bodies.append(json.loads((await reader.readexactly(length)).decode()))
    assert bodies == [ROWS, ROWS, ROWS]
    assert home.lan.connections() == 1
    writer.write(b"nonsense\r\n\r\n")
    await writer.drain()
    rest = await reader.read(-1)
    assert rest.startswith(b"HTTP/1.1 400 ")
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.05)
    assert home.lan.connections() == 0
    _, writer = await asyncio.open_connection(host, PORT)
    await asyncio.sleep(0.05)
    assert home.lan.connections() == 1
    await home.lan.close()
    await asyncio.sleep(0.05)
    assert home.lan.connections() == 0
    writer.close()
    await writer.wait_closed()


def test_a_real_connection_over_ipv4():
    asyncio.run(talk("127.0.0.1"))


def test_a_real_connection_over_ipv6():
    asyncio.run(talk("::1"))


async def listen_twice():
    first, second = house().lan, house().lan
    await first.start(PORT)
    try:
        await second.start(PORT)
    except OSError:
        await first.close()
        return
    raise AssertionError("the port was taken")


def test_a_taken_port_is_an_error():
    asyncio.run(listen_twice())


def test_a_kernel_without_ipv6_is_served_over_ipv4():
    known, tcp.ANY = tcp.ANY, (("::", 255),) + tcp.ANY[1:]
    try:
        asyncio.run(talk("127.0.0.1"))
    finally:
        tcp.ANY = known


def test_clients_are_told_apart_by_their_address():
    ipv4 = bytes((2, 0, 1, 187, 192, 168, 255, 1)) + bytes(8)
    ipv6 = bytes((10, 0, 1, 187)) + bytes(4) + bytes(range(16)) + bytes(4)
    assert address_of(ipv4) == bytes((192, 168, 255, 1)) and address_of(ipv6) == bytes(range(16))
    assert address_of(("::1", 4711, 0, 0)) == "::1" and address_of(None) is None

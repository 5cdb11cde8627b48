# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN API: protocol to the letter, status and metrics, and every limit."""

import asyncio
import json
import re
import socket
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flukso import lan_server
from flukso.lan import Lan
from flukso.lan_server import BURST, HttpError, LanServer, Rate, compose, parse_head
from flukso.page import PAGE
from flukso.ports.tcp import serve_tcp
from tests.unit.lan_house import DEVICE, IDLE, KEY, POWER, T0, WATER, House

MINUTE = "?version=1.0&interval=minute&unit=watt"


def serve(client, house=None, server=None):
    """Run a client coroutine against a LAN API on a free port; it gets the port."""

    async def run():
        home = house or House()
        home.lan = server or Lan(home)
        inner = home.lan._server if server is None else server
        await home.lan.start(0) if server is None else await server.start(0)
        port = inner._server.sockets[0].getsockname()[1]
        try:
            return await asyncio.wait_for(client(port), 20)
        finally:
            await home.lan.close()

    return asyncio.run(run())


async def read_answer(reader):
    """Return (status, headers, body) of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head[1:] if line}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(head[0].split(" ")[1]), headers, body


async def ask(port, *requests):
    """Send raw requests over one connection; returns the answers until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    try:
        for request in requests:
            writer.write(request)
            answers.append(await read_answer(reader))
    finally:
        writer.close()
    return answers


def raw(target, method="GET", version="1.1", *more):
    return "\r\n".join(["{} {} HTTP/{}".format(method, target, version), "Host: x", *more, "", ""]).encode()


def get(target, *more, house=None, method="GET"):
    return serve(lambda port: ask(port, raw(target, method, "1.1", *more)), house)[0]


ROWS = [[T0 + 941 + n, 101 + n] for n in range(60)]
GOOD = [MINUTE, "", MINUTE + "&x=1", MINUTE.replace("&unit=watt", "&unit=watt;"), "?unit=watt&interval=minute&version=1.0"]


@pytest.mark.parametrize("query", GOOD)
def test_the_last_minute(query):
    status, headers, body = get("/sensor/" + POWER + query)
    assert (status, headers["content-type"], headers["access-control-allow-origin"]) == (200, "application/json", "*")
    assert json.loads(body) == ROWS
    assert body == json.dumps(ROWS, separators=(",", ":")).encode()  # clients split the text


def test_the_version_may_stand_in_a_header():
    assert get("/sensor/" + POWER + "?interval=minute&unit=watt", "X-Version: 1.0")[0] == 200
    assert get("/sensor/" + POWER, "X-Version: 1.0")[0] == 200
    assert get("/sensor/" + POWER, "X-Version: 2.0")[0] == 400


WRONG = [
    ("?version=2.0&interval=minute&unit=watt", "version"),
    ("?interval=minute&unit=watt", "version"),
    ("?version=1.0&interval=hour&unit=watt", "interval"),
    ("?version=1.0&unit=watt", "interval"),
    ("?version=1.0&interval=minute&unit=lperday", "watt"),
    ("?version=1.0&interval=minute", "watt"),
    ("?unit=%zz", "query"),
]


@pytest.mark.parametrize("query, word", WRONG)
def test_a_wrong_query_is_400_with_a_sentence(query, word):
    status, headers, body = get("/sensor/" + POWER + query)
    assert status == 400 and word in body.decode()
    assert headers["content-type"].startswith("text/plain") and headers["access-control-allow-origin"] == "*"


def test_water_is_in_litres_a_day():
    status, _, body = get("/sensor/" + WATER + MINUTE.replace("watt", "lperday"))
    rows = json.loads(body)
    assert status == 200 and len(rows) == 60
    assert {value for _, value in rows} == {"nan", 2880}
    assert b'"nan"' in body and b" " not in body
    assert get("/sensor/" + WATER + MINUTE)[0] == 400


def test_a_sensor_without_data_is_an_empty_list_and_an_unknown_one_404():
    assert get("/sensor/" + IDLE + MINUTE)[2] == b"[]"
    for target in ("/sensor/" + "e" * 32 + MINUTE, "/sensor/x", "/sensor/", "/sensor", "/x", "/sensor/../status"):
        status, _, body = get(target)
        assert status == 404 and len(body) > 10


@pytest.mark.parametrize("parameter", ["jsonp_callback", "callback"])
def test_jsonp(parameter):
    status, headers, body = get("/sensor/" + POWER + MINUTE + "&" + parameter + "=show_1")
    assert (status, headers["content-type"]) == (200, "application/javascript")
    assert headers["x-content-type-options"] == "nosniff"
    assert body == b"show_1(" + json.dumps(ROWS, separators=(",", ":")).encode() + b")"
    assert get("/sensor/" + POWER + "?" + parameter + "=f")[2].startswith(b"f([[")


@pytest.mark.parametrize("name", ["", "a" * 65, "a.b", "a-b", "alert(1)", "%3Cscript%3E", "a%00", "%C3%A9", "a b", "²", "$"])
def test_callbacks_that_are_no_plain_name_are_refused(name):
    assert get("/sensor/" + POWER + MINUTE + "&jsonp_callback=" + name.replace(" ", "+").encode().decode("latin-1"))[0] == 400


def test_the_window_moves_with_polls_and_seconds_and_is_made_once_for_each():
    house = House()

    async def client(port):
        target = raw("/sensor/" + POWER)
        first = await ask(port, target, target)
        house.readings.meters[POWER].power(1000, 60, 999)
        same = await ask(port, target)
        house.last_poll += 1.0
        polled = await ask(port, target)
        house.clock.mono += 1.0
        later = await ask(port, target)
        return [json.loads(answer[2]) for answer in first + same + polled + later]

    one, two, same, polled, later = serve(client, house)
    assert one == two == same == ROWS
    assert polled[-1] == [T0 + 1000, 999]
    assert later[-2:] == [[T0 + 1000, 999], [T0 + 1001, "nan"]]


def test_status_says_how_it_is():
    house = House()
    status, headers, body = get("/status", house=house)
    assert (status, headers["content-type"]) == (200, "application/json")
    found = json.loads(body)
    assert list(found) == ["version", "uptime", "device", "claim", "board", "sensors", "buffer", "upload", "clock", "errors", "lan"]
    assert (found["uptime"], found["device"], found["board"]["hardware"], found["board"]["faults"]) == (100, DEVICE, "2.1", 5)
    assert [entry["number"] for entry in found["sensors"]] == [1, 2, 4]
    assert found["sensors"][0]["value"] == 160 and found["sensors"][0]["counter"] == 59 and found["sensors"][1]["value"] is None
    assert found["sensors"][2]["counter_unit"] == "l"
    assert found["buffer"]["tuples"] == 2 and found["upload"]["interval"] == 300 and found["upload"]["last_ok_age"] is None
    assert found["clock"] == {"time": T0 + 1000, "believed": True, "behind": 0, "jumps": 0}
    assert KEY not in body.decode()


def test_the_claim_code_is_shown_until_it_is_claimed():
    house = House()
    assert re.fullmatch("[A-Z2-7]{8}", json.loads(get("/status", house=house)[2])["claim"])
    house.sender.uploader.claimed = True
    assert json.loads(get("/status", house=house)[2])["claim"] is None


SAMPLE = re.compile(r'flukso_[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? -?[0-9]+$')


def test_metrics_are_prometheus_text():
    status, headers, body = get("/metrics")
    assert status == 200 and headers["content-type"] == "text/plain; version=0.0.4"
    lines = body.decode().splitlines()
    typed = [line.split(" ")[2] for line in lines if line.startswith("# TYPE ")]
    assert len(typed) == len(set(typed)) > 12
    samples = [line for line in lines if not line.startswith("#")]
    assert all(SAMPLE.match(line) for line in samples), samples
    assert 'flukso_power_watts{{sensor="{}",type="electricity"}} 160'.format(POWER) in samples
    assert {re.split("[{ ]", line)[0] for line in samples} == set(typed)
    assert all(
        name.endswith("_total") for name, kind in (line.split(" ")[2:4] for line in lines if line.startswith("# TYPE")) if kind == "counter"
    )


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.outside = []

    def handle_starttag(self, tag, attrs):
        self.outside += [value for name, value in attrs if name in ("src", "href") and not value.startswith("/")]


def test_the_page_is_small_and_needs_nothing_from_outside():
    status, headers, body = get("/")
    assert (status, headers["content-type"], body) == (200, "text/html; charset=utf-8", PAGE)
    assert "default-src 'none'" in headers["content-security-policy"]
    assert len(PAGE) < 6000 and b"viewport" in PAGE
    tags = Tags()
    tags.feed(PAGE.decode())
    assert tags.outside == []
    assert [url for url in re.findall(rb"https?://[^\"']+", PAGE) if b"www.w3.org" not in url] == []


def test_cors_preflight_head_and_other_methods():
    status, headers, body = get("/sensor/" + POWER, "Origin: http://x", "Access-Control-Request-Method: GET", method="OPTIONS")
    assert (status, body, headers["access-control-allow-methods"], headers["access-control-allow-origin"]) == (204, b"", "GET", "*")

    async def head(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw("/status", "HEAD", "1.1", "Connection: close"))
        data = await reader.read()
        writer.close()
        return data

    answer = serve(head)
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"\r\n\r\n")
    for method in ("POST", "PUT", "DELETE", "TRACE", "get"):
        status, headers, _ = get("/status", method=method)
        assert status == 405 and headers["allow"] == "GET, HEAD, OPTIONS"
    assert get("/status", "Content-Length: 5", method="POST")[0] == 405


HEADS = [
    (b"GET / HTTP/1.1", True),
    (b"GET / HTTP/1.1\r\nConnection: close", False),
    (b"GET / HTTP/1.0", False),
    (b"GET / HTTP/1.0\r\nconnection:  Keep-Alive ", True),
    (b"GET /a?b=c HTTP/1.1\r\nX-Y: a:b\r\nEmpty:\r\nUser-Agent: \xc3\xa9", True),
    (b"GET / HTTP/1.1\r\nContent-Length: 0", True),
]
BAD_HEADS = [
    (b"", 400),
    (b"GET /", 400),
    (b"GET  / HTTP/1.1", 400),
    (b"GET / HTTP/2.0", 400),
    (b"GET / HTTP/1.1 ", 400),
    (b"GET http://x/ HTTP/1.1", 400),
    (b"GET /\x00 HTTP/1.1", 400),
    (b"GET / HTTP/1.1\r\nno colon", 400),
    (b"GET / HTTP/1.1\r\n: x", 400),
    (b"GET / HTTP/1.1\r\n folded: x", 400),
    (b"GET / HTTP/1.1\r\nName : x", 400),
    (b"GET / HTTP/1.1\r\nName: x\x07", 400),
    (b"GET / HTTP/1.1\r\nContent-Length: 1", 400),
    (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked", 400),
    (b"POST / HTTP/1.1\r\nContent-Length: 1", 405),
    (b"BREW / HTTP/1.1", 405),
    (b"GET /" + b"a" * lan_server.TARGET_MAX + b" HTTP/1.1", 414),
    (b"GET / HTTP/1.1" + b"\r\na: b" * (lan_server.HEADERS_MAX + 1), 431),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
]


@pytest.mark.parametrize("head, keep", HEADS)
def test_heads(head, keep):
    assert parse_head(head).keep is keep


@pytest.mark.parametrize("head, status", BAD_HEADS)
def test_bad_heads(head, status):
    with pytest.raises(HttpError) as caught:
        parse_head(head)
    assert caught.value.status == status


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b"GET ", b"/", b" HTTP/1.1", b"\r\n", b":", b" ", b"a", b"%", b"\x80"]), max_size=20).map(b"".join)
)
def test_any_head_is_taken_or_refused(head):
    try:
        parsed = parse_head(head)
    except HttpError as error:
        assert 400 <= error.status < 500
        return
    assert parsed.method in lan_server.METHODS and parsed.target.startswith("/")


@given(
    st.lists(
        st.text(max_size=30).map(lambda text: text.encode())
        | st.sampled_from([b"version=1.0", b"interval=minute", b"unit=watt", b"callback=f", b"%", b"%2", b"=&=", b";"]),
        max_size=5,
    )
)
@settings(deadline=None, max_examples=60)
def test_any_query_is_answered(parts):
    house = House()
    house.lan = Lan(house)
    target = b"/sensor/" + POWER.encode() + b"?" + b"&".join(parts).replace(b" ", b"+")
    answer, keep = asyncio.run(house.lan._server._respond(b"GET " + target + b" HTTP/1.1", "x"))
    assert int(answer[9:12]) in (200, 400, 414) and b"Content-Length: " in answer
    assert keep or not answer.startswith(b"HTTP/1.1 200")


# Limits


def test_a_head_that_never_ends_is_431():
    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"a" * (lan_server.HEAD_MAX + 10))
        status = (await read_answer(reader))[0]
        assert await reader.read() == b""
        return status

    assert serve(client) == 431


def test_a_head_may_come_byte_by_byte_and_requests_may_be_pipelined():
    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in raw("/status"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        first = await read_answer(reader)
        writer.write(raw("/status") + raw("/metrics") + raw("/nothing") + raw("/", "GET", "1.1", "Connection: close") + raw("/status"))
        statuses = [(await read_answer(reader))[0] for _ in range(4)]
        assert await reader.read() == b""
        return [first[0], *statuses]

    assert serve(client) == [200, 200, 200, 404, 200]


def test_connections_are_bounded_in_all_and_for_one_address(monkeypatch):
    async def client(port):
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(lan_server.PER_ADDRESS_MAX + 3)]
        refused = [await read_answer(reader) for reader, _ in opened[lan_server.PER_ADDRESS_MAX :]]
        status = (await ask_over(opened[0], raw("/status")))[0]
        opened[0][1].close()
        await asyncio.sleep(0.05)
        again = await ask(port, raw("/status"))
        for _, writer in opened:
            writer.close()
        return [entry[0] for entry in refused], status, again[0][0]

    assert serve(client) == ([503] * 3, 200, 200)
    monkeypatch.setattr(lan_server, "CONNECTIONS_MAX", 2)
    monkeypatch.setattr(lan_server, "PER_ADDRESS_MAX", 2)

    async def crowd(port):
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        status = (await read_answer(opened[2][0]))[0]
        for _, writer in opened:
            writer.close()
        return status

    assert serve(crowd) == 503


def test_a_crowd_waits_in_the_kernel_while_the_loop_is_busy():
    async def client(port):  # holds the loop up
        waiting = [socket.create_connection(("127.0.0.1", port), 3) for _ in range(lan_server.BACKLOG)]
        for link in waiting:
            link.close()
        return len(waiting)

    assert serve(client) >= 128


async def ask_over(opened, request):
    opened[1].write(request)
    return await read_answer(opened[0])


@pytest.mark.parametrize("sent, limit", [(b"", "IDLE_S"), (b"GET / HT", "HEAD_S")])
def test_a_client_that_says_nothing_is_cut(monkeypatch, sent, limit):
    monkeypatch.setattr(lan_server, "SWEEP_S", 0.02)
    monkeypatch.setattr(lan_server, limit, 0.1)

    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        begin = time.monotonic()
        assert await reader.read() == b""
        writer.close()
        return time.monotonic() - begin

    house = House()
    house.port.system_clock = lambda: time
    assert 0.05 < serve(client, house) < 1
    assert house.lan.refused == 1 and house.lan.connections() == 0


def test_a_client_that_takes_nothing_is_cut(monkeypatch):
    monkeypatch.setattr(lan_server, "SWEEP_S", 0.02)
    monkeypatch.setattr(lan_server, "SEND_S", 0.2)

    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        for _ in range(40):
            writer.write(raw("/") * 200)
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0.05)
            if house.lan.refused:
                break
        writer.close()
        return house.lan.refused

    house = House()
    house.port.system_clock = lambda: time
    assert serve(client, house) == 1


def test_answers_that_have_to_be_made_are_limited_and_made_ones_are_free():
    async def client(port):
        statuses = [answer[0] for answer in await ask(port, *[raw("/status?" + str(n)) for n in range(BURST + 5)])]
        known = await ask(port, *[raw("/status?1")] * 300)
        return statuses, {answer[0] for answer in known}

    statuses, known = serve(client)
    assert statuses.count(200) in range(BURST, BURST + 3) and statuses[-1] == 429
    assert known == {200}


def test_the_rate_is_per_address_refills_and_forgets():
    rate = Rate()
    assert [rate.allows("a", 0.0) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert rate.allows("b", 0.0)
    assert rate.allows("a", 0.06) and not rate.allows("a", 0.06)
    for n in range(2 * lan_server.ADDRESSES_MAX):
        rate.allows(n, 1.0)
    assert len(rate._spent) <= lan_server.ADDRESSES_MAX


def test_the_cache_is_bounded():
    async def answer(head):
        return 200, "text/plain", head.target.encode(), ""

    server = LanServer(answer, lambda: time.monotonic() * 1000, lambda: 1, serve_tcp)

    async def client(port):
        for n in range(3 * lan_server.CACHE_MAX):
            assert (await ask(port, raw("/{}".format(n))))[0][2] == "/{}".format(n).encode()

    serve(client, server=server)
    assert len(server._cache) == lan_server.CACHE_MAX


def test_an_answer_cannot_be_split_by_what_was_asked():
    status, headers, body = get("/sensor/" + POWER + "?callback=f%0d%0aX-Evil:1")
    assert status == 400 and "x-evil" not in headers
    assert compose(200, "a/b", b"x", True).count(b"\r\n\r\n") == 1


def test_no_connection_is_taken_when_memory_is_short(monkeypatch):
    assert lan_server.roomy()
    monkeypatch.setattr(lan_server, "roomy", lambda: False)

    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = await read_answer(reader)
        writer.close()
        return answer

    status, headers, _ = serve(client)
    assert status == 503 and headers["retry-after"] == "5"

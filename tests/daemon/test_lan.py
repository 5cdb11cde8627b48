# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN API: protocol to the letter, status and metrics, and every limit."""

import asyncio
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flukso.lan import Lan
from flukso.page import PAGE
from flukso.register import claim_code
from tests.daemon.lan_client import ask, get, raw, serve
from tests.daemon.lan_house import DEVICE, IDLE, KEY, POWER, T0, WATER, House

MINUTE = "?version=1.0&interval=minute&unit=watt"


ROWS = [[T0 + 941 + n, 101 + n] for n in range(60)]
GOOD = [
    MINUTE,
    "",
    MINUTE + "&x=1",
    MINUTE.replace("&unit=watt", "&unit=watt;"),
    "?unit=watt&interval=minute&version=1.0",
]


@pytest.mark.parametrize("query", GOOD)
def test_the_last_minute(query):
    status, headers, body = get("/sensor/" + POWER + query)
    assert (status, headers["content-type"], headers["access-control-allow-origin"]) == (
        200,
        "application/json",
        "*",
    )
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
    assert (
        headers["content-type"].startswith("text/plain")
        and headers["access-control-allow-origin"] == "*"
    )


def test_water_is_in_litres_a_day():
    status, _, body = get("/sensor/" + WATER + MINUTE.replace("watt", "lperday"))
    rows = json.loads(body)
    assert status == 200 and len(rows) == 60
    assert {value for _, value in rows} == {"nan", 2880}
    assert b'"nan"' in body and b" " not in body


def test_watt_asked_of_water_or_gas_gets_its_own_litres_a_day():
    """Bridges ask every sensor so, and the historic daemon answered the same values whatever the
    unit.
    """
    status, headers, body = get("/sensor/" + WATER + MINUTE)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert body == get("/sensor/" + WATER + MINUTE.replace("watt", "lperday"))[2]
    for unit in ("kwh", "lpermin", "Watt", "lperdays", ""):
        assert get("/sensor/" + WATER + MINUTE.replace("watt", unit))[0] == 400


def test_a_sensor_without_data_is_an_empty_list_and_an_unknown_one_404():
    assert get("/sensor/" + IDLE + MINUTE)[2] == b"[]"
    for target in (
        "/sensor/" + "e" * 32 + MINUTE,
        "/sensor/x",
        "/sensor/",
        "/sensor",
        "/x",
        "/sensor/../status",
    ):
        status, _, body = get(target)
        assert status == 404 and len(body) > 10


@pytest.mark.parametrize("parameter", ["jsonp_callback", "callback"])
def test_jsonp(parameter):
    status, headers, body = get("/sensor/" + POWER + MINUTE + "&" + parameter + "=show_1")
    assert (status, headers["content-type"]) == (200, "application/javascript")
    assert headers["x-content-type-options"] == "nosniff"
    assert body == b"show_1(" + json.dumps(ROWS, separators=(",", ":")).encode() + b")"
    assert get("/sensor/" + POWER + "?" + parameter + "=f")[2].startswith(b"f([[")


@pytest.mark.parametrize(
    "name", ["angular.callbacks._0", "$cb", "%24cb", "jQuery19105_1356", "$.f", "_", "a" * 64]
)
def test_jsonp_names_of_javascript_libraries(name):
    status, _, body = get("/sensor/" + POWER + MINUTE + "&callback=" + name)
    assert status == 200 and body.startswith(name.replace("%24", "$").encode() + b"([[")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a" * 65,
        "7a",
        ".a",
        "a-b",
        "alert(1)",
        "%3Cscript%3E",
        "a%00",
        "%C3%A9",
        "a b",
        "²",
        "a%0a",
    ],
)
def test_callbacks_that_are_no_plain_name_are_refused(name):
    assert (
        get(
            "/sensor/"
            + POWER
            + MINUTE
            + "&jsonp_callback="
            + name.replace(" ", "+").encode().decode("latin-1")
        )[0]
        == 400
    )


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
    assert list(found) == [
        "version",
        "uptime",
        "device",
        "claim",
        "board",
        "sensors",
        "buffer",
        "upload",
        "clock",
        "errors",
        "upgrade",
        "lan",
    ]
    assert (
        found["uptime"],
        found["device"],
        found["board"]["hardware"],
        found["board"]["faults"],
    ) == (100, DEVICE, "2.1", 5)
    assert found["board"]["uart_lost"] == 7
    assert [entry["number"] for entry in found["sensors"]] == [1, 2, 4]
    assert (
        found["sensors"][0]["value"] == 160
        and found["sensors"][0]["counter"] == 59
        and found["sensors"][1]["value"] is None
    )
    assert found["sensors"][2]["counter_unit"] == "l"
    assert found["sensors"][2]["symbol"] == "l/day" and found["sensors"][2]["decimals"] == 0
    assert (
        found["buffer"]["tuples"] == 2
        and found["upload"]["interval"] == 300
        and found["upload"]["last_ok_age"] is None
    )
    source = {
        "source": "kernel",
        "source_text": "the kernel says that the clock is synchronised",
        "settled": True,
    }
    assert found["clock"] == {
        "time": T0 + 1000,
        "believed": True,
        **source,
        "behind": 0,
        "jumps": 0,
    }
    assert KEY not in body.decode()


def test_the_claim_code_is_shown_until_it_is_claimed():
    house = House()
    assert re.fullmatch("[A-Z2-7]{8}", json.loads(get("/status", house=house)[2])["claim"])
    house.sender.uploader.claimed = True
    assert json.loads(get("/status", house=house)[2])["claim"] is None


def test_the_claim_code_follows_the_claim_number():
    house = House()
    first = json.loads(get("/status", house=house)[2])["claim"]
    house.sender.uploader.claim_number = 1
    given_on = json.loads(get("/status", house=house)[2])["claim"]
    assert given_on == claim_code(house.settings.device, house.settings.key, 1) != first


def test_where_to_claim_is_told_once_the_server_has_answered_as_one_that_knows():
    def told():
        found = json.loads(get("/status", house=house)[2])
        assert found["upload"]["server"] == "a.b.c/d"
        return found["claim"], found["upload"]["claim_url"]

    house = House()
    house.settings = house.settings._replace(base_url="https://a.b.c/d/")
    house.sender.uploader.server_time = T0
    assert told()[1] is None  # not registered: a server of others has no such page
    house.sender.registrar._todo = []
    code, url = told()
    assert url == "https://a.b.c/d/claim/" + code + "/"
    house.sender.uploader.server_time = None
    assert told() == (code, None)
    house.sender.uploader.server_time, house.sender.uploader.claimed = T0, True
    assert told() == (None, None)


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
        name.endswith("_total")
        for name, kind in (line.split(" ")[2:4] for line in lines if line.startswith("# TYPE"))
        if kind == "counter"
    )


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.outside = []

    def handle_starttag(self, tag, attrs):
        self.outside += [
            value for name, value in attrs if name in ("src", "href") and not value.startswith("/")
        ]


def test_the_page_is_small_and_needs_nothing_from_outside():
    status, headers, body = get("/")
    assert (status, headers["content-type"], body) == (200, "text/html; charset=utf-8", PAGE)
    assert "default-src 'none'" in headers["content-security-policy"]
    assert len(PAGE) < 12000 and b"viewport" in PAGE
    tags = Tags()
    tags.feed(PAGE.decode())
    assert tags.outside == []
    assert [url for url in re.findall(rb"https?://[^\"']+", PAGE) if b"www.w3.org" not in url] == []


def test_cors_preflight_head_and_other_methods():
    status, headers, body = get(
        "/sensor/" + POWER,
        "Origin: http://x",
        "Access-Control-Request-Method: GET",
        method="OPTIONS",
    )
    assert (
        status,
        body,
        headers["access-control-allow-methods"],
        headers["access-control-allow-origin"],
    ) == (204, b"", "GET", "*")

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


@given(
    st.lists(
        st.text(max_size=30).map(lambda text: text.encode())
        | st.sampled_from(
            [
                b"version=1.0",
                b"interval=minute",
                b"unit=watt",
                b"callback=f",
                b"%",
                b"%2",
                b"=&=",
                b";",
            ]
        ),
        max_size=5,
    )
)
@settings(deadline=None, max_examples=60)
def test_any_query_is_answered(parts):
    house = House()
    house.lan = Lan(house)
    target = b"/sensor/" + POWER.encode() + b"?" + b"&".join(parts).replace(b" ", b"+")
    answer, keep = house.lan._server._respond(b"GET " + target + b" HTTP/1.1", "x")
    assert int(answer[9:12]) in (200, 400, 414) and b"Content-Length: " in answer
    assert keep or not answer.startswith(b"HTTP/1.1 200")

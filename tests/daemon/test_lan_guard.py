# SPDX-License-Identifier: GPL-3.0-or-later
"""What a web page may ask of the LAN API: anybody's page readings, and nothing else."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso import lan_guard
from tests.daemon.lan_client import ask, serve
from tests.daemon.lan_house import DEVICE, POWER, House

READING = "/sensor/" + POWER
PRIVATE = [
    "/status",
    "/metrics",
    "/",
    "/nothing",
    "/sensor",
    "/favicon.ico",
    "/?version=1.0",
    "/%73ensor/" + POWER,
    "//sensor/" + POWER,
]
FOREIGN = [
    ("Origin: http://evil.example",),
    ("Origin: null",),
    ("Origin: http://localhost",),  # whoever says where it comes from is not our page
    ("Origin:",),
    ("Sec-Fetch-Site: cross-site",),
    ("sec-fetch-site:cross-site", "Sec-Fetch-Mode: navigate"),
    ("Sec-Fetch-Site: Cross-Site",),
    ("Sec-Fetch-Site: none, cross-site",),
    ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"),
    ("Sec-Fetch-Site: same-site",),
]


def one(target, *headers, host="Host: localhost", house=None, method="GET"):
    """Return (status, headers, body) of one request whose Host line is the test's."""
    lines = ["{} {} HTTP/1.1".format(method, target), *([host] if host else []), *headers, "", ""]
    return serve(lambda port: ask(port, "\r\n".join(lines).encode("latin-1")), house)[0]


def assert_refused(answer):
    status, headers, body = answer
    assert status == 403 and headers["content-type"].startswith("text/plain") and len(body) > 20
    assert "access-control-allow-origin" not in headers
    assert (
        headers["x-frame-options"] == "DENY"
        and "frame-ancestors 'none'" in headers["content-security-policy"]
    )


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("target", PRIVATE)
def test_nothing_but_readings_is_for_another_page(target, headers):
    assert_refused(one(target, *headers))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_no_other_method_says_more(method):
    async def client(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = (
            "{} /status HTTP/1.1\r\nHost: localhost\r\nOrigin: "
            "http://evil.example\r\nConnection: close\r\n\r\n"
        )
        writer.write(request.format(method).encode())
        data = await reader.read()
        writer.close()
        return data

    head = serve(client).partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 403 ") and b"Access-Control" not in head


@pytest.mark.parametrize("headers", [*FOREIGN, ()])
@pytest.mark.parametrize("host", ["Host: evil.example", "Host: localhost", "Host: a b", None])
def test_readings_are_for_every_page_under_every_name(headers, host):
    status, found, body = one(READING, *headers, host=host)
    assert status == 200 and len(json.loads(body)) == 60
    assert found["access-control-allow-origin"] == "*"
    assert not {"x-frame-options", "cross-origin-resource-policy", "content-security-policy"} & set(
        found
    )


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Sec-Fetch-Site: none",),
        ("Sec-Fetch-Site: same-origin",),
        ("Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: navigate"),
    ],
)
@pytest.mark.parametrize("target", ["/", "/status", "/metrics"])
def test_our_own_page_curl_and_scrapers_are_answered(target, headers):
    status, found, _ = one(target, *headers)
    assert status == 200 and "access-control-allow-origin" not in found
    assert (
        found["x-frame-options"] == "DENY"
        and "frame-ancestors 'none'" in found["content-security-policy"]
    )
    assert found["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "query",
    [
        "callback=f",
        "jsonp_callback=f",
        "%63allback=f",
        "callback",
        "x=1&callback=",
        "callback=alert(1)",
    ],
)
@pytest.mark.parametrize("target", ["/status", "/metrics", "/"])
def test_nothing_but_readings_is_given_to_a_callback(target, query):
    assert_refused(one(target + "?" + query))


OURS = [
    "127.0.0.1",
    "192.168.1.20:8080",
    "[::1]",
    "[fe80::a00:27ff:fe4e:66a1]:8080",
    "[::ffff:192.168.1.20]:80",
    "localhost",
    "LocalHost:8080",
    "localhost.",
    "meter",
    "METER:8080",
    "meter.local",
    "meter.local.:8080",
    "meter.lan",
    "meter.home.example",
    "flukso-" + DEVICE[:6],
    "flukso-" + DEVICE[:6] + ".local:8080",
    "flukso-" + DEVICE[:6] + ".lan",
]
NOT_OURS = [
    "evil.example",
    "meter.evil.example",
    "meter.local.evil.example",
    "evil.local",
    "localhost.evil.example",
    "evil.localhost",
    "lan",
    "local",
    ".local",
    "192.168.1.20.evil.example",
    "192.168.1",
    "192.168.1.256",
    "0x7f.0.0.1",
    "1.2.3.4.5",
    "2130706433",
    "[::1",
    "[evil.example]",
    "[]",
    "::1",
    "[::1]x",
    "[::1]evil.example",
    "localhost:80:80",
    "localhost:80x",
    "localhost:123456",
    "user@localhost",
    "localhost/",
    "local host",
    "localhost, evil.example",
    "lo\xe7alhost",
    "a" * 300,
    "",
]


@pytest.mark.parametrize("name", OURS)
def test_a_name_that_is_ours(name):
    assert one("/status", host="Host: " + name)[0] == 200


@pytest.mark.parametrize("name", [*NOT_OURS, None])
def test_a_name_that_is_not_ours(name):
    assert_refused(one("/status", host=None if name is None else "Host: " + name))


def test_two_hosts_are_refused_whatever_is_asked():
    for target in ("/status", READING):
        assert one(target, "Host: evil.example")[0] == 400


def test_the_configured_name_and_a_lease_that_brings_another_domain():
    house = House()
    house.settings = house.settings._replace(lan_name="Meter.Example.org")
    assert one("/status", host="Host: meter.example.org:8443", house=house)[0] == 200
    assert one("/status", host="Host: meter.example.com", house=house)[0] == 403
    house = House()
    assert one("/status", host="Host: meter.fritz.box", house=house)[0] == 403
    house.port.files["/tmp/resolv.conf.d/resolv.conf.auto"] = (
        b"# Interface lan\nnameserver 192.168.178.1\nsearch fritz.box\n"
    )
    assert one("/status", host="Host: meter.fritz.box", house=house)[0] == 200


def test_a_machine_that_tells_nothing_is_known_by_address_and_announced_name():
    house = House()
    house.port.files = {"/etc/resolv.conf": b"\xff\xfe search"}
    assert one("/status", host="Host: 10.0.0.1", house=house)[0] == 200
    assert one("/status", host="Host: flukso-" + DEVICE[:6] + ".local", house=house)[0] == 200
    assert one("/status", host="Host: meter", house=house)[0] == 403


def test_a_host_name_with_its_domain():
    found = lan_guard.names(
        "Meter.Home.example\n", "flukso-abcdef", "", ["lan", ".", "", "bad name"]
    )
    assert found == {
        *("meter", "meter.local", "meter.home.example", "meter.lan"),
        *(
            "flukso-abcdef",
            "flukso-abcdef.local",
            "flukso-abcdef.home.example",
            "flukso-abcdef.lan",
        ),
    }


def test_the_domains_of_a_resolver_file():
    assert lan_guard.search_domains(
        "domain a.b\nsearch c d.e\n#search f\nnameserver 1.1.1.1\nsearch\n search g"
    ) == [
        "a.b",
        "c",
        "d.e",
        "g",
    ]


@given(st.text(max_size=60) | st.text(alphabet="[]:.0123456789abflocht", max_size=30))
def test_any_host_is_a_name_or_none(text):
    name = lan_guard.host_name(text)
    assert name is None or (name == name.lower() and name and " " not in name)
    if name is not None and not name.startswith("["):
        assert ":" not in name

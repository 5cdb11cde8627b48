# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients of docs/guide/lan.md: what each sends, byte for byte, and how it reads the answer.

Requests follow the clients' published sources, and the HTTP library that each uses, as it was at
the time.
"""

from collections import namedtuple

from tools.compat.readers import any_page, by_evaluating, by_splitting, called, rows

# name: as in docs/guide/lan.md. lines: of one request; {id} is the sensor's, {host} the device's
# address and port. sensors: which it asks, in this order ("" is none). times: over and over on the
# same connection. kept: whether the connection stays open, by what it sends
Client = namedtuple("Client", ("name", "lines", "reads", "sensors", "times", "kept"))

WATT = "?version=1.0&interval=minute&unit=watt"
POWER, WATER, GAS, NONE = "power", "water", "gas", ""
FIREFOX = "User-Agent: Mozilla/5.0 (X11; Ubuntu; Linux i686; rv:13.0) Gecko/20100101 Firefox/13.0"
SCRIPT = (
    "Accept: */*",
    "Accept-Language: en",
    "Accept-Encoding: gzip, deflate",
    "Connection: keep-alive",
    "Referer: http://192.168.1.9/energy.html",
)
CROSS = ("Sec-Fetch-Dest: script", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site")


def client(name, target, headers, reads=rows, sensors=(POWER,), version="1.1", times=1, kept=True):
    lines = ("GET {} HTTP/{}".format(target, version), *headers)
    return Client(name, lines, reads, sensors, times, kept)


CLIENTS = (
    client(
        "b4ckspace/flukso2mqtt",
        "/sensor/{id}" + WATT,
        (
            "Host: {host}",
            "User-Agent: python-requests/2.9.1",
            "Accept-Encoding: gzip, deflate",
            "Accept: */*",
            "Connection: keep-alive",
        ),
        sensors=(POWER, WATER, GAS),
    ),
    client(
        "mysmartgrid/libflukso",
        "/sensor/{id}?interval=minute&unit=watt",
        ("Host: {host}", "Accept: application/json", "X-Token: undefined", "X-Version: 1.0"),
        sensors=(POWER, WATER),
    ),
    client(
        "mysmartgrid/msg-flukso-localinterface",
        "/sensor/{id}",
        ("Accept: */*", "Host: {host}"),
        sensors=(POWER, WATER),
    ),
    client("raumzeitlabor/node-flukso", "/sensor/{id}", ("Connection: keep-alive",), times=5),
    client(
        "jrbenito/FluksoViz, at its start",
        "/",
        (
            "Host: {host}",
            "Connection: Keep-Alive",
            "User-Agent: Apache-HttpClient/UNAVAILABLE (java 1.4)",
        ),
        any_page,
        sensors=(NONE,),
    ),
    client(
        "jrbenito/FluksoViz",
        "/sensor/{id}" + WATT + "&callback=realtime",
        (
            "Host: {host}",
            "Connection: Keep-Alive",
            "User-Agent: Apache-HttpClient/UNAVAILABLE (java 1.4)",
        ),
        by_splitting,
    ),
    client(
        "0110/pythonflukso",
        "/sensor/{id}?unit=watt&interval=minute&version=1.0",
        (
            "Accept-Encoding: identity",
            "Host: flukso:8080",
            "Connection: close",
            "User-Agent: Python-urllib/2.6",
        ),
        kept=False,
    ),
    client(
        "gebhardm/energyhacks",
        "/sensor/{id}" + WATT,
        (
            "Host: {host}",
            "accept-encoding: gzip, deflate",
            "accept: application/json",
            "user-agent: Python-httplib2/0.8 (gzip)",
        ),
        sensors=(POWER, POWER, WATER),
        times=2,
    ),
    client("hopfkons/RFlukso", "/sensor/{id}" + WATT, ("Host: {host}", "Accept: */*")),
    client(
        "abollaert/flukso-client",
        "/sensor/{id}?version=1.0&interval=minute&unit=lperday",
        (
            "Host: {host}",
            "Connection: Keep-Alive",
            "User-Agent: Apache-HttpClient/4.2.1 (java 1.5)",
        ),
        sensors=(GAS, WATER),
    ),
    client(
        "chaosdorf/dashpi",
        "/sensor/{id}" + WATT + "&callback=realtime",
        (
            "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
            "Accept: */*",
            "User-Agent: Ruby",
            "Host: {host}",
        ),
        called("realtime"),
    ),
    client(
        "a plugin on aiohttp",
        "/sensor/{id}?version=1.0&unit=watt&interval=minute",
        (
            "Host: {host}",
            "Accept: */*",
            "Accept-Encoding: gzip, deflate",
            "User-Agent: Python/3.5 aiohttp/1.3.3",
        ),
        by_evaluating,
        sensors=(POWER, WATER),
    ),
    client(
        "a display on Qt",
        "/sensor/{id}?unit=watt&interval=minute&version=1.0",
        (
            "Connection: Keep-Alive",
            "Accept-Encoding: gzip",
            "Accept-Language: en,*",
            "User-Agent: Mozilla/5.0",
            "Host: {host}",
        ),
        times=3,
    ),
    client(
        "curl",
        "/sensor/{id}" + WATT,
        ("User-Agent: curl/7.19.7 (i486-pc-linux-gnu)", "Host: {host}", "Accept: */*"),
    ),
    client(
        "curl, for water",
        "/sensor/{id}?version=1.0&interval=minute&unit=lperday",
        ("User-Agent: curl/7.19.7 (i486-pc-linux-gnu)", "Host: {host}", "Accept: */*"),
        sensors=(WATER, GAS),
    ),
    client(
        "a page's script element",
        "/sensor/{id}" + WATT + "&jsonp_callback=get_sensor_data",
        ("Host: {host}", FIREFOX, *SCRIPT),
        called("get_sensor_data"),
    ),
    client(
        "jQuery",
        "/sensor/{id}"
        + WATT
        + "&callback=jQuery17106523049927875236_1340000000000&_=1340000000123",
        ("Host: {host}", FIREFOX, *SCRIPT, *CROSS),
        called("jQuery17106523049927875236_1340000000000"),
        sensors=(POWER, WATER),
    ),
    client(
        "AngularJS",
        "/sensor/{id}" + WATT + "&callback=angular.callbacks._0",
        ("Host: {host}", FIREFOX, *SCRIPT, *CROSS),
        called("angular.callbacks._0"),
    ),
    client(
        "a page's XMLHttpRequest",
        "/sensor/{id}" + WATT,
        ("Host: flukso.local:8080", FIREFOX, "Origin: http://192.168.1.9", *SCRIPT),
        times=2,
    ),
    client(
        "Python 2's urllib",
        "/sensor/{id}" + WATT,
        ("Host: {host}", "User-Agent: Python-urllib/1.17"),
        version="1.0",
        kept=False,
    ),
    client(
        "PHP's file_get_contents",
        "/sensor/{id}" + WATT,
        ("Host: {host}",),
        version="1.0",
        kept=False,
    ),
    client(
        "Perl's LWP",
        "/sensor/{id}?interval=minute&unit=watt",
        (
            "TE: deflate,gzip;q=0.3",
            "Connection: TE, close",
            "Host: {host}",
            "User-Agent: libwww-perl/5.834",
            "X-Version: 1.0",
        ),
        kept=False,
    ),
    client(
        "wget",
        "/sensor/{id}" + WATT,
        (
            "User-Agent: Wget/1.12 (linux-gnu)",
            "Accept: */*",
            "Host: {host}",
            "Connection: Keep-Alive",
        ),
        version="1.0",
    ),
    client("a sketch on a microcontroller", "/sensor/{id}" + WATT, (), version="1.0", kept=False),
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN API on the whole chain: the slides' own example, and a client that never lets go."""

import json
import socket
import urllib.error
import urllib.request

import pytest

from tools.harness.chain import SENSORS, WALL_S
from tools.harness.processes import free_port

# what the project's slides show as an answer for one minute, in W
SLIDE_W = [
    *(
        125,
        125,
        127,
        125,
        126,
        128,
        130,
        129,
        128,
        127,
        125,
        135,
        124,
        124,
        125,
        127,
        125,
        124,
        125,
        124,
    ),
    *(
        125,
        126,
        125,
        126,
        126,
        127,
        127,
        125,
        126,
        124,
        125,
        124,
        127,
        127,
        131,
        126,
        128,
        127,
        127,
        125,
    ),
    *(
        124,
        127,
        125,
        125,
        126,
        127,
        124,
        123,
        126,
        126,
        125,
        125,
        125,
        126,
        125,
        126,
        124,
        124,
        124,
        124,
    ),
]
BEFORE_S = 20  # the daemon starts meanwhile
LAN = "config settings daemon\n\toption enable_lan_branch '1'\n\toption lan_port '{}'\n"
QUERY = "?version=1.0&interval=minute&unit=watt&jsonp_callback=get_sensor_data"
CALLBACK = "get_sensor_data("


def slide_trace():
    rows = ["ts,watt", "0,{}".format(SLIDE_W[0])]
    rows += ["{},{}".format(BEFORE_S + n, watt) for n, watt in enumerate(SLIDE_W)]
    return "\n".join(rows) + "\n{},{}\n".format(BEFORE_S + 200, SLIDE_W[-1])


@pytest.fixture(params=["cpython", "micropython"])
def served(request, household):
    """A household on the LAN that replays the slides' minute; its base URL."""
    chain = household(trace=slide_trace(), runtime=request.param)
    port = free_port()
    chain.configure(extra=LAN.format(port))
    chain.start()
    return chain, "http://127.0.0.1:{}".format(port)


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def between(value, n, load):
    """Within 1 W of this second's load, or between it and a neighbour's: the seconds are not in
    step.
    """
    near = [load[k] for k in (n - 1, n, n + 1) if 0 <= k < len(load)]
    return any(min(load[n], other) - 1 <= value <= max(load[n], other) + 1 for other in near)


def test_reads_back_the_minute_of_the_slides(served):
    chain, base = served
    chain.run(BEFORE_S + len(SLIDE_W) - 0.2 + 0.9)
    kind, text = get(base + "/sensor/" + SENSORS[0] + QUERY)
    assert kind == "application/javascript"
    assert text.startswith(CALLBACK) and text.endswith(")") and " " not in text
    rows = json.loads(text[len(CALLBACK) : -1])
    assert len(rows) == 60
    stamps = [stamp for stamp, _ in rows]
    assert stamps == list(range(stamps[0], stamps[0] + 60))
    load = [SLIDE_W[0]] * BEFORE_S + SLIDE_W
    shift = min(
        (0, 1, 2),
        key=lambda by: sum(abs(w - load[min(ts - WALL_S - by, len(load) - 1)]) for ts, w in rows),
    )
    wrong = [
        (ts, w) for ts, w in rows if not between(w, min(ts - WALL_S - shift, len(load) - 1), load)
    ]
    assert not wrong, (shift, wrong)


def test_board_is_polled_while_clients_hang(served):
    """Fifty connections that say nothing, or half a request, hold up neither the polls nor a decent
    client.
    """
    chain, base = served
    port = int(base.rsplit(":", 1)[1])
    chain.run(5)
    hanging = [socket.create_connection(("127.0.0.1", port), 2) for _ in range(50)]
    for link in hanging[::2]:
        link.sendall(b"GET /sensor/" + SENSORS[0].encode())
    chain.run(10)
    for link in hanging[:20]:
        link.close()
    kind, text = get(base + "/sensor/" + SENSORS[0] + "?version=1.0&interval=minute&unit=watt")
    assert kind == "application/json" and json.loads(text)[-1][0] >= WALL_S + 12
    for link in hanging:
        link.close()
    assert chain.stop() == 0, chain.log()


REFUSED = [
    ("version", "?version=2.0&interval=minute&unit=watt", 400),
    ("interval", "?version=1.0&interval=hour&unit=watt", 400),
    ("unit", "?version=1.0&interval=minute&unit=lperday", 400),
    ("callback", "?version=1.0&interval=minute&unit=watt&jsonp_callback=alert(1)", 400),
]


def test_answers_as_the_protocol_says(served):
    chain, base = served
    chain.run(6)
    for name, query, status in REFUSED:
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(base + "/sensor/" + SENSORS[0] + query)
        assert refused.value.code == status and refused.value.read(), name
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(base + "/sensor/" + "f" * 32)
    assert refused.value.code == 404
    assert json.loads(get(base + "/sensor/" + SENSORS[0])[1])
    status = json.loads(get(base + "/status")[1])
    assert status["sensors"]
    assert "# TYPE" in get(base + "/metrics")[1]
    page = get(base + "/")[1]
    assert (
        "<html" in page.lower()
        and "http://" not in page.replace("http://www.w3.org", "")
        and "https://" not in page
    )

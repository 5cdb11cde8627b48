# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address is asked and for how long, when a kept connection is asked anew, and that an answer
belongs to its request.
"""

import asyncio

import pytest

from flukso.exchange import ADDRESSES_MAX, Addresses, Exchange
from flukso.http import Closed
from flukso.https import CERTIFICATE, PROTOCOL, UNREACHABLE, HttpsError

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{"response":"ok"}'
NO = b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"


class Way:
    """Addresses whose servers a test scripts: each is a list of connections, each connection a list
    of pieces that come after a request.

    A connection that is a number of seconds swallows that much time, or all that it is given, and
    fails; an error is raised.
    """

    def __init__(self, servers, host="a.test", port=443):
        self.host, self.port = host, port
        self.servers = servers
        self.now = 0.0
        self.tried = []
        self.links = []

    def monotonic(self):
        return self.now

    async def addresses(self):
        return list(self.servers)

    async def connect(self, address, share_s):
        self.tried.append((address, share_s))
        script = self.servers[address]
        script = script.pop(0) if isinstance(script, list) else script
        if isinstance(script, float):
            self.now += min(script, share_s)
            raise HttpsError(UNREACHABLE, "no answer")
        if isinstance(script, HttpsError):
            raise script
        self.links.append(Link(script))
        return self.links[-1]


class Link:
    """Its script: what lies on the connection before anything is asked; then for each request the
    pieces that come.
    """

    def __init__(self, script):
        self.first, *self.answers = script
        self.pieces = [self.first] if self.first is not None else []
        self.written = []
        self.held_back = []
        self.rtt_s = 0.01
        self.whole = True
        self.closed = False

    async def write(self, data):
        assert not self.closed
        self.written.append(data)
        self.pieces += self.answers.pop(0) if self.answers else [b""]

    async def read(self):
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def early(self, seconds):
        if not self.pieces and seconds:  # now the server's machine sends what it held back
            self.pieces, self.held_back = self.held_back, []
        return self.pieces[0] if self.pieces else None

    def sent(self):
        return self.whole

    def close(self):
        self.closed = True


def ask(exchange, body=b"x", seconds=30.0):
    way = exchange._way
    return asyncio.run(exchange.request("POST", "/p", {}, body, way.now + seconds))


def new(servers, **options):
    return Exchange(Way(servers, **options), Addresses())


def test_the_connection_is_kept():
    exchange = new({"a": [[None, [OK], [NO], [OK]]]})
    assert [ask(exchange).status for _ in range(3)] == [200, 400, 200]
    assert len(exchange._way.links) == 1


def test_the_host_header_names_a_port_that_is_not_the_usual_one_and_brackets_ipv6():
    for host, port, want in (
        ("a", 443, b"Host: a\r\n"),
        ("a", 80, b"Host: a:80\r\n"),
        ("::1", 8443, b"Host: [::1]:8443\r\n"),
    ):
        exchange = new({"a": [[None, [OK]]]}, host=host, port=port)
        ask(exchange)
        assert want in exchange._way.links[0].written[0]


STRAYS = [  # what the first connection's server sends for the first request beyond its answer
    ("at-once", [OK + OK]),
    ("in-a-record-of-its-own", [OK, OK]),
    ("half-an-answer", [OK + b"HTTP"]),
    ("a-byte", [OK, b"\n"]),
    ("the-end", [OK, b""]),
]


@pytest.mark.parametrize("pieces", [pytest.param(pieces, id=name) for name, pieces in STRAYS])
def test_what_remains_after_an_answer_ends_the_connection(pieces):
    exchange = new({"a": [[None, pieces, [OK]], [None, [NO]]]})
    assert ask(exchange).status == 200
    assert exchange._way.links[0].closed
    assert ask(exchange).status == 400  # of the new connection


def test_what_comes_between_two_requests_ends_the_connection():
    for stray in (OK, b"x", b""):
        exchange = new({"a": [[None, [OK]], [None, [NO]]]})
        ask(exchange)
        first = exchange._way.links[0]
        first.pieces = [stray]
        assert ask(exchange).status == 400
        assert len(first.written) == 1 and first.closed


def test_what_a_server_s_machine_holds_back_is_waited_for():
    exchange = new({"a": [[None, [OK]], [None, [NO]]]})
    ask(exchange)
    exchange._way.links[0].held_back = [OK]
    assert ask(exchange).status == 400


def test_a_request_that_comes_late_waits_for_nothing():
    exchange = new({"a": [[None, [OK], [NO]]]})
    ask(exchange)
    exchange._way.now += 10
    exchange._way.links[0].held_back = [OK]  # it would have come long ago
    assert ask(exchange).status == 400 and len(exchange._way.links) == 1


def test_a_server_that_answers_before_it_is_asked_is_believed_nothing():
    exchange = new({"a": [[OK, [OK]], [None, [NO]]]})
    with pytest.raises(HttpsError) as caught:
        ask(exchange)
    assert caught.value.kind == PROTOCOL and "before it is asked" in str(caught.value)
    assert exchange._way.links[0].written == []
    assert ask(exchange).status == 400


def test_an_answer_that_comes_before_the_request_is_there_is_believed_nothing():
    exchange = new({"a": [[None, [OK]], [None, [NO]]]})
    way = exchange._way
    connect = way.connect

    async def half(address, share_s):
        link = await connect(address, share_s)
        link.whole = len(way.links) > 1
        return link

    way.connect = half
    with pytest.raises(HttpsError) as caught:
        ask(exchange)
    assert caught.value.kind == PROTOCOL and "before it has the request" in str(caught.value)
    assert ask(exchange).status == 400


def test_interim_answers_are_passed_over():
    exchange = new(
        {
            "a": [
                [
                    None,
                    [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n" + NO],
                    [OK],
                ]
            ]
        }
    )
    assert [ask(exchange).status for _ in range(2)] == [400, 200]


@pytest.mark.parametrize("end", [b"", Closed("connection reset")])
def test_a_kept_connection_that_has_ended_is_asked_anew_once(end):
    exchange = new({"a": [[None, [OK], [end]], [None, [OK]], [None, [end]], [None, [OK]]]})
    assert [ask(exchange).status for _ in range(2)] == [200, 200]
    exchange.close()
    with pytest.raises(Closed):  # a new one that ends is no kept one grown old
        ask(exchange)
    assert ask(exchange).status == 200


def test_an_answer_that_is_cut_is_not_asked_anew():
    exchange = new({"a": [[None, [OK], [OK[:20], Closed("connection reset")]], [None, [NO]]]})
    ask(exchange)
    with pytest.raises(HttpsError) as caught:
        ask(exchange)
    assert "in the middle" in str(caught.value) and len(exchange._way.links) == 1


def test_a_black_hole_takes_its_share_of_the_time_and_no_more():
    exchange = new({"six": 1e9, "four": [[None, [OK], [OK]], [None, [OK]]]})
    way = exchange._way
    assert ask(exchange).status == 200
    assert way.now == 10 and way.tried == [("six", 10.0), ("four", 20.0)]


def test_the_address_that_worked_is_asked_first_from_then_on():
    exchange = new(
        {"six": 1e9, "four": [[None, [OK, b""]], [None, [OK, b""]], 0.5, [None, [OK, b""]]]}
    )
    way = exchange._way
    for _ in range(2):
        ask(exchange)
    assert [address for address, _ in way.tried] == ["six", "four", "four"]
    way.servers["six"] = [[None, [NO, b""]], [None, [NO, b""]]]
    assert ask(exchange).status == 400  # it failed, so the other one is tried
    assert [address for address, _ in way.tried][3:] == ["four", "six"]
    ask(exchange)
    assert way.tried[-1][0] == "six"


def test_an_address_that_connects_and_then_stalls_comes_last_the_next_time():
    exchange = new({"six": [[None, [OK]]], "four": [[None, [NO]]]})
    way = exchange._way
    task = exchange._open(30.0)
    with pytest.raises(StopIteration):
        task.send(None)
    exchange.close()  # as the caller does when the time is over
    assert ask(exchange).status == 400
    assert [address for address, _ in way.tried] == ["six", "four"]


def test_only_so_many_addresses_are_tried_within_the_time():
    servers = {str(n): 1e9 for n in range(30)}
    exchange = new(servers)
    with pytest.raises(HttpsError) as caught:
        ask(exchange)
    assert caught.value.kind == UNREACHABLE
    assert len(exchange._way.tried) == ADDRESSES_MAX and exchange._way.now <= 30.01


def test_the_last_black_hole_of_many_leaves_time_for_an_answer():
    servers = {str(n): 1e9 for n in range(ADDRESSES_MAX - 1)}
    servers["good"] = [[None, [OK]]]
    exchange = new(servers)
    assert ask(exchange).status == 200
    assert exchange._way.now < 24


def test_of_several_failures_a_refused_certificate_is_said():
    exchange = new({"a": HttpsError(CERTIFICATE, "another name"), "b": 1.0})
    with pytest.raises(HttpsError) as caught:
        ask(exchange)
    assert caught.value.kind == CERTIFICATE


def test_no_address_is_a_name_that_cannot_be_resolved():
    with pytest.raises(HttpsError) as caught:
        ask(new({}))
    assert caught.value.kind == UNREACHABLE and "a.test" in str(caught.value)


def test_a_request_that_would_break_the_lines_is_not_sent():
    exchange = new({"a": [[None, [OK]]]})
    with pytest.raises(HttpsError):
        asyncio.run(exchange.request("POST", "/p", {"X": "a\r\nY: b"}, b"", 30.0))
    assert exchange._way.links == []

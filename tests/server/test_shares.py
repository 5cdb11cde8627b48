# SPDX-License-Identifier: GPL-3.0-or-later
"""Fair shares: one network cannot shut the others out, and a herd is spread over minutes.

Networks are those of 127/8, of which every address but 127.0.0.1 counts as any other.
"""

import contextlib
import socket
import sqlite3
import ssl
import threading

import pytest

from flukso_server.hot import limits
from flukso_server.hot.connection_states import STORE
from flukso_server.hot.http_connection import DeviceProtocol
from flukso_server.hot.requests import forwarded_from
from flukso_server.hot.shares import Rates, Shares
from flukso_server.hot.shut_out import ShutOut
from flukso_server.project.networks import NOWHERE, networks
from tests.server.connections import Quick, played
from tests.server.test_connection import UPLOAD
from tools.harness.device import DEVICE, KEY, SENSOR, Client
from tools.harness.testbed import Platform
from tools.harness.wait import wait_until

MOST = 60  # connections of the platform below; a home has 3 of them, a site 6, a block 30


@pytest.fixture
def small(tmp_path, certificates):
    with Platform(
        tmp_path,
        certificates / "good.pem",
        {DEVICE: KEY},
        {SENSOR: DEVICE},
        FLUKSO_CONNECTIONS_MAX=str(MOST),
    ) as running:
        yield running


class From(Client):
    """A client whose connection comes from this address."""

    def __init__(self, platform, certificates, address):
        super().__init__(platform.port, certificates / "ca.crt")
        self._connection.source_address = (address, 0)
        self._connection.host = "127.0.0.1"
        context = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        raw = socket.create_connection(("127.0.0.1", platform.port), 60, (address, 0))
        self._connection.sock = context.wrap_socket(raw, server_hostname="localhost")


def is_open(client) -> bool:
    """Whether the service has not closed this connection."""
    tls = client._connection.sock
    tls.settimeout(0.01)
    try:
        return tls.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_one_address_that_holds_all_it_may_leaves_room_for_others(small, certificates, minute):
    with contextlib.ExitStack() as held:

        def hold(address):
            return held.enter_context(From(small, certificates, address))

        greedy = [hold("127.1.0.1") for _ in range(40)]
        wait_until(lambda: sum(map(is_open, greedy)) == MOST // 20)
        with From(small, certificates, "127.200.0.1") as newcomer:
            assert newcomer.upload(SENSOR, [(minute, 1)]).status == 200
    assert "shut out: 127.1.0.1: an idle connection was closed" in small.log.read_text()


def test_when_the_table_is_full_the_idlest_of_the_largest_goes(small, certificates, minute):
    with contextlib.ExitStack() as held:

        def hold(address):
            return held.enter_context(From(small, certificates, address))

        quiet = hold("127.77.0.1")
        assert quiet.upload(SENSOR, [(minute, 1)]).status == 200
        homes = [f"127.{block}.{site}.1" for block in (1, 2) for site in range(15)]
        crowd = [hold(home) for home in homes for _ in range(2)]
        largest = hold("127.1.14.1")
        assert largest.upload(SENSOR, [(minute, 1)]).status == 200
        newcomers = [hold(f"127.{block}.0.1") for block in range(100, 104)]
        assert [each.upload(SENSOR, [(minute, 1)]).status for each in newcomers] == [200] * 4
        wait_until(lambda: sum(map(is_open, crowd)) <= MOST - len(newcomers))
        assert is_open(quiet), "the only one of its network stays"


def test_a_herd_is_spread_over_minutes_and_nothing_is_lost(small, certificates, minute):
    """All devices of an outage come back while the store is at work for somebody else."""
    herd, answers = 40, {}

    def send(number):
        with Client(small.port, certificates / "ca.crt") as client:
            answers[number] = client.upload(SENSOR, [(minute - number, 1000 - number)])

    with Client(small.port, certificates / "ca.crt") as client:
        assert client.upload(SENSOR, [(minute - 1000, 0)]).status == 200  # it is in the cache
    busy = sqlite3.connect(small.folder / "series.sqlite3.inbox", isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    threads = [threading.Thread(target=send, args=(number,)) for number in range(herd)]
    for thread in threads:
        thread.start()
    waiting = MOST // limits.WAITING_PART
    wait_until(lambda: len(answers) >= herd - waiting)
    busy.execute("ROLLBACK")
    busy.close()
    for thread in threads:
        thread.join()
    put_off = {number: said for number, said in answers.items() if said.status == 503}
    assert len(put_off) == herd - waiting
    away = [int(said.headers["Retry-After"]) for said in put_off.values()]
    assert all(limits.AWAY_MIN_S <= each <= limits.AWAY_MAX_S for each in away)
    assert len(set(away)) > len(away) // 2, "each comes back at a time of its own"
    assert "an upload was put off: the store is behind" in small.log.read_text()
    for number in put_off:
        send(number)
        assert answers[number].status == 200
    assert len(small.held(SENSOR)) == herd + 1


def test_a_network_that_asks_too_often_is_told_when_to_come_back(monkeypatch):
    monkeypatch.setattr(limits, "HOME_BURST", 3)
    monkeypatch.setattr(DeviceProtocol, "rates", Rates())

    async def play(connect, app):
        found = []
        for _ in range(5):
            protocol, transport = connect()
            protocol._place = networks("192.0.2.1")
            protocol.data_received(UPLOAD)
            found.append((protocol.state.answering is STORE, transport.answers()))
        assert [taken for taken, _said in found] == [True] * 3 + [False] * 2
        assert found[4][1] == [(429, {"error": "too many requests"})]
        assert b"Retry-After: " in transport.out and transport.closing
        protocol, transport = connect()
        protocol._place = networks("198.51.100.1")
        protocol.data_received(UPLOAD)
        assert protocol.state.answering is STORE, "another network has its own"

    played(play, Quick)


def test_behind_a_proxy_the_last_forwarded_address_counts(monkeypatch):
    """What the client itself wrote into X-Forwarded-For opens nothing, and shuts nobody out."""
    monkeypatch.setattr(limits, "HOME_BURST", 2)
    monkeypatch.setattr(DeviceProtocol, "rates", Rates())
    monkeypatch.setattr(DeviceProtocol, "behind_proxy", True)
    head, _, body = UPLOAD.partition(b"\r\n\r\n")

    async def play(connect, app):
        def taken(forwarded):
            protocol, _transport = connect()
            protocol.data_received(head + b"\r\nX-Forwarded-For: " + forwarded + b"\r\n\r\n" + body)
            return protocol.state.answering is STORE

        assert [taken(b"198.51.100.%d, 192.0.2.1" % n) for n in range(3)] == [True, True, False]
        assert taken(b"192.0.2.1, 192.0.2.7") and taken(b"2001:db8::1")

    played(play, Quick)


@pytest.mark.parametrize(
    "head, home",
    [
        (b"POST /a HTTP/1.1\r\nX-Real-IP: 192.0.2.1", "192.0.2.1"),
        (b"POST /a HTTP/1.1\r\nx-forwarded-for: 192.0.2.9, 192.0.2.1", "192.0.2.1"),
        (b"POST /a HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2", "0.0.0.0"),
        (b"POST /a HTTP/1.1\r\nX-Real-IP: nonsense", "0.0.0.0"),
        (b"POST /a HTTP/1.1\r\nX-Real-IP: 2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (b"POST /a HTTP/1.1\r\nX-Other: 192.0.2.1", ""),
    ],
)
def test_where_a_forwarded_request_came_from(head, home):
    assert forwarded_from(head + b"\r\n\r\n").home == home


@pytest.mark.parametrize(
    "address, wanted",
    [
        ("192.0.2.77", ("192.0.2.77", "192.0.2.0/24", "192.0.0.0/16")),
        ("::ffff:192.0.2.77", ("192.0.2.77", "192.0.2.0/24", "192.0.0.0/16")),
        ("2001:db8:1:2::3", ("2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32")),
        ("127.0.0.1", NOWHERE),
        ("::1", NOWHERE),
        ("testclient", NOWHERE),
    ],
)
def test_networks_of_an_address(address, wanted):
    assert networks(address) == wanted


class Idle:
    """A connection that has waited so long; None: an answer is due to it."""

    def __init__(self, idle_s):
        self.idle_s, self.closed = idle_s, False

    def idle_for(self, now):
        return self.idle_s

    def shut(self):
        self.closed = True


class Quiet(ShutOut):
    """Counts without an event loop."""

    def __init__(self):
        self.said = []

    def note(self, network, why, count=1):
        self.said.append((network, count))


def test_a_connection_to_which_an_answer_is_due_is_not_closed():
    told = Quiet()
    shares = Shares(2, told)
    place = networks("192.0.2.1")
    busy, idle, newcomer, late = Idle(None), Idle(5), Idle(0), Idle(0)
    assert shares.join(busy, place, 0) and told.said == []
    assert shares.join(idle, networks("198.51.100.1"), 0)
    assert not shares.join(newcomer, place, 0), "a home has one of two"
    assert not busy.closed and not idle.closed and told.said == [("192.0.2.1", 1)]
    shares.leave(newcomer)
    shares.leave(busy)
    assert shares.join(late, place, 0) and len(shares) == 2


def test_one_line_a_minute_says_who_was_shut_out(caplog):
    async def play(connect, app):
        told = ShutOut()
        for n in range(2000):
            told.note(f"192.0.{n % 250}.0/24", "too many requests")
        told.note("2001:db8::/48", "an idle connection was closed", 50)
        assert len(caplog.records) == 1
        told._timer.cancel()
        told.flush()
        assert len(caplog.records) == 2
        line = caplog.records[1].getMessage()
        assert "2049 in all" in line and "2001:db8::/48" in line and len(line) < 600
        for n in range(3000):
            told.note(f"10.{n % 250}.{n // 250}.0/24", "too many requests")
        assert len(told._counts) <= 1001
        told._timer.cancel()

    played(play)

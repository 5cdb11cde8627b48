# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of the field at the LAN API: every one that docs/guide/lan.md lists is answered as it
reads, on both interpreters.
"""

import pytest

from tools.compat import replay
from tools.compat.clients import CLIENTS
from tools.harness import ROOT


@pytest.fixture(scope="module", params=replay.RUNTIMES)
def address(request):
    with replay.house(request.param) as running:
        yield running


@pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
def test_a_client_reads_what_the_board_measures(address, client):
    outcome = replay.fare(client, address)
    assert not outcome.trouble
    assert outcome.requests == len(client.sensors) * client.times


WRONG = [
    (
        "unit",
        lambda one: one._replace(lines=(one.lines[0].replace("watt", "kwh"), *one.lines[1:])),
        "400",
    ),
    (
        "form",
        lambda one: one._replace(
            lines=(one.lines[0].replace("unit=watt", "unit=watt&callback=f"), *one.lines[1:])
        ),
        "Error",
    ),
    (
        "connection",
        lambda one: one._replace(kept=False, times=1, sensors=one.sensors[:1]),
        "keep-alive",
    ),
    ("figures", lambda one: one._replace(reads=lambda body: [(ts, 5) for ts in range(60)]), "5, 5"),
]


@pytest.mark.parametrize(
    "change, word", [pytest.param(change, word, id=name) for name, change, word in WRONG]
)
def test_a_client_that_is_served_badly_is_reported(address, change, word):
    assert word in replay.fare(change(CLIENTS[0]), address).trouble


def test_the_documentation_lists_them_all():
    text = (ROOT / "docs/guide/lan.md").read_text()
    table = text.partition("## Clients of the field")[2].partition("\n## ")[0]
    listed = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][
        2:
    ]
    assert listed == [client.name for client in CLIENTS]

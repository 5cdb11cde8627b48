# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a connection's states: each entry by itself, and as real connections walk them."""

import random

import pytest

from flukso_server.hot import limits
from flukso_server.hot.connection_states import (
    ANSWERING,
    CLOSED,
    OPEN,
    READING,
    STATES,
    Answering,
    Event,
    IllegalEvent,
    Reading,
    step,
)
from tests.server.connections import App, later, played, turn
from tests.server.test_connection import GET, HALF, UPLOAD

# What each event makes of each state; events that are not given are illegal.
WANTED = {
    "BETWEEN/IDLE": "HOLD HOLDING/IDLE, UPLOAD BETWEEN/STORE, BEGIN REQUEST/IDLE,"
    " START BETWEEN/APP, REFUSE DEAF/CLOSED, STOP DEAF/CLOSED",
    "HOLDING/IDLE": "HOLD HOLDING/IDLE, UPLOAD BETWEEN/STORE, BEGIN REQUEST/IDLE,"
    " REFUSE DEAF/CLOSED, STOP DEAF/CLOSED",
    "REQUEST/IDLE": "END BETWEEN/IDLE, START REQUEST/APP, REFUSE DEAF/CLOSED, STOP DEAF/CLOSED",
    "BETWEEN/APP": "BEGIN REQUEST/APP, ANSWER BETWEEN/IDLE, REFUSE DEAF/APP, STOP BETWEEN/APP",
    "REQUEST/APP": "END BETWEEN/APP, ANSWER REQUEST/IDLE, REFUSE DEAF/APP, STOP REQUEST/APP",
    "DEAF/APP": "ANSWER DEAF/CLOSED, STOP DEAF/APP",
    "BETWEEN/STORE": "BEGIN REQUEST/STORE, ANSWER BETWEEN/IDLE, REFUSE DEAF/STORE_LAST,"
    " STOP BETWEEN/STORE_LAST",
    "REQUEST/STORE": "END BETWEEN/STORE, ANSWER REQUEST/IDLE, REFUSE DEAF/STORE_LAST,"
    " STOP REQUEST/STORE_LAST",
    "BETWEEN/STORE_LAST": "BEGIN REQUEST/STORE_LAST, ANSWER DEAF/CLOSED, REFUSE DEAF/STORE_LAST,"
    " STOP BETWEEN/STORE_LAST",
    "REQUEST/STORE_LAST": "END BETWEEN/STORE_LAST, ANSWER DEAF/CLOSED, REFUSE DEAF/STORE_LAST,"
    " STOP REQUEST/STORE_LAST",
    "DEAF/STORE_LAST": "ANSWER DEAF/CLOSED, STOP DEAF/STORE_LAST",
    "DEAF/CLOSED": "STOP DEAF/CLOSED",
}
BY_NAME = {repr(state): state for state in STATES}


def test_these_are_all_states():
    assert set(BY_NAME) == set(WANTED) and repr(OPEN) == "BETWEEN/IDLE"


@pytest.mark.parametrize("name", WANTED)
@pytest.mark.parametrize("event", Event)
def test_each_event_in_each_state(name, event):
    wanted = dict(each.split() for each in WANTED[name].split(", ")) | {"CLOSE": "DEAF/CLOSED"}
    state = BY_NAME[name]
    if event.name in wanted:
        assert state.after[event] is BY_NAME[wanted[event.name]]
        assert step(state.reading, state.answering, event) is not None
    else:
        with pytest.raises(IllegalEvent, match=f"{event.name} in {name}"):
            state.after[event]
        assert step(state.reading, state.answering, event) is None


def test_every_entry_of_the_tables_counts():
    used = set()
    for state in STATES:
        for event in state.after:
            used |= {(event, state.reading), (event, state.answering)}
    for table, kind in ((READING, Reading), (ANSWERING, Answering)):
        entries = {(event, before) for event, row in table.items() for before in row}
        assert entries <= used and all(isinstance(each, kind) for _, each in entries)


class Recorded(dict):
    """The next states of one state; notes which of them are looked up."""

    seen: set[tuple[str, str]] = set()

    def __init__(self, state):
        super().__init__(state.after)
        self._name = repr(state)

    def __getitem__(self, event):
        assert event in self, f"{event.name} in {self._name}"
        self.seen.add((self._name, event.name))
        return super().__getitem__(event)


class Store(App):
    """Takes most small uploads, and answers /early before it has the body."""

    def __init__(self):
        super().__init__()
        self.declines = False

    async def __call__(self, scope, receive, send):
        if scope["path"] == "/early":
            await self.may_answer.wait()
            await self.answer(send)
        else:
            await super().__call__(scope, receive, send)

    def store_upload(self, connection, post):
        return not self.declines


LATE_S = 2 * limits.KEEP_ALIVE_S
CHUNKS = (GET, HALF, HALF[:25], b"x" * 99, b"x", b"\r\n", b"nonsense\r\n\r\n", UPLOAD, UPLOAD[:-3])
CHUNKS += (HALF.replace(b"/b", b"/early"), b"\r\n" * limits.HEAD_MAX)
CHUNKS += (UPLOAD[-3:], UPLOAD[-3:-2], GET + HALF, b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n")


class Walk:
    """One connection, to which anything happens."""

    def __init__(self, connect, app, dice: random.Random):
        self.protocol, self.transport = connect()
        self.app, self.dice = app, dice
        self.lost = False

    async def step(self) -> None:
        chosen = self.dice.random()
        protocol, app = self.protocol, self.app
        if chosen < 0.58:
            app.declines = self.dice.random() < 0.1
            protocol.data_received(self.dice.choice(CHUNKS))
        elif chosen < 0.75:
            if protocol.state.answering in (Answering.STORE, Answering.STORE_LAST):
                if self.dice.random() < 0.8:
                    protocol.answer_fast_upload(b"Content-Length: 0\r\n\r\n", protocol.loop.time())
                else:
                    protocol.fail_fast_upload()
            else:
                app.may_answer.set()
                await turn()
                app.may_answer.clear()
        elif chosen < 0.83:
            later(protocol, self.dice.choice((1, limits.REQUEST_S + 1, LATE_S)))
        elif chosen < 0.95:
            protocol.shutdown()
        elif chosen < 0.98:
            await turn()
        else:
            protocol.connection_lost(None)
            self.lost = True


def test_connections_walk_every_entry_and_no_other(monkeypatch):
    for state in STATES:
        monkeypatch.setattr(state, "after", Recorded(state))
    Recorded.seen.clear()
    dice = random.Random(1)

    async def play(connect, app):
        app.may_answer.clear()
        for _ in range(6000):
            walk = Walk(connect, app, dice)
            for _ in range(12):
                await walk.step()
                if walk.lost:
                    break
                assert walk.transport.closing or walk.protocol.state.answering is not CLOSED
            else:
                walk.protocol.connection_lost(None)
            assert repr(walk.protocol.state) == "DEAF/CLOSED"
            app.may_answer.set()
            await turn()
            app.may_answer.clear()

    played(play, Store)
    legal = {(name, event.name) for name, state in BY_NAME.items() for event in state.after}
    assert legal == Recorded.seen

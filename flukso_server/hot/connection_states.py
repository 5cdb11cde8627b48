# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a connection, and what each event makes of them; pure.

A connection has two states: what is being read from its client, and what is due to it. All that
changes them stands in the two tables below; hot/http_connection.py only says what happened.
"""

from enum import Enum


class _ByIdentity(Enum):
    __hash__ = object.__hash__  # Enum's own runs in Python, at each look into a table


class Reading(_ByIdentity):
    """What is being read from the client."""

    BETWEEN = "nothing of a request has come since the end of the last one"
    HOLDING = "a small upload is held until the rest of its body comes"
    REQUEST = "the parser is within a request"
    DEAF = "nothing is read any more"


class Answering(_ByIdentity):
    """What is due to the client."""

    IDLE = "nothing is due"
    APP = "the application is to answer a request"
    STORE = "an upload is to be answered when the store has it on disk"
    STORE_LAST = "as STORE, and the connection closes with that answer"
    CLOSED = "the connection is closed, or closes when the client has what was written"


class Event(_ByIdentity):
    """What happens to a connection."""

    HOLD = "a part of a small upload came"
    UPLOAD = "a small upload was complete, and went to the store"
    BEGIN = "the parser found the beginning of a request"
    END = "the parser found the end of a request"
    START = "the application was given a request"
    ANSWER = "the answer that was due has been written"
    REFUSE = "what the client sent is refused, or came too slowly"
    STOP = "the service stops"
    CLOSE = "the connection was closed or lost"


BETWEEN, HOLDING, REQUEST, DEAF = Reading
IDLE, APP, STORE, STORE_LAST, CLOSED = Answering
HOLD, UPLOAD, BEGIN, END, START, ANSWER, REFUSE, STOP, CLOSE = Event

# An event that a table names is legal in the states given there. One that it does not name leaves
# that table's state as it is.
READING = {
    HOLD: {BETWEEN: HOLDING, HOLDING: HOLDING},
    UPLOAD: {BETWEEN: BETWEEN, HOLDING: BETWEEN},
    BEGIN: {BETWEEN: REQUEST, HOLDING: REQUEST},
    END: {REQUEST: BETWEEN},
    START: {BETWEEN: BETWEEN, REQUEST: REQUEST},
    REFUSE: {BETWEEN: DEAF, HOLDING: DEAF, REQUEST: DEAF},
}
ANSWERING = {
    HOLD: {IDLE: IDLE},
    UPLOAD: {IDLE: STORE},
    START: {IDLE: APP},
    ANSWER: {APP: IDLE, STORE: IDLE, STORE_LAST: CLOSED},
    REFUSE: {IDLE: CLOSED, APP: APP, STORE: STORE_LAST, STORE_LAST: STORE_LAST},
    STOP: {IDLE: CLOSED, APP: APP, STORE: STORE_LAST, STORE_LAST: STORE_LAST, CLOSED: CLOSED},
    CLOSE: dict.fromkeys(Answering, CLOSED),
}


class IllegalEvent(RuntimeError):
    """The event cannot happen in this state: hot/http_connection.py has a defect."""


class State:
    """A pair of states; `after[event]` is the next one. Raises IllegalEvent for any other event."""

    __slots__ = ("after", "answering", "reading")

    def __init__(self, reading: Reading, answering: Answering):
        self.reading = reading
        self.answering = answering
        self.after: dict[Event, State] = _After(self)

    def __repr__(self) -> str:
        return f"{self.reading.name}/{self.answering.name}"


class _After(dict):
    def __init__(self, state: State):
        self._state = state

    def __missing__(self, event: Event):
        raise IllegalEvent(f"{event.name} in {self._state}")


def step(reading: Reading, answering: Answering, event: Event) -> tuple[Reading, Answering] | None:
    """Return the states after the event, as both tables have it; None if it is illegal."""
    try:
        reading = READING[event][reading] if event in READING else reading
        answering = ANSWERING[event][answering] if event in ANSWERING else answering
    except KeyError:
        return None
    if answering is CLOSED:
        reading = DEAF  # a request would get no answer
    elif reading is DEAF and answering is IDLE:
        answering = CLOSED  # the answer was the last one
    return reading, answering


def _link(first: tuple[Reading, Answering]) -> list[State]:
    """Make all states that are reached from the first one, linked by their events."""
    states = {first: State(*first)}
    waiting = [first]
    while waiting:
        pair = waiting.pop()
        for event in Event:
            after = step(*pair, event)
            if after is None:
                continue
            if after not in states:
                states[after] = State(*after)
                waiting.append(after)
            states[pair].after[event] = states[after]
    return list(states.values())


STATES = _link((BETWEEN, IDLE))
OPEN = STATES[0]  # of a new connection

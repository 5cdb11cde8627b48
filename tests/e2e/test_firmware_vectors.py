# SPDX-License-Identifier: GPL-3.0-or-later
"""The firmware in the simulator replays the vectors: every dialogue, and every message that it must
refuse without changing anything.
"""

import pytest

from tests.test_vectors import cases, load
from tools.fakes.oldmaster import OldMaster
from tools.harness.bus import Control, crc8
from tools.harness.chain import Simulator

COMMIT_US = 500_000
STATE = [
    "gh",
    "gp",
    "gw",
    "gb",
    *[what + "0{}".format(n) for what in ("ge", "gc", "gm", "gf") for n in range(6)],
]


@pytest.fixture
def master(tmp_path):
    simulator = Simulator(tmp_path)
    with Control(simulator.control_url) as control:
        control.ask("advance 0.2")
        control.ask("speed max")
        yield OldMaster(control)
    simulator.close()


def reply_to(master, message):
    """The reply's text; its frame must be right to the last byte."""
    read = master._turn(message.encode(), COMMIT_US)
    text = read[1 : read.index(b".u") - 2]
    assert read == b"l" + text + b"%02x.u" % crc8(text)
    return text.decode()


@pytest.mark.parametrize("case", cases("dialogues", "cases") + cases("dialogues_2_1", "cases"))
def test_dialogues(master, case):
    for message, reply in case["steps"]:
        assert reply_to(master, message) == reply


def test_refuses_what_the_vectors_say_and_changes_nothing(master):
    for number in range(5):
        master.ask("sc0{}00000{}00".format(number, number + 1))
    before = [master.ask(text) for text in STATE]
    for case in load("refusals")["cases"]:
        assert reply_to(master, case["send"]) == case["reply"], case["id"]
    assert [master.ask(text) for text in STATE] == before


@pytest.mark.parametrize("case", cases("control", "good"))
def test_knows_every_control_message(master, case):
    reply = reply_to(master, case["message"])
    if case["command"] == "ss":
        assert reply == "zy"
    else:
        assert reply.startswith(case["command"])

# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: what it understands, what it answers, its exit status."""

import pytest

from flukso import __main__ as cli
from flukso import version
from tests.fakes.clock import JumpingClock
from tests.unit.fake_board import FakeBoard
from tests.unit.fake_port import CONFIG, FakePort


@pytest.fixture
def port():
    clock = JumpingClock(1700000000.0)
    return FakePort(clock, FakeBoard(clock), None)


def board(port, capsys, line):
    port.clock._pump = None
    status = cli.run(["board"] + line.split() + ["--bus", "unix:/bus"], port)
    return status, capsys.readouterr().out.splitlines()


ANSWERS = [
    ("version", ["hardware 2.1", "firmware 2.0", "watchdog resets 0", "brown-outs 0"]),
    ("counters", ["1 0", "2 0", "3 0", "4 7", "5 0", "6 0"]),
    ("get hardware", ["2.1"]),
    ("get map", ["1 2 3 4 5 6"]),
    ("get counter 4", ["7"]),
    ("get enabled 1", ["1"]),
    ("get constant 1", ["5163.000"]),
    ("set constant 1 5163.5", ["5163.500"]),
    ("set map 1 1 1 4 - -", ["1 1 1 4 - -"]),
    ("set counter 2 4294967295", ["4294967295"]),
    ("set enabled 6 0", ["0"]),
]


@pytest.mark.parametrize("line, want", ANSWERS)
def test_board_commands(port, capsys, line, want):
    port.bus.counter[3] = 7
    assert board(port, capsys, line) == (0, want)
    assert port.bus.commits == (1 if line[:3] == "set" else 0)


def test_delta_shows_what_changed(port, capsys):
    port.bus.pulse(3, 2)
    status, lines = board(port, capsys, "delta")
    assert status == 0 and [line for line in lines if line[0] == "4"] == ["4 2 0 0 ms"]


def test_sync_says_what_it_changed(port, capsys):
    assert cli.run(["board", "sync", "--config", "/etc/flukso"], port) == 0
    assert "sensor 1 fraction 500" in capsys.readouterr().out
    port.clock._pump = None
    assert cli.run(["board", "sync", "--config", "/etc/flukso"], port) == 0
    assert capsys.readouterr().out == "in line already\n"


@pytest.mark.parametrize(
    "line",
    ["", "fly", "get", "get weather", "get counter", "get counter 0", "get counter 7", "get map 1", "set map 1 2 3", "set map 1 2 3 4 5 7",
     "set constant 1 65536", "set constant 1 x", "set enabled 1 2", "set counter 1 4294967296", "set counter 1 -1", "sync"],
)  # fmt: skip
def test_board_words_that_mean_nothing_change_nothing(port, capsys, line):
    with pytest.raises(ValueError):
        board(port, capsys, line)
    assert not port.bus.asked


def test_a_board_that_is_away_is_a_failure_with_a_sentence(port, capsys):
    port.bus.power = None
    assert board(port, capsys, "version")[0] == 1
    assert port.lines == [("err", "the device is away")]


WRONG = ["", "fly", "daemon", "daemon --config", "daemon --config x --speed 3", "daemon --config x y", "config", "config check",
         "daemon --config x --clock sun"]  # fmt: skip


@pytest.mark.parametrize("line", WRONG)
def test_wrong_command_lines_get_status_2_and_the_usage(line, capsys):
    assert cli.main(line.split()) == 2
    assert "usage" in capsys.readouterr().err


def test_config_check(port, capsys):
    assert cli.run(["config", "check", "/etc/flukso"], port) == 0
    port.files["/etc/flukso"] = (CONFIG + "optoin x y\nlist z").encode()
    assert cli.run(["config", "check", "/etc/flukso"], port) == 2
    said = capsys.readouterr().out.splitlines()[1:]
    assert [line.split(":")[0:2] for line in said] == [["flukso", str(CONFIG.count("\n") + n)] for n in (1, 2)]
    assert cli.run(["config", "check", "/missing"], port) == 2


def test_version_is_the_one_of_the_release(capsys):
    with open("VERSION", encoding="ascii") as file:
        assert file.read().strip() == version.VERSION
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out.strip() == version.VERSION
    assert version.number() == 100

# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: what it understands, what it answers, its exit status."""

import pytest

from flukso import __main__ as cli
from flukso import version
from tests.daemon.fake_board import FakeBoard
from tests.daemon.fake_port import CONFIG, FakePort
from tools.fakes.clock import JumpingClock


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
    ["", "fly", "get", "get weather", "get counter", "get counter 0", "get counter 7", "get map 1",
     "set map 1 2 3", "set map 1 2 3 4 5 7", "set constant 1 65536", "set constant 1 x",
     "set enabled 1 2", "set counter 1 4294967296", "set counter 1 -1", "sync"],
)  # fmt: skip
def test_board_words_that_mean_nothing_change_nothing(port, capsys, line):
    with pytest.raises(ValueError):
        board(port, capsys, line)
    assert not port.bus.asked


def test_a_board_that_is_away_is_a_failure_with_a_sentence(port, capsys):
    port.bus.power = None
    assert board(port, capsys, "version")[0] == 1
    assert port.lines == [("err", "the device is away")]


WRONG = [  # what was written, a word of what would be right
    ("", "a command is needed"),
    ("fly", "known are board, config, daemon"),
    ("deamon", "is daemon meant?"),
    ("daemon", "daemon needs --config FILE"),
    ("daemon --config", "--config needs a value"),
    ("daemon --config=", "--config needs a value"),
    ("daemon --config x --config y", "--config is given twice"),
    (
        "daemon --config x --speed 3",
        "known are --bus VALUE, --clock VALUE, --config VALUE, --detach, --pidfile VALUE",
    ),
    ("daemon --confg x", "is --config meant?"),
    ("daemon -c x", "no option -c"),
    ("daemon --config x y", "not y"),
    ("daemon --config x --detach=1", "--detach takes no value"),
    ("daemon --config x --clock sun", "--clock sun: a clock is system, or sim:URL"),
    ("daemon --config x --bus foo", "--bus foo: a bus is one of these URLs"),
    ("board --bus foo:bar version", "--bus foo:bar: a bus is one of these URLs"),
    ("board --bus unix: version", "--bus unix:: a bus is one of these URLs"),
    ("board version", "--bus URL says it, or --config FILE"),
    ("board --bus unix:x", "board needs a command: version, counters"),
    ("board --bus unix:x versoin", "is version meant?"),
    ("board --bus unix:x version 3", "takes nothing more, not 3"),
    ("board --bus unix:x get", "known names are brownouts"),
    ("board --bus unix:x get contsant 1", "is constant meant?"),
    ("board --bus unix:x get counter", "counter 1, for instance"),
    ("board --bus unix:x get counter 7", "from 1 to 6"),
    ("board --bus unix:x set map 1 2", "map 1 2 3 4 5 -"),
    ("board --bus unix:x sync", "sync needs --config FILE"),
    ("config", "config check FILE"),
    ("config check", "config check FILE"),
    ("config check x y", "config check FILE"),
    ("config chekc x", "is check meant?"),
    ("config /etc/config/flukso", "config check /etc/config/flukso"),
    ("provision /etc/config/flukso", "is --config /etc/config/flukso meant?"),
    ("version 3", "not 3"),
    ("help fly", "known are"),
    ("help board daemon", "one command"),
]


@pytest.mark.parametrize("line, right", WRONG)
def test_wrong_command_lines_get_status_2_and_what_would_be_right(line, right, capsys):
    assert cli.main(line.split()) == 2
    said = capsys.readouterr()
    assert not said.out and right in said.err.split("\n")[0] and "\nusage: flukso " in said.err


HELPS = ["help", "--help", "-h", "help help", "help --help"]
OF_COMMANDS = ["help {}", "{} --help", "{} -h", "{} x --help"]


@pytest.mark.parametrize("line", HELPS)
def test_help_is_on_standard_output(line, capsys):
    assert cli.main(line.split()) == 0
    said = capsys.readouterr()
    assert not said.err and said.out.startswith("usage: flukso ")


@pytest.mark.parametrize("form", OF_COMMANDS)
@pytest.mark.parametrize("command", sorted(set(cli.HELP) - {"help"}))
def test_each_command_has_its_help(command, form, capsys):
    assert cli.main(form.format(command).split()) == 0
    said = capsys.readouterr()
    assert said.out.startswith("usage: flukso " + command) and not said.err


def test_the_help_has_all_commands_and_all_options_of_each(capsys):
    assert set(cli.HELP) == set(cli.OPTIONS)
    for command, names in cli.OPTIONS.items():
        text = cli.usage(command)
        assert all("--" + name in text for name in names)
        assert cli.HELP[command][0] in cli.usage()


MISSING = [
    ("daemon --config {0}/none", 2, "{0}/none: there is no such file"),
    ("board --config {0}/none version", 2, "{0}/none: there is no such file"),
    ("board --bus unix:{0}/none version", 1, "there is no such file"),
    ("board --bus tty:{0}/none version", 1, "{0}/none: there is no such file"),
    ("board --bus spidev:/dev/spidev9.9 version", 1, "there is no such file"),
    ("board --bus tcp:127.0.0.1:1 version", 1, "nobody answers there"),
    ("board --bus tcp:x version", 2, "tcp:HOST:PORT"),
    ("board --bus unix:x --clock sim:unix:{0}/none version", 1, "there is no such file"),
    ("provision --config {0}/file/x", 1, "no folder"),
    ("provision --config {0}", 1, "it is a folder"),
]


@pytest.mark.parametrize("line, status, words", MISSING)
def test_what_the_system_refuses_is_said_in_words(line, status, words, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert cli.main(line.format(tmp_path).split()) == status
    said = "".join(capsys.readouterr())
    assert words.format(tmp_path) in said and "Errno" not in said and "Traceback" not in said


def test_config_check(port, capsys):
    port.files["/etc/ssl/certs/flukso.ca.crt"] = (
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
    )
    assert cli.run(["config", "check", "/etc/flukso"], port) == 0
    port.files["/etc/flukso"] = (CONFIG + "optoin x y\nlist").encode()
    assert cli.run(["config", "check", "/etc/flukso"], port) == 2
    said = capsys.readouterr().out.splitlines()[1:]
    assert [line.split(":")[0:2] for line in said] == [
        ["flukso", str(CONFIG.count("\n") + n)] for n in (1, 2)
    ]
    assert cli.run(["config", "check", "/missing"], port) == 2


def test_version_is_the_one_of_the_release(capsys):
    with open("VERSION", encoding="ascii") as file:
        assert file.read().strip() == version.VERSION
    for line in ("version", "--version", "-V"):
        assert cli.main([line]) == 0
        assert capsys.readouterr().out.strip() == version.VERSION
    assert version.number() == 100

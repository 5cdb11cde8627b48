# SPDX-License-Identifier: GPL-3.0-or-later
"""`flukso-flash update` gives the board the form of deltas that the router's release takes."""

import os
import subprocess

import pytest

from flukso.arguments import UsageError
from flukso.flash import cli
from tools.flash import walk
from tools.flash.station import COUNTERS, historic_chip
from tools.harness import ROOT
from tools.harness.simulator import FIRMWARE
from tools.harness.terminal import Terminal

RELEASES = [
    ("2.0", 18),
    ("2.1.7", 18),
    ("2.4.1", 18),
    ("2.4.2", 22),
    ("2.5", 22),
    ("2.5.0", 22),
    ("3.0.0", 22),
]
RUN_S = 60
ASKED = "Which release has the router"
INIT = """#!/bin/sh
[ "$1" != running ]
"""


@pytest.mark.parametrize("release, digits", RELEASES)
def test_the_form_follows_the_release(release, digits):
    assert cli.form_of(release) == digits
    for command in ("update", "recover"):
        assert cli.read([command, "--router-release", release])[2]["router-release"] == release


@pytest.mark.parametrize("release", ["", "2", "2.4.1.1", "x", "2.x", "-1.0", "2.4.", "r1234"])
def test_what_is_no_release_is_refused(release):
    assert cli.form_of(release) is None
    with pytest.raises(UsageError):
        cli.read(["update", "--router-release", release])


def on_terminal(board, *words, runtime="cpython") -> Terminal:
    """flukso-flash as somebody who sits there runs it."""
    command, env = board.command(*words, runtime=runtime)
    changed = [
        "{}={}".format(name, value) for name, value in env.items() if os.environ.get(name) != value
    ]
    return Terminal(["env", *changed, *command], board.folder)


@pytest.mark.parametrize(
    "layout, release, digits", [("declared-1", "2.1.7", 18), ("reversed-0", "2.5.0", 22)]
)
def test_a_historic_board_gets_the_form_of_its_router(station, layout, release, digits):
    board = station(historic_chip(layout, COUNTERS), layout)
    done = board.flash("update", FIRMWARE, "--router-release", release)
    assert done.returncode == 0 and "sends {} digits".format(digits) in done.stdout, done.stderr
    assert board.form() == digits and board.counters() == COUNTERS


def test_nobody_to_ask_leaves_the_form(historic):
    done = historic.flash("update", FIRMWARE)
    assert done.returncode == 0 and ASKED not in done.stdout and "keeps the form" in done.stdout
    assert historic.form() == 18


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_who_sits_there_is_asked_until_the_answer_is_a_release(historic, runtime):
    with on_terminal(historic, "update", FIRMWARE, runtime=runtime) as terminal:
        terminal.read_until(ASKED, RUN_S)
        terminal.press(b"the newest\n")
        terminal.read_until("a release is like", RUN_S)
        terminal.press(b"2.4.2\n")
        lines = terminal.finish(RUN_S)
        assert terminal.status == 0, lines
    assert historic.form() == 22 and historic.counters() == COUNTERS


def test_answers_that_are_no_release_do_nothing(historic):
    with on_terminal(historic, "update", FIRMWARE) as terminal:
        terminal.press(b"no\n" * cli.QUESTIONS_MAX)
        terminal.finish(RUN_S)
        assert terminal.status == cli.USAGE_WRONG
    assert historic.sessions == 0


def test_an_empty_answer_leaves_the_form(historic):
    with on_terminal(historic, "update", FIRMWARE) as terminal:
        terminal.read_until(ASKED, RUN_S)
        terminal.press(b"\n")
        terminal.finish(RUN_S)
        assert terminal.status == 0
    assert historic.form() == 18


def test_on_our_own_image_nothing_is_asked(historic):
    init, config = historic.folder / "init", historic.folder / "config"
    init.write_text(INIT)
    init.chmod(0o755)
    options = historic.options()
    config.write_text("config flash 'flash'\n\toption init '{}'\n".format(init))
    command, env = historic.command("update", FIRMWARE, options=options)
    changed = [
        "{}={}".format(name, value) for name, value in env.items() if os.environ.get(name) != value
    ]
    with Terminal(["env", *changed, *command], historic.folder) as terminal:
        lines = terminal.finish(RUN_S)
        assert terminal.status == 0 and not any(ASKED in line for line in lines), lines
    assert historic.form() == 22 and historic.counters() == COUNTERS


def test_a_recovery_gives_the_form_too(historic):
    walk.cut_in_write(historic, "power", 10)
    done = historic.flash("recover", "--router-release", "2.5.0")
    assert done.returncode == 0, done.stderr
    assert historic.form() == 22 and historic.counters() == COUNTERS


def test_without_a_bus_the_image_must_have_the_form(historic):
    options = historic.options()
    options[options.index("--bus") + 1] = "none"
    refused = historic.flash("update", FIRMWARE, "--router-release", "2.5.0", options=options)
    assert (
        refused.returncode == cli.REFUSED
        and "flukso-spi-22.hex" in refused.stderr
        and historic.sessions == 0
    )
    words = ["make", "-s", "-C", ROOT / "avr", "firmware", "VARIANT=-form", "EXTRA=-DFORM=22"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    done = historic.flash(
        "update",
        ROOT / "avr/build/spi-form/flukso.hex",
        "--router-release",
        "2.5.0",
        options=options,
    )
    assert done.returncode == 0, done.stderr
    assert historic.form() == 22 and historic.counters() == COUNTERS

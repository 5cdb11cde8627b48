# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be done is said in a sentence and by the exit status, and nothing is written to the
chip.
"""

import errno
import json
import os
import signal
import subprocess
import sys

import pytest

from flukso.flash import cli
from flukso.ports import cpython
from tools import avrdude_wrap
from tools.flash.images import versioned
from tools.flash.station import COUNTERS
from tools.flash.walk import start
from tools.harness.simulator import FIRMWARE

HOLDER = (
    "import fcntl,sys,time\n"
    "file=open(sys.argv[1],'r+')\n"
    "fcntl.lockf(file,fcntl.LOCK_EX)\n"
    "print('held',flush=True)\n"
    "time.sleep(60)"
)


def untouched(board) -> bool:
    chip = board.chip
    return (
        chip.erases == chip.page_writes == chip.eeprom_writes == chip.fuse_writes == 0
        and board.counters() == COUNTERS
    )


@pytest.fixture(params=["cpython", "micropython"])
def runtime(request):
    return request.param


def test_no_avrdude(station, runtime):
    board = station()
    done = board.flash("update", FIRMWARE, runtime=runtime, PATH="/nonexistent")
    assert done.returncode == cli.EXITS["missing"] and "not installed" in done.stderr, done.stderr
    assert untouched(board)


def test_no_programmer(station, runtime):
    board = station()
    options = board.options()
    options[options.index("-P") + 1] = "net:127.0.0.1:1"
    done = board.flash("update", FIRMWARE, runtime=runtime, options=options)
    assert done.returncode == cli.EXITS["device"] and untouched(board), done.stderr


def test_no_spi_device(station, tmp_path, runtime):
    board = station()
    options = board.options()
    options[options.index("--bus") + 1] = "spidev:/dev/spidev77.7"
    done = board.flash("update", FIRMWARE, runtime=runtime, options=options)
    assert (
        done.returncode == cli.EXITS["device"]
        and "/dev/spidev77.7" in done.stderr
        and untouched(board)
    )


@pytest.mark.parametrize("what", ["device", "lock"])
def test_another_process_has_the_board(station, tmp_path, runtime, what):
    board = station()
    options = board.options()
    path = tmp_path / "spidev0.0"
    if what == "device":
        options[options.index("--bus") + 1] = "spidev:{}".format(path)
    else:
        (board.folder / "run").mkdir()
        path = board.folder / "run/lock"
    path.touch()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True
    ) as holder:
        holder.stdout.readline()
        done = board.flash("update", FIRMWARE, runtime=runtime, options=options)
        holder.kill()
    assert (
        done.returncode == cli.LOCKED
        and "process {} ({}".format(holder.pid, sys.executable) in done.stderr
    ), done.stderr
    assert untouched(board)


def test_a_damaged_image_is_named_with_its_line(station, tmp_path, runtime):
    board = station()
    lines = FIRMWARE.read_text().splitlines()
    lines[6] = lines[6][:-1] + ("0" if lines[6][-1] != "0" else "1")
    (tmp_path / "damaged.hex").write_text("\n".join(lines))
    done = board.flash("update", tmp_path / "damaged.hex", runtime=runtime)
    assert done.returncode == cli.BAD_IMAGE and "damaged.hex: line 7: checksum" in done.stderr
    assert untouched(board) and board.sessions == 0


REFUSALS = [
    ("other-board", lambda: versioned(2, 1, "uart"), (), "uart board"),
    ("wrong-board", FIRMWARE.read_bytes, ("--board", "uart"), "not for uart"),
]


@pytest.mark.parametrize(
    "text, words, said", [pytest.param(*row[1:], id=row[0]) for row in REFUSALS]
)
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_an_image_that_does_not_fit(station, tmp_path, text, words, said, force):
    board = station()
    (tmp_path / "new.hex").write_bytes(text())
    done = board.flash("update", tmp_path / "new.hex", *words, *force)
    assert done.returncode == cli.REFUSED and said in done.stderr, done.stderr
    assert untouched(board)


def test_hardware_2_2_is_left_alone_even_by_force(station):
    board = station()

    async def put(line):
        await line.ask("sh", 2, 2)
        await line.ask("ct")

    import asyncio

    asyncio.run(board._ask(put))
    done = board.flash("update", FIRMWARE, "--force")
    assert done.returncode == cli.REFUSED and "2.2" in done.stderr and untouched(board)


def test_a_chip_that_is_too_small(station):
    board = station()
    board.chip.signature = b"\x1e\x92\x05"
    done = board.flash("update", FIRMWARE, "--force")
    assert (
        done.returncode == cli.EXITS["signature"] and "ATmega48" in done.stderr and untouched(board)
    )


def test_the_disk_is_full(station, monkeypatch, capsys):
    board = station()

    def full(path, data, mode=0o600, user=None):
        with open(path + ".new", "wb") as file:
            file.write(data[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cpython, "write_durable", full)
    status = cli.main(["update", str(FIRMWARE), *board.options()])
    assert status == cli.BAD_BACKUP and "No space left" in capsys.readouterr().err
    assert untouched(board) and not list(board.folder.glob("board.backup*"))


def test_a_cell_that_does_not_take_its_bits(station, newer):
    board = station()

    def stuck(kind, address):
        if (kind, address) == ("flash", 0x400):
            board.chip.flash[0x400] = 0

    board.chip.hook = stuck
    done = board.flash("update", newer, "--json")
    error = json.loads(done.stdout.splitlines()[-1])
    assert (
        error["event"] == "error"
        and error["exit"] == done.returncode == cli.EXITS["verify"]
        and board.backup.exists()
    )
    assert board.flash("update", newer).returncode == cli.REFUSED  # the backup is not overwritten
    board.chip.hook = lambda kind, address: None
    assert board.flash("recover").returncode == 0 and board.counters() == COUNTERS


def test_an_avrdude_that_fails_otherwise(station, tmp_path, runtime):
    board = station()
    (tmp_path / "avrdude").write_text("#!/bin/sh\necho 'avrdude: the moon is too close'\nexit 3\n")
    (tmp_path / "avrdude").chmod(0o755)
    done = board.flash(
        "update", FIRMWARE, runtime=runtime, PATH="{}:{}".format(tmp_path, os.environ["PATH"])
    )
    assert done.returncode == cli.EXITS["failed"] and "the moon is too close" in done.stderr, (
        done.stderr
    )
    assert untouched(board) and not board.backup.exists()


def test_an_update_that_is_interrupted_from_the_keyboard(station, newer):
    board = station()
    tool = None

    def interrupt(kind, address):
        if address == 0x400:
            tool.send_signal(signal.SIGINT)

    board.chip.hook = interrupt
    tool = start(board, "cpython", "update", newer, "--force")
    text = tool.communicate(timeout=60)[0]
    assert tool.returncode == cli.INTERRUPTED and "recover" in text, text
    board.chip.hook = lambda kind, address: None
    assert board.flash("recover").returncode == 0 and board.counters() == COUNTERS


def test_nothing_to_recover(station):
    board = station()
    done = board.flash("recover")
    assert (
        done.returncode == cli.REFUSED and "nothing was cut off" in done.stderr and untouched(board)
    )


def test_a_damaged_backup(station):
    board = station()
    board.backup.write_bytes(b"{}\n")
    for words in (("recover",), ("update", FIRMWARE), ("restore", board.backup)):
        assert board.flash(*words).returncode == cli.BAD_BACKUP
    assert untouched(board)


RIGHT = [  # what was written, a word of what would be right
    ("", "a command is needed: auto, backup"),
    ("updat", "is update meant?"),
    ("backup", "backup needs a file: flukso-flash backup FILE"),
    ("backup a b", "one file alone, not a b"),
    ("info a", "options alone, not a"),
    ("info --bsu x", "is --bus meant?"),
    ("update x --board big", "one of auto, spi, uart"),
    ("update x --force=yes", "--force takes no value"),
    ("check x --board spi", "known are --json"),
    ("info --clock sun", "sim:URL"),
    ("info --config /none", "/none: there is no such file"),
    ("diff a", "two files"),
    ("merge a b", "two or more to be read"),
    ("diff a b --colour", "no option --colour"),
]


@pytest.mark.parametrize("line, right", RIGHT)
def test_what_would_be_right_is_said(line, right, capsys):
    assert avrdude_wrap.main(line.split()) == cli.USAGE_WRONG
    said = capsys.readouterr()
    assert not said.out and right in said.err.split("\n")[0] and "Errno" not in said.err


@pytest.mark.parametrize("command", [*sorted(set(cli.COMMANDS) - {"help"}), "diff", "merge"])
@pytest.mark.parametrize("form", ["help {}", "{} --help", "{} -h"])
def test_each_command_has_its_help(command, form, capsys):
    assert avrdude_wrap.main(form.format(command).split()) == cli.DONE
    said = capsys.readouterr()
    assert said.out.startswith("usage: flukso-flash ") and command in said.out and not said.err


def test_the_help_has_all_commands(capsys):
    assert avrdude_wrap.main(["help"]) == cli.DONE
    said = capsys.readouterr().out
    assert all(
        "\n  {} ".format(name) in said.replace("\n", " \n")
        for name in (*cli.COMMANDS, "diff", "merge")
    )


USAGE = [
    ("",),
    ("fly",),
    ("info", "what"),
    ("info", "--board", "spi"),
    ("update", "--board", "big"),
    ("update", "a", "b"),
    ("backup",),
    ("info", "--pins", "1,2,3"),
    ("info", "--pins", "1,2,3,x"),
    ("info", "--bus", "pigeon:1"),
    ("info", "--bus"),
    ("info", "--json", "--json"),
]


@pytest.mark.parametrize("words", USAGE)
def test_a_wrong_command_line(words, tmp_path, capsys):
    (tmp_path / "config").touch()
    given = [word for word in words if word] + (
        ["--config", str(tmp_path / "config")] if words[0] == "info" else []
    )
    assert cli.main(given) == cli.USAGE_WRONG
    assert capsys.readouterr().err.startswith("flukso-flash: ")

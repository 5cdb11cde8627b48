# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon is stopped for the programmer and started again, however the tool ends: by pid file, or by the router's init script."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flukso.flash import guardian
from tests.flash.station import COUNTERS

DAEMON = """import os, signal, sys, time
if os.fork():
    sys.exit()
os.setsid()
for handle in (0, 1, 2):
    os.dup2(os.open(os.devnull, os.O_RDWR), handle)
open(sys.argv[1], "w").write(str(os.getpid()) + "\\n")
open(sys.argv[2], "a").write(" ".join(sys.argv[3:]) + "\\n")
time.sleep(120)
"""
INIT = """#!/bin/sh
echo "$1" >>{folder}/calls
[ "$1" != running ] || [ -e {folder}/up ] || exit 1
[ "$1" != stop ] || rm {folder}/up
[ "$1" != start ] || touch {folder}/up
"""
SOON_S = 10


def number(path) -> int:
    return int(path.read_text())


@pytest.fixture
def daemon(tmp_path):
    """A stand-in daemon with a pid file; `runs` has a line a start."""
    (tmp_path / "daemon.py").write_text(DAEMON)
    pidfile, runs = tmp_path / "flukso.pid", tmp_path / "runs"
    subprocess.run([sys.executable, tmp_path / "daemon.py", pidfile, runs, "with 'odd' words", "$HOME"], check=True)
    wait_for(lambda: runs.exists() and pidfile.read_text().endswith("\n"))
    yield pidfile, runs
    with contextlib.suppress(OSError, ValueError):
        os.kill(number(pidfile), signal.SIGKILL)


def wait_for(condition):
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(pid: int) -> bool:
    """Also when nobody has asked yet how."""
    try:
        return "State:\tZ" in Path("/proc", str(pid), "status").read_text()
    except OSError:
        return True


def test_a_daemon_with_a_pid_file_is_started_again_as_it_was(station, newer, daemon):
    pidfile, runs = daemon
    before = number(pidfile)
    board = station()
    done = board.flash("update", newer, "--pidfile", pidfile)
    assert done.returncode == 0 and "stopping the daemon" in done.stdout, done.stderr
    wait_for(lambda: len(runs.read_text().splitlines()) == 2)
    assert set(runs.read_text().splitlines()) == {"with 'odd' words $HOME"}
    assert number(pidfile) != before and ended(before)
    assert board.counters() == COUNTERS


def test_it_is_started_again_when_the_tool_is_killed(station, newer, daemon):
    pidfile, runs = daemon
    board = station()
    board.chip.hook = lambda kind, address: os.kill(tool.pid, signal.SIGKILL) if address == 0x200 else None
    command, env = board.command("update", newer, "--pidfile", pidfile)
    tool = subprocess.Popen(command, stdout=subprocess.PIPE, env=env, cwd=board.folder)
    tool.communicate(timeout=60)
    wait_for(lambda: len(runs.read_text().splitlines()) == 2)
    assert board.backup.exists()


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_the_routers_service_is_stopped_and_started(station, newer, tmp_path, up, runtime):
    board = station()
    init = tmp_path / "init"
    init.write_text(INIT.format(folder=tmp_path))
    init.chmod(0o755)
    if up:
        (tmp_path / "up").touch()
    options = [str(word) for word in board.options()]
    (board.folder / "config").write_text("config flash 'flash'\n\toption init '{}'\n".format(init))
    assert board.flash("update", newer, runtime=runtime, options=options).returncode == 0
    assert (tmp_path / "calls").read_text().split() == (["running", "stop", "start"] if up else ["running"])
    assert (tmp_path / "up").exists() == up


def test_a_guardian_that_nobody_came_to_is_ended(station, tmp_path):
    """The tool was killed before it had opened the guardian's pipe."""
    board = station()
    run = board.folder / "run"
    run.mkdir()
    os.mkfifo(run / "old.fifo")
    (run / "guardian.sh").write_text(guardian.script(str(run / "old.fifo"), "/none", "/none", [], "", "", [], ""))
    with subprocess.Popen(["/bin/sh", run / "guardian.sh"]) as old:
        (run / "guardian.pid").write_text(str(old.pid))
        wait_for(lambda: b"guardian.sh" in Path("/proc", str(old.pid), "cmdline").read_bytes())
        done = board.flash("info")
        assert done.returncode == 0, done.stderr
        assert old.wait(SOON_S) == -signal.SIGKILL


def test_a_stale_pid_file_stops_nobody(station, tmp_path):
    board = station()
    (tmp_path / "flukso.pid").write_text("999999\n")
    done = board.flash("info", "--pidfile", tmp_path / "flukso.pid")
    assert done.returncode == 0 and "stopping" not in done.stdout


def test_a_driver_that_does_not_come_back_is_said(station, tmp_path):
    """The guardian's exit status is what the tool warns of."""
    text = guardian.script("/dev/null", "/none", "/none", [], str(tmp_path / "none"), "spi.0", [], "")
    assert subprocess.run(["/bin/sh", "-c", text], stderr=subprocess.DEVNULL).returncode == guardian.NOT_BOUND
    text = guardian.script("/dev/null", "/none", "/none", [], "", "", ["/none/daemon"], "")
    assert subprocess.run(["/bin/sh", "-c", text], stderr=subprocess.DEVNULL).returncode == guardian.NOT_STARTED


def test_words_of_the_guardian_are_quoted(tmp_path):
    words = ["touch", str(tmp_path / "a 'b' $c `d`")]
    text = guardian.script("/dev/null", "/none", "/none", [], "", "", words, str(tmp_path))
    assert subprocess.run(["/bin/sh", "-c", text]).returncode == 0 and os.path.exists(words[1])

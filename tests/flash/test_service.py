# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon is stopped for the programmer and started again, however the tool ends, by whoever has
it in hand; no pid file is believed.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flukso.flash import cli, guardian
from tools.flash.station import COUNTERS
from tools.harness import ROOT
from tools.harness.interpreters import interpreter
from tools.harness.processes import free_port
from tools.harness.wait import wait_until

VICTIM = """import sys, time
open(sys.argv[1], "a").write("begun\\n")
sys.stdout.write("up\\n")
sys.stdout.flush()
time.sleep(120)
"""
DAEMON = """config settings daemon
	option enable_wan_branch 0
	option lan_port {port}
	option bus unix:/none
	option state_dir {folder}/state
"""
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{folder}/calls
[ "$1" != is-active ] || [ -e {folder}/up ] || exit 3
[ "$1" != stop ] || rm {folder}/up
[ "$1" != start ] || touch {folder}/up
"""
INIT = """#!/bin/sh
echo "$1" >>{folder}/calls
[ "$1" != running ] || [ -e {folder}/up ] || exit 1
[ "$1" != stop ] || rm {folder}/up
[ "$1" != start ] || touch {folder}/up
"""
SOON_S = 10


@pytest.fixture
def victim(tmp_path):
    """A process of somebody else: (Popen, the file that has a line for each time that it was
    begun).
    """
    runs = tmp_path / "runs"
    (tmp_path / "victim.py").write_text(VICTIM)
    with subprocess.Popen(
        [sys.executable, tmp_path / "victim.py", runs, "flukso", "--config"], stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        yield process, runs
        process.kill()


@pytest.fixture(params=["cpython", "micropython"])
def daemon(request, tmp_path):
    """A real daemon that somebody has started by hand: (Popen, its pid file, its interpreter)."""
    path, pidfile = tmp_path / "flukso.conf", tmp_path / "flukso.pid"
    path.write_text(DAEMON.format(port=free_port(), folder=tmp_path))
    command, env = interpreter(request.param)
    command = [*command, "daemon", "--config", path]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    ) as process:
        process.stderr.readline()
        pidfile.write_text("{}\n".format(process.pid))
        yield process, pidfile, request.param
        process.kill()


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_a_pid_file_of_somebody_elses_process_ends_and_starts_nothing(
    station, newer, victim, tmp_path, runtime
):
    process, runs = victim
    pidfile = tmp_path / "flukso.pid"
    pidfile.write_text("{}\n".format(process.pid))
    board = station()
    done = board.flash("update", newer, "--pidfile", pidfile, runtime=runtime)
    assert done.returncode == 0 and "which is no flukso daemon: left alone" in done.stderr, (
        done.stderr
    )
    assert "stopping" not in done.stdout and process.poll() is None
    assert runs.read_text() == "begun\n" and board.counters() == COUNTERS


def test_a_daemon_that_nobody_has_in_hand_is_named_and_nothing_is_done(station, newer, daemon):
    process, pidfile, runtime = daemon
    board = station()
    done = board.flash("update", newer, "--pidfile", pidfile, runtime=runtime)
    assert done.returncode == cli.LOCKED, done.stdout + done.stderr
    assert (
        "process {}".format(process.pid) in done.stderr
        and "neither procd nor systemd" in done.stderr
    )
    assert process.poll() is None and board.chip.erases == 0 and not board.backup.exists()


LIES = [  # what a hostile pid file may hold
    "", "0", "-1", "1", "999999", "99999999999999999999", "12 34", "\0\0\0\0",
    "../self", "self", "$(reboot)", "1;2", "x" * 5000, "²", "١٢",
]  # fmt: skip


@pytest.mark.parametrize("text", LIES, ids=range(len(LIES)))
def test_whatever_a_pid_file_holds_nothing_is_ended(station, tmp_path, text):
    board = station()
    (tmp_path / "flukso.pid").write_text(text)
    done = board.flash("info", "--pidfile", tmp_path / "flukso.pid")
    assert done.returncode == 0 and "stopping" not in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["avrdude.pid", "guardian.pid"])
def test_its_own_pid_files_are_looked_at_too(station, victim, name):
    process, _ = victim
    board = station()
    (board.folder / "run").mkdir()
    (board.folder / "run" / name).write_text(str(process.pid))
    assert board.flash("info").returncode == 0
    assert process.poll() is None


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_systemds_service_is_stopped_and_started(station, newer, tmp_path, up, runtime):
    board = station()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL.format(folder=tmp_path))
    (tmp_path / "bin/systemctl").chmod(0o755)
    if up:
        (tmp_path / "up").touch()
    path = "{}:{}".format(tmp_path / "bin", os.environ["PATH"])
    options = [*board.options(), "--pidfile", str(tmp_path / "none")]
    assert board.flash("update", newer, runtime=runtime, options=options, PATH=path).returncode == 0
    calls = ["is-active --quiet flukso", *(["stop flukso", "start flukso"] if up else [])]
    assert (tmp_path / "calls").read_text().splitlines() == calls and (
        tmp_path / "up"
    ).exists() == up


def test_systemds_service_is_started_again_when_the_tool_is_killed(station, newer, tmp_path):
    board = station()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL.format(folder=tmp_path))
    (tmp_path / "bin/systemctl").chmod(0o755)
    (tmp_path / "up").touch()
    board.chip.hook = lambda kind, address: (
        os.kill(tool.pid, signal.SIGKILL) if address == 0x200 else None
    )
    command, env = board.command("update", newer)
    env["PATH"] = "{}:{}".format(tmp_path / "bin", env["PATH"])
    tool = subprocess.Popen(command, stdout=subprocess.PIPE, env=env, cwd=board.folder)
    tool.communicate(timeout=60)
    wait_until((tmp_path / "up").exists)
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
    assert (tmp_path / "calls").read_text().split() == (
        ["running", "stop", "start"] if up else ["running"]
    )
    assert (tmp_path / "up").exists() == up


def test_a_guardian_that_nobody_came_to_is_ended(station, tmp_path):
    """The tool was killed before it had opened the guardian's pipe."""
    board = station()
    run = board.folder / "run"
    run.mkdir()
    os.mkfifo(run / "old.fifo")
    (run / "guardian.sh").write_text(
        guardian.script(str(run / "old.fifo"), "/none", "/none", [], "", "", [])
    )
    with subprocess.Popen(["/bin/sh", run / "guardian.sh"]) as old:
        (run / "guardian.pid").write_text(str(old.pid))
        wait_until(lambda: b"guardian.sh" in Path("/proc", str(old.pid), "cmdline").read_bytes())
        done = board.flash("info")
        assert done.returncode == 0, done.stderr
        assert old.wait(SOON_S) == -signal.SIGKILL


def test_a_driver_that_does_not_come_back_is_said(station, tmp_path):
    """The guardian's exit status is what the tool warns of."""
    text = guardian.script("/dev/null", "/none", "/none", [], str(tmp_path / "none"), "spi.0", [])
    assert (
        subprocess.run(["/bin/sh", "-c", text], stderr=subprocess.DEVNULL).returncode
        == guardian.NOT_BOUND
    )
    text = guardian.script("/dev/null", "/none", "/none", [], "", "", ["/none/daemon"])
    assert (
        subprocess.run(["/bin/sh", "-c", text], stderr=subprocess.DEVNULL).returncode
        == guardian.NOT_STARTED
    )


def test_words_of_the_guardian_are_quoted(tmp_path):
    words = ["touch", str(tmp_path / "a 'b' $c `d`")]
    text = guardian.script("/dev/null", "/none", "/none", [], "", "", words)
    assert subprocess.run(["/bin/sh", "-c", text]).returncode == 0 and os.path.exists(words[1])

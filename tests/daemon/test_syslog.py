# SPDX-License-Identifier: GPL-3.0-or-later
"""The log by datagrams: the form that logd reads rightly, a log that is full, away, or started
anew; never a wait.
"""

import socket
import subprocess
import sys
import time

import pytest

from flukso.httpdate import utc
from flukso.ports import syslog
from tests.package.system_log import line_of
from tools.harness import ROOT
from tools.harness.interpreters import x86_runtime

WHEN = (2026, 12, 1, 9, 5, 7, 1, 335, 0)


@pytest.fixture
def listener(tmp_path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(tmp_path / "log"))
    sock.settimeout(10)
    yield sock
    sock.close()


def log_to(path):
    def connect():
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(str(path))
        return sock

    return syslog.Syslog(connect, lambda: WHEN, "flukso", 42)


@pytest.mark.parametrize(
    "level, name",
    [
        ("debug", "debug"),
        ("info", "info"),
        ("notice", "notice"),
        ("warning", "warn"),
        ("err", "err"),
    ],
)
def test_a_line_keeps_its_level_and_all_its_words(level, name):
    line = line_of(syslog.datagram(level, "flukso", 7, WHEN, "ab cd ef gh ij kl"))
    assert line == "daemon.{} flukso[7]: ab cd ef gh ij kl".format(name)


@pytest.mark.parametrize("month, name", [(1, "Jan"), (6, "Jun"), (12, "Dec")])
def test_the_date_has_the_length_that_the_log_leaves_out(month, name):
    wire = syslog.datagram("info", "flukso", 7, (2026, month, 9, 23, 59, 1), "x")
    assert wire == "<30>{}  9 23:59:01 flukso[7]: x".format(name).encode()


def test_a_long_line_is_cut_to_what_the_log_keeps():
    assert len(syslog.datagram("info", "flukso", 4194304, WHEN, "ä" * 2000)) < 1024


def test_a_full_log_is_not_waited_for_and_what_was_dropped_is_said(listener, tmp_path):
    log = log_to(tmp_path / "log")
    for number in range(100):
        assert log.write("info", "line {}".format(number))
    kept = 0
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            assert listener.recv(2000).endswith("line {}".format(kept).encode())
            kept += 1
    assert 0 < kept < 100
    assert log.write("info", "again")
    assert (
        "the system log was full: {} lines before this one were dropped".format(100 - kept)
        in listener.recv(2000).decode()
    )
    assert listener.recv(2000).endswith(b"again")
    assert log.write("info", "and on") and listener.recv(2000).endswith(b"and on")


def test_a_log_that_is_started_anew_is_found_again(listener, tmp_path):
    log = log_to(tmp_path / "log")
    assert log.write("info", "one")
    listener.close()
    assert not log.write("info", "two")
    (tmp_path / "log").unlink()
    assert not log.write("info", "three")
    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.bind(str(tmp_path / "log"))
    assert log.write("info", "four") and other.recv(2000).endswith(b"four")
    other.close()


PROGRAM = r"""
from flukso.ports import syslog, {port} as port, {port}_log as below
syslog.PATH = {path!r}
port.log_to_syslog()
port.log("warning", "tabs\t and lines\n, \u00e4")
syslog.PATH = {path!r} + "-not-there"
below._system_log[0].close()
port.log("err", "nobody listens")
"""


@pytest.mark.parametrize("port", ["cpython", "micropython"])
def test_both_ports_send_and_fall_back_to_stderr(listener, tmp_path, port):
    command = [sys.executable] if port == "cpython" else x86_runtime()
    program = PROGRAM.format(port=port, path=str(tmp_path / "log"))
    env = {"MICROPYPATH": ".frozen:" + str(ROOT), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "-c", program], capture_output=True, text=True, env=env, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "flukso: err: nobody listens\n")
    head, _, text = line_of(listener.recv(2000)).partition("]: ")
    assert head.startswith("daemon.warn flukso[") and text == "tabs? and lines?, \u00e4"


@pytest.mark.parametrize(
    "unix_s", [0, 951782399, 951782400, 1709164800, 1798761599, 1798761600, 4102444799, 4294967295]
)
def test_the_date_by_arithmetic_is_the_librarys(unix_s):
    assert utc(unix_s) == tuple(time.gmtime(unix_s)[:6])

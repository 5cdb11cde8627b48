# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines as a shell meets them, on both interpreters: terminals, pipes whose reader
goes, and no traceback.
"""

import os
import pty
import subprocess
import sys

import pytest

from flukso import uci
from tools.harness import ROOT
from tools.harness.interpreters import environment, x86_runtime

LIMIT_S = 60
PROGRAMS = {"flukso": "flukso", "flukso-flash": "flukso.flash"}
INTERPRETERS = {
    "cpython": lambda: [sys.executable, "-m"],
    "micropython": lambda: [*x86_runtime(), "-m"],
}
HELPS = (("help",), ("--help",), ("-h",), ("--version",), ("version", "--help"))


@pytest.fixture(params=sorted(INTERPRETERS))
def interpreter(request):
    return INTERPRETERS[request.param]()


@pytest.fixture(params=sorted(PROGRAMS))
def program(request, interpreter):
    return [*interpreter, PROGRAMS[request.param]]


def run(command, *words, **more):
    return subprocess.run(
        [*command, *words],
        cwd=ROOT,
        env=environment(),
        timeout=LIMIT_S,
        text=True,
        stdin=subprocess.DEVNULL,
        **more,
    )


@pytest.mark.parametrize("words", HELPS, ids=" ".join)
def test_help_and_version_are_on_standard_output(program, words):
    done = run(program, *words, capture_output=True)
    assert done.returncode == 0 and done.stdout and not done.stderr
    assert ("usage: " in done.stdout) == (words != ("--version",))


@pytest.mark.parametrize(
    "words", [(), ("fly",), ("info", "--no-such-option"), ("help", "fly")], ids=" ".join
)
def test_what_is_wrong_is_on_standard_error(program, words):
    done = run(program, *words, capture_output=True)
    assert (
        done.returncode == 2
        and not done.stdout
        and "usage: " in done.stderr
        and "Traceback" not in done.stderr
    )


@pytest.mark.parametrize("words", [("help",), ("version",)], ids=" ".join)
def test_a_reader_that_goes_is_met_in_silence(program, words):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = run(program, *words, stdout=gone, stderr=subprocess.PIPE)
    assert not done.stderr and done.returncode in (0, 1)


@pytest.mark.parametrize("words", [("help",), ("version",)], ids=" ".join)
def test_a_full_disk_is_said_without_a_traceback(program, words):
    with open("/dev/full", "w") as full:
        done = run(program, *words, stdout=full, stderr=subprocess.PIPE)
    assert (
        "Traceback" not in done.stderr
        and "Exception" not in done.stderr
        and "Errno" not in done.stderr
    )


def test_a_terminal_sees_the_same_help(program):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*program, "help"], cwd=ROOT, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 4096):
                said += part
        except OSError:
            pass  # the other end is closed
        assert process.wait(LIMIT_S) == 0
    os.close(ours)
    assert said.decode().replace("\r\n", "\n") == run(program, "help", capture_output=True).stdout


FILES = [
    ("flukso", ("config", "check", "/none"), 2),
    ("flukso.flash", ("restore", "/none"), 8),
    ("flukso.flash", ("check", "/none"), 9),
]


@pytest.mark.parametrize(
    "module, words, status", FILES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_missing_file_is_said_in_words(interpreter, module, words, status):
    done = run([*interpreter, module], *words, capture_output=True)
    assert done.returncode == status and "/none: there is no such file" in done.stdout + done.stderr
    assert "Errno" not in done.stdout + done.stderr


def test_a_configuration_is_checked_in_words(interpreter, tmp_path):
    ca, path = tmp_path / "ca.crt", tmp_path / "flukso"
    ca.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    text = (
        "config system\n\toption device {0}\n\toption key {0}\n"
        "config settings daemon\n\toption cacert {1}\n".format("0" * 32, ca)
    )
    path.write_text(text)
    done = run([*interpreter, "flukso"], "config", "check", "--", str(path), capture_output=True)
    assert (
        done.returncode == 0
        and "the certificate at line 1 is damaged: no server will be believed" in done.stdout
    )
    path.write_text("#\n" * 40000)
    said = run([*interpreter, "flukso"], "config", "check", str(path), capture_output=True).stdout
    assert said == f"{path}: is over {uci.FILE_MAX} bytes\n"
    path.write_text(
        "config settings main\n\toption phase 2\nconfig sensor 1\n\toption class analog\n\toption "
        "current\n"
    )
    said = run([*interpreter, "flukso"], "config", "check", str(path), capture_output=True).stdout
    assert "phase: 2 is none" in said and "current: it has no value" in said


def test_a_folder_in_place_of_the_configuration_is_named(interpreter, tmp_path):
    (tmp_path / "flukso").mkdir()
    done = run(
        [*interpreter, "flukso"],
        "provision",
        "--config",
        str(tmp_path / "flukso"),
        capture_output=True,
    )
    assert done.returncode == 1 and f"{tmp_path}/flukso: it is a folder, not a file" in done.stderr

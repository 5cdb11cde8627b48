# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of README.md and docs/ run as they stand there; those that cannot run in a test are
named, with the reason.
"""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.server.conftest import people_of
from tools.harness import ROOT
from tools.harness.device import DEVICE, KEY, SENSOR
from tools.harness.namespaces import unshare
from tools.harness.testbed import Platform

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = (
    "make|tools/\\S+|package/\\S+|\\./\\S+|python3?|curl|sqlite3|cd|for|sudo|scp|ssh"
    "|flukso|flukso-flash|flukso-server|fluksosim"
)
COMMAND = re.compile(rf"^    ((?:{PROGRAMS}) .*)$", re.M)
REMARK = re.compile(r"\s+# .*| {3,}.*")
# beginnings of lines that no test runs as they stand, and why
ELSEWHERE = {
    "make ": "takes minutes, or is what runs this test",
    "tools/setup.sh": "installs Debian's packages; every set-up runs it",
    "package/flukso-micropython/build.sh ": "a synopsis; every set-up runs it",
    "python3 tools/ipk.py ": "synopses; tests/package runs them",
    "fluksosim ": "a synopsis; tests/sim/test_options.py has each option",
    "flukso board ": "needs a board; tests/e2e/test_calibrate.py has a simulated one",
    "flukso-flash ": "needs a board on a programmer; tests/flash has a simulated one",
    "sudo ": "changes the machine",
    "python3 -m venv ": "downloads what it installs; tests/daemon/test_wheel.py installs the same",
    "curl 'http://flukso-": "needs a device on the LAN; `make compat` asks a daemon so",
    "scp ": "needs a router",
    "ssh ": "needs a router",
    "./scripts/feeds ": "of OpenWrt's own tree",
    "flukso-server createsuperuser": "asks at a terminal",
    "flukso-server held ": "a synopsis; the tests of the daemon ask so",
}


def commands() -> list[tuple[str, str]]:
    """(page, command without its remark) of all indented lines that are one."""
    found = [(page.name, line) for page in PAGES for line in COMMAND.findall(page.read_text())]
    return [(page, REMARK.sub("", line)) for page, line in found]


def here() -> list[str]:
    return [
        line for _page, line in commands() if not any(line.startswith(begin) for begin in ELSEWHERE)
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder like the repository's, in which files may be made, with the programs of the virtual
    environment.
    """
    folder = tmp_path_factory.mktemp("docs")
    for name in os.listdir(ROOT):
        if name not in ("build", "dist", ".cache", ".git"):
            (folder / name).symlink_to(ROOT / name)
    (folder / "home").mkdir()
    return folder


@pytest.fixture(scope="module")
def platform(place, certificates):
    # as an operator has it
    settings = {
        "FLUKSO_ALLOWED_HOSTS": "example.org,localhost",
        "FLUKSO_TESTING": "0",
        "FLUKSO_TEST_CLOCK": "",
    }
    with Platform(
        place / "data", certificates / "good.pem", {DEVICE: KEY}, {SENSOR: DEVICE}, **settings
    ) as running:
        (place / "home" / ".curlrc").write_text(
            f"connect-to = example.org:443:localhost:{running.port}\ninsecure\nfail-with-body\n"
        )
        (place / "old.csv").write_text("time,counter\n1767225600,1\n1767225660,2\n")
        (place / "boxes.csv").write_text(f"{'9' * 32},{'8' * 32},{'7' * 32}\n")
        (place / "server.pem").symlink_to(certificates / "good.pem")
        (place / "backup").mkdir()
        yield running


@pytest.fixture(scope="module")
def surroundings(place, platform):
    """As docs/guide/server.md has an operator set them."""
    told = {
        "TOKEN": people_of(platform)["alice-manage"],
        "ID": SENSOR,
        "BACKUP": str(place / "backup"),
        "HOME": str(place / "home"),
    }
    path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    return platform.environment | told | {"PATH": path, "PYTHONPATH": str(ROOT)}


def test_each_command_is_run_here_or_named_with_a_reason():
    lines = [line for _page, line in commands()]
    assert len(lines) > 40
    unused = [begin for begin in ELSEWHERE if not any(line.startswith(begin) for line in lines)]
    assert unused == []
    assert len(here()) >= 10, here()


def runs_on(line: str) -> bool:
    return line.startswith("flukso-server run")


@pytest.mark.parametrize(
    "line", [line for line in here() if not runs_on(line) and not line.startswith(("cd ", "for "))]
)
def test_a_command_runs_as_it_stands(place, surroundings, line):
    done = subprocess.run(
        ["bash", "-euc", line],
        cwd=place,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "error" not in done.stdout


def test_the_backup_is_made_by_the_lines_that_say_so(place, surroundings):
    lines = [line for line in here() if line.startswith(("cd ", "for "))]
    done = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        cwd=place,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert {"accounts.db", "series.sqlite3", "series.sqlite3.inbox"} <= set(
        os.listdir(place / "backup")
    )


@pytest.mark.parametrize("line", [line for line in here() if runs_on(line)])
def test_a_service_starts_as_it_stands(place, surroundings, line):
    """In a network of its own, where every port is free."""
    words = [*unshare("--net"), "bash", "-euc", f"ip link set lo up; exec {line}"]
    process = subprocess.Popen(
        words,
        cwd=place,
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stderr
    try:
        first = process.stdout.readline()
        assert first, process.stderr.read()
        assert json.loads(first)["port"] == int(line.split("--port ")[1].split()[0])
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def ask(place: Path, *words: str, **settings: str) -> subprocess.CompletedProcess:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FLUKSO_")}
    program = [str(ROOT / ".venv" / "bin" / "python"), "-m", "flukso_server", *words]
    return subprocess.run(
        program, cwd=ROOT, env=clean | settings, capture_output=True, text=True, timeout=120
    )


def test_what_is_not_set_is_said_in_one_line_with_all_its_names(tmp_path):
    for words in (("migrate",), ("run",)):
        done = ask(tmp_path, *words)
        assert done.returncode == 2 and done.stderr.count("\n") == 1
        assert all(
            name in done.stderr
            for name in ("FLUKSO_SECRET_KEY", "FLUKSO_DEVICE_KEY_SECRET", "FLUKSO_DATA_DIR")
        )


def test_a_database_without_tables_is_said_with_what_to_do(tmp_path):
    settings = {
        "FLUKSO_SECRET_KEY": "a" * 40,
        "FLUKSO_DEVICE_KEY_SECRET": "b" * 64,
        "FLUKSO_DATA_DIR": str(tmp_path),
    }
    done = ask(tmp_path, "run", "--port", "0", **settings)
    assert (
        done.returncode == 2
        and "flukso-server migrate" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_the_page_of_tokens_makes_those_that_the_documentation_uses(desk):
    assert desk.call("tests.server.inside.pages.scope_of_new_token", "manager") == "manage"

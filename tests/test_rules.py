# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that `make lint` holds: who imports whom, and the form of commits."""

import subprocess

import pytest

from tools.rules import Commit, commits_since, faults, foreign_imports

FORBIDDEN = [  # id, file, its text
    ("product-tests", "flukso/a.py", "from tests.vectors import x\n"),
    ("product-tools", "flukso_server/b/c.py", "def f():\n    import tools.harness\n"),
    ("daemon-platform", "flukso/ports/a.py", "import flukso_server\n"),
    ("tool-tests", "tools/a.py", "from tests import conftest\n"),
    ("simulator-tests", "avr/sim/a.py", "import os, tests.sim\n"),
    ("pasted", "tools/a.py", 'CODE = """\nimport os\nfrom tests.sim import board\n"""\n'),
    ("program", "tools/a.py", 'COMMAND = ["python", "-m", "tests.faults"]\n'),
]


@pytest.mark.parametrize(
    ("file", "text"), [pytest.param(file, text, id=name) for name, file, text in FORBIDDEN]
)
def test_a_forbidden_import_is_named(tmp_path, file, text):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text)
    [broken] = foreign_imports(tmp_path)
    assert broken.startswith(file + ":")


def test_what_is_allowed_is_not_named(tmp_path):
    for folder in ("tests", "tools", "flukso"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tests/test_a.py").write_text("import tools.a, flukso, tests.b, flukso_server\n")
    (tmp_path / "tools/a.py").write_text('"""Tells tests from tools."""\nimport flukso.spi\n')
    (tmp_path / "flukso/spi.py").write_text("from flukso import tools\nimport toolsmith\n")
    assert list(foreign_imports(tmp_path)) == []


COMMITS = [  # id, subject, body, files, part of what is said, or None
    ("good", "daemon: Say it", "", ["flukso/a.py", "tests/test_a.py"], None),
    ("changelog-alone", "avr: Say it", "", ["avr/core/a.c", "CHANGELOG.md"], None),
    ("reasoned", "avr: Reword it", "Comments alone.", ["avr/core/a.c"], None),
    ("no-product", "docs: Say it", "", ["docs/guide/lan.md"], None),
    ("longest", "lan: Say" + "x" * 64, "", [], None),
    ("too-long", "lan: Say" + "x" * 65, "", [], "73 characters"),
    ("no-area", "Say it", "", [], "area"),
    ("small-letter", "lan: say it", "", [], "area"),
    ("unproved", "server: Say it", "", ["flukso_server/a.py"], "CHANGELOG.md"),
]


@pytest.mark.parametrize(
    ("subject", "body", "files", "want"), [pytest.param(*row, id=name) for name, *row in COMMITS]
)
def test_the_form_of_a_commit_is_held(subject, body, files, want):
    said = list(faults(Commit("1234567", subject, body, files)))
    assert said == [] if want is None else [want in text for text in said] == [True]


def test_commits_are_read_from_the_history_alone(tmp_path):
    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", "-C", tmp_path, *identity, *words], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "of old, in any form")
    base = git("rev-parse", "HEAD")
    assert commits_since(tmp_path, base) == []
    (tmp_path / "flukso").mkdir()
    for name in ("a.py", "b c.py"):
        (tmp_path / "flukso" / name).write_text("")
    git("add", ".")
    git("commit", "-q", "-m", "daemon: Say it", "-m", "Two\n\nparagraphs.")
    [commit] = commits_since(tmp_path, base)
    assert commit[1:] == ("daemon: Say it", "Two\n\nparagraphs.", ["flukso/a.py", "flukso/b c.py"])
    assert commits_since(tmp_path, "0" * 40) is None, "a shallow clone lacks the base"
    assert commits_since(tmp_path / "flukso-not-there", base) is None

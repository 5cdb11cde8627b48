# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of CONTRIBUTING.md that a machine can hold: who imports whom, and the form of commits.

`python -m tools.rules` prints each break of a rule and ends with 1 if there is any.
"""

import ast
import re
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Folder -> what nothing in it may import. The daemon and the platform meet in docs/ and in vectors.
FOREIGN = {
    "flukso": {"flukso_server", "tests", "tools"},
    "flukso_server": {"flukso", "tests", "tools"},
    "avr": {"flukso", "flukso_server", "tests"},
    "package": {"tests", "tools"},
    "tools": {"tests"},
}
# the last commit that was made before these rules were held
BASE = "012a5558f69d492b9cd77591a077de2029c02c92"
SUBJECT_MAX = 72  # characters: what a list of commits shows of it
SUBJECT = re.compile(r"[a-z0-9_, /-]+: [A-Z].+")
PRODUCT = ("flukso/", "flukso_server/", "avr/core/", "avr/hw/", "package/")
PROOF = ("tests/", "CHANGELOG.md")

Commit = namedtuple("Commit", ("name", "subject", "body", "files"))


def main() -> int:
    broken = [*foreign_imports(ROOT)]
    commits = commits_since(ROOT, BASE)
    if commits is None:
        print("lint: commits: the history is not here, so none was checked")
    broken += [text for commit in commits or () for text in faults(commit)]
    for text in broken:
        print(text, file=sys.stderr)
    return int(bool(broken))


def foreign_imports(root: Path) -> Iterator[str]:
    """Yield a text for each import that FOREIGN forbids, in strings that hold Python too."""
    for folder, forbidden in FOREIGN.items():
        for path in sorted((root / folder).rglob("*.py")):
            for line, name in imported(ast.parse(path.read_text(), str(path))):
                if name.partition(".")[0] in forbidden:
                    yield f"{path.relative_to(root)}:{line}: imports {name}"


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, module) of each import, and of each `python -m` that is written as words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            for found in re.findall(r"^(tests(?:\.\w+)+)$", node.value):
                yield node.lineno, found
            for found in re.findall(r"^\s*(?:from|import) ([\w.]+)", node.value, re.MULTILINE):
                yield node.lineno, found


def commits_since(root: Path, base: str) -> list[Commit] | None:
    """Return the commits after base, without merges; None where git or base is missing."""
    command = ["git", "-C", root, "log", "--no-merges", "--name-only"]
    command += ["--format=%x1e%h%x1f%s%x1f%b%x1f", base + "..HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    if done.returncode:
        return None
    fields = [entry.split("\x1f") for entry in done.stdout.split("\x1e")[1:]]
    return [
        Commit(name, subject, body.strip(), files.split("\n")[2:-1])
        for name, subject, body, files in fields
    ]


def faults(commit: Commit) -> Iterator[str]:
    """Yield what the form of a commit lacks."""
    if len(commit.subject) > SUBJECT_MAX:
        yield f"{commit.name}: a subject of {len(commit.subject)} characters: {commit.subject}"
    if not SUBJECT.fullmatch(commit.subject):
        yield f"{commit.name}: the subject is not `area: Say what changes`: {commit.subject}"
    changed = any(name.startswith(PRODUCT) for name in commit.files)
    if changed and not commit.body and not any(name.startswith(PROOF) for name in commit.files):
        yield (
            f"{commit.name}: changes the product without a test or a line in CHANGELOG.md, and its "
            "body does not say why"
        )


if __name__ == "__main__":
    sys.exit(main())

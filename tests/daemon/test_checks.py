# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of tests/daemon/mpy/ on every interpreter there is: CPython, a stock MicroPython, our
own runtime.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.harness.interpreters import x86_runtime

MPY = Path(__file__).parent / "mpy"
BIN = Path(sys.executable).parent
INTERPRETERS = {
    "cpython": lambda: [sys.executable],
    "stock": lambda: [BIN / "micropython"],
    "ours": x86_runtime,
}
CHECKS = sorted(path.stem for path in MPY.glob("check_*.py"))
LIMIT_S = 120


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_checks(interpreter, check):
    command = [*INTERPRETERS[interpreter](), MPY / "run.py", check]
    environment = dict(os.environ, MICROPYPATH=":.frozen")
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, env=environment
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 failed" in result.stdout

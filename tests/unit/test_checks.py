# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of tests/unit/mpy/ on every interpreter there is: CPython, a stock MicroPython, our own runtime."""

import subprocess
import sys
from pathlib import Path

import pytest

MPY = Path(__file__).parent / "mpy"
OWN = Path(__file__).parents[2] / ".cache/micropython/x86/micropython"
INTERPRETERS = {"cpython": Path(sys.executable), "stock": Path(sys.executable).with_name("micropython"), "ours": OWN}
CHECKS = sorted(path.stem for path in MPY.glob("check_*.py"))
LIMIT_S = 120


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_checks(interpreter, check):
    if interpreter == "ours" and not OWN.exists():
        pytest.skip("our own runtime is not built: `make runtime`")
    command = [INTERPRETERS[interpreter], MPY / "run.py", check]
    result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 failed" in result.stdout

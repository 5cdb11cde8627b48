# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds and starts the interpreters that the daemon runs on, from the working tree."""

import os
import subprocess
import sys

from tools.harness import ROOT

BUILD = ROOT / "package/flukso-micropython/build.sh"
CACHE = ROOT / ".cache/micropython"


def build(*arguments: str) -> None:
    """Build the MicroPython of these words of build.sh, unless it is there already."""
    done = subprocess.run([BUILD, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def x86_runtime(program: str = "micropython") -> list[str]:
    """Build this machine's MicroPython and return the command that starts it.

    Modules are compiled at import, so the heap is larger than a router's.
    """
    build("x86")
    return [str(CACHE / "x86" / program), "-X", "heapsize=2m"]


def environment(**more: str) -> dict[str, str]:
    """Return a MicroPython's environment: it finds the tree's own modules after the frozen ones."""
    return {**os.environ, "MICROPYPATH": ".frozen:{}".format(ROOT), **more}


def interpreter(runtime: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that starts `flukso` on cpython or micropython, and its environment."""
    if runtime == "cpython":
        return [sys.executable, "-m", "flukso"], {}
    return [*x86_runtime(), "-m", "flukso"], environment()

# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpreters that are measured, and how a measured program is run on them."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.harness import ROOT

RELEASE = ROOT / ".cache/micropython/x86/flukso-micropython"
HEAP = "384k"  # of MicroPython; objects of a 64-bit machine take twice what a router's take
PROGRAMS = {
    "cpython": [sys.executable, "-O"],
    "micropython": [str(RELEASE), "-X", "heapsize=" + HEAP],
}


def build() -> None:
    """Make our runtime's release for this machine, with the daemon frozen in as on the router."""
    subprocess.run([ROOT / "package/flukso-micropython/build.sh", "--release", "x86"], check=True)


def environment() -> dict:
    """CPython finds the project; MicroPython has it built in, and finds the rest of the measured
    program.
    """
    return {**os.environ, "PYTHONPATH": str(ROOT), "MICROPYPATH": ".frozen:{}".format(ROOT)}


def measured(runtime: str, script: str, *arguments) -> dict:
    """Run a script of this folder; return the JSON of its last line with the CPU seconds (user and
    system) it took.
    """
    command = [
        *PROGRAMS[runtime],
        str(Path(__file__).parent / script),
        *[str(word) for word in arguments],
    ]
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, env=environment(), cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        raise SystemExit("{} on {} ended with {}".format(script, runtime, process.returncode))
    return {**json.loads(text.splitlines()[-1]), "cpu_s": round(usage.ru_utime + usage.ru_stime, 2)}


def report(name: str, runs: list) -> None:
    print("{}: {}".format(name, json.dumps({"runs": runs})))

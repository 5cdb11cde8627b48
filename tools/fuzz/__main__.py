# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.fuzz [--cases N] [--seed N] [--only TARGET…]`: fires at every parser on both
interpreters and compares what they say.

The last line is `fuzz: {"targets": […], "failed": n}`.
"""

import argparse
import json
import os
import subprocess

from tools.fuzz.run import BLOCK
from tools.fuzz.targets import TARGETS
from tools.harness import ROOT
from tools.harness.interpreters import interpreter

RUN_LIMIT_S = 3600
RUNTIMES = ("cpython", "micropython")  # of a target that does not name its own


def fire(runtime: str, name: str, cases: int, seed: int, *more: str) -> tuple[list[str], str]:
    """(lines of output, what went wrong)."""
    command, env = interpreter(runtime)
    command = [
        *command[: command.index("-m")],
        "-m",
        "tools.fuzz.run",
        name,
        str(cases),
        str(seed),
        *more,
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        cwd=ROOT,
        timeout=RUN_LIMIT_S,
    )
    return done.stdout.splitlines(), done.stderr if done.returncode else ""


def difference(name: str, cases: int, seed: int, block: int) -> str:
    """The first case of a block on which the interpreters do not agree."""
    sides = [fire(runtime, name, cases, seed, str(block))[0] for runtime in RUNTIMES]
    for cpython, micropython in zip(*sides, strict=False):
        if cpython != micropython:
            return "cpython:     {}\nmicropython: {}".format(cpython[:600], micropython[:600])
    return "not seen again"


def compare(name: str, cases: int, seed: int) -> dict:
    runtimes = getattr(TARGETS[name], "runtimes", RUNTIMES)
    sides = [fire(runtime, name, cases, seed) for runtime in runtimes]
    wrong = [error for _, error in sides if error]
    blocks = [
        n
        for n, (one, other) in enumerate(zip(sides[0][0], sides[-1][0], strict=False))
        if one != other
    ]
    if not wrong and blocks:
        wrong.append(difference(name, cases, seed, blocks[0]))
    return {"target": name, "cases": cases, "differing_blocks": len(blocks), "wrong": wrong}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=5000, help="for each target and interpreter")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=sorted(TARGETS))
    args = parser.parse_args()
    cases = max(BLOCK, args.cases // BLOCK * BLOCK)
    results = []
    for name in args.only or TARGETS:
        results.append(compare(name, cases, args.seed))
        print(
            "{:5} {} {}".format("FAIL" if results[-1]["wrong"] else "ok", name, cases),
            *results[-1]["wrong"],
            sep="\n      ",
            flush=True,
        )
    failed = sum(1 for result in results if result["wrong"])
    print("fuzz: " + json.dumps({"targets": results, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

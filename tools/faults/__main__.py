# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.faults [--only NAME…] [--runtime cpython|micropython] [--jobs N]`: runs the
matrix, one line a cell.

The last line is `faults: {"runs": […], "failed": n}`; the exit status is 1 when anything was lost,
came twice or with a wrong date, grew or paused. Each cell runs in network and mount namespaces of
its own.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.faults.proxy import isolated
from tools.faults.run import run
from tools.faults.scenarios import SCENARIOS
from tools.harness import ROOT, ca
from tools.harness.interpreters import interpreter
from tools.harness.namespaces import unshare
from tools.harness.processes import DIES_WITH_US

NAMESPACES = [*DIES_WITH_US, *unshare("--net", "--mount"), "--kill-child"]
CELL_LIMIT_S = 300  # real
WEEK = "seven-days"  # of simulated time, with troubles of every kind each day; in one process
WEEK_LIMIT_S = 1800
# both files of the configuration and their copies at every byte; in one process
CUTS = "configuration-cut"
RUNTIMES = ("cpython", "micropython")


def cell(name: str, runtime: str, folder: str) -> int:
    """Run one cell in this process, which is in namespaces of its own; its result is the only line
    of output.
    """
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="flukso-etc-") as etc, contextlib.ExitStack() as stack:
        for file, text in (
            ("hosts", "127.0.0.1 localhost\n"),
            ("resolv.conf", "nameserver 127.0.0.1\n"),
        ):
            cover = Path(etc) / file
            cover.write_text(text)
            subprocess.run(["mount", "--bind", cover, "/etc/" + file], check=True)
            stack.callback(subprocess.run, ["umount", "/etc/" + file], check=True)
        scenario = next(one for one in SCENARIOS if one.name == name)
        print(json.dumps(run(scenario, runtime, Path(folder))))
    return 0


def start_alone(name: str, runtime: str) -> dict:
    """Run what needs no network in a process of its own; its last line has the figures."""
    module, *words = ("week", "7") if name == WEEK else ("cuts",)
    command, env = interpreter(runtime)
    command = [
        *DIES_WITH_US,
        *command[: command.index("-m")],
        "-m",
        "tools.faults." + module,
        *words,
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=WEEK_LIMIT_S,
        env={**os.environ, **env},
        cwd=ROOT,
    )
    last = done.stdout.rpartition(module + ": ")[2]
    wrong = [] if done.returncode == 0 else [done.stdout[-1000:] + done.stderr[-1000:]]
    return {
        "fault": name,
        **(json.loads(last) if done.returncode == 0 else {}),
        "runtime": runtime,
        "wrong": wrong,
    }


def start_cell(name: str, runtime: str, folder: str) -> dict:
    if name in (WEEK, CUTS):
        return start_alone(name, runtime)
    command = [*NAMESPACES, sys.executable, "-m", "tools.faults", "--cell", name, runtime, folder]
    env = {**os.environ, "FLUKSO_FAULTS_ISOLATED": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CELL_LIMIT_S, env=env
        )
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        wrong = "not done after {} s".format(CELL_LIMIT_S)
    except (ValueError, IndexError):
        wrong = "no result: " + done.stderr[-2000:]
    return {"fault": name, "runtime": runtime, "wrong": [wrong]}


def say(result: dict) -> None:
    figures = (
        "tried",
        "lost",
        "lost_wh",
        "twice",
        "misdated",
        "polls_missed",
        "pause_ms",
        "rss_kb",
        "rss_growth_kb",
        "tuples",
        "recovered_s",
        "polls",
        "heap",
        "heap_growth",
        "real_s",
    )
    text = " ".join("{}={}".format(name, result[name]) for name in figures if name in result)
    print(
        "{:5} {:22} {:12} {}".format(
            "FAIL" if result["wrong"] else "ok", result["fault"], result["runtime"], text
        )
    )
    for wrong in result["wrong"]:
        print("      " + wrong.replace("\n", "\n      "))
    sys.stdout.flush()


NAMES = [*[scenario.name for scenario in SCENARIOS], CUTS, WEEK]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=NAMES)
    parser.add_argument("--runtime", choices=RUNTIMES, action="append")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cell", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.cell and isolated():
        return cell(*args.cell)
    runtimes = args.runtime or RUNTIMES
    if "micropython" in runtimes:
        from tools.harness.interpreters import x86_runtime

        x86_runtime()  # built once, before the cells
    cells = [(name, runtime) for name in args.only or NAMES for runtime in runtimes]
    with (
        tempfile.TemporaryDirectory(prefix="flukso-ca-") as folder,
        ThreadPoolExecutor(args.jobs) as pool,
    ):
        ca.make(Path(folder))
        results = []
        for result in pool.map(lambda each: start_cell(*each, folder), cells):
            say(result)
            results.append(result)
    failed = sum(1 for result in results if result["wrong"])
    print("faults: " + json.dumps({"runs": results, "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

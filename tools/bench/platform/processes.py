# SPDX-License-Identifier: GPL-3.0-or-later
"""Services under measurement: started, and what CPU they and their children used."""

import contextlib
import json
import os
import subprocess
from pathlib import Path

from tools.harness import testbed

TICKS_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system time of a process, all its threads and the children that it waited for."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / TICKS_S


def written_bytes(pid: int) -> int:
    """What the process has caused to be written to disk."""
    with open(f"/proc/{pid}/io") as lines:
        return int(dict(line.split(": ") for line in lines)["write_bytes"])


@contextlib.contextmanager
def service(
    environment: dict[str, str],
    *arguments: str,
    log: Path,
    program: tuple[str, ...] = ("-m", "flukso_server"),
):
    """`flukso-server run …` on a free port; yields (process, port)."""
    process, told = testbed.launch(["--port", "0", *arguments], environment, log, program)
    try:
        yield process, told["port"]
    finally:
        testbed.end(process)


def wrk(port: int, requests: Path, seconds: float, connections: int = 64) -> dict:
    """One thread of wrk, sending the requests of the file; it knows whole seconds."""
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "20s",
        "--latency",
        "-s",
        str(Path(__file__).with_name("ingest.lua")),
    ]
    environment = os.environ | {"REQUESTS": str(requests)}
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    results = [line for line in done.stdout.splitlines() if line.startswith("result ")]
    if not results:
        raise SystemExit(f"bench: wrk said {done.stdout} {done.stderr}")
    return json.loads(results[0].removeprefix("result "))

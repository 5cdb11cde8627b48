# SPDX-License-Identifier: GPL-3.0-or-later
"""Services under measurement: started, and what CPU they and their children used."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TICKS_S = os.sysconf("SC_CLK_TCK")
STOP_S = 30


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
def service(environment: dict[str, str], *arguments: str, log: Path, program: tuple[str, ...] = ("-m", "server")):
    """`python -m server run …` on a free port; yields (process, port)."""
    with open(log, "ab") as errors:
        command = [sys.executable, *program, "run", "--port", "0", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"bench: the service did not start: {log.read_text()[-2000:]}")
        yield process, json.loads(line)["port"]
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout
        process.stdout.close()


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
    done = subprocess.run([*command, f"http://127.0.0.1:{port}/"], env=environment, capture_output=True, text=True, check=True)
    results = [line for line in done.stdout.splitlines() if line.startswith("result ")]
    if not results:
        raise SystemExit(f"bench: wrk said {done.stdout} {done.stderr}")
    return json.loads(results[0].removeprefix("result "))

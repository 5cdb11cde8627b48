# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench-query`: CPU of a read through the whole server; the last line holds the figures."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.bench.platform import fixture, processes
from tools.harness import testbed

ROOT = Path(__file__).resolve().parents[3]
DAYS = 366
READS = 400


def cpu_ms(process, port: int, path: str, token: str) -> float:
    """CPU of the server for one read, after some to warm up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = 0.0
    for n in range(READS + 20):
        if n == 20:
            began = processes.cpu_s(process.pid)
        connection.request("GET", path, headers={"X-Token": token, "X-Version": "1.0"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"bench: {answer.status} {body!r}")
    return (processes.cpu_s(process.pid) - began) / READS * 1000


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="bench-query-") as name:
        folder = Path(name)
        environment = fixture.environment(folder)
        command = [sys.executable, "-m", "flukso_server"]
        subprocess.run([*command, "migrate", "-v0"], cwd=ROOT, env=environment, check=True)

        token = testbed.call_in(environment, "tools.bench.platform.fixture.fill_history", DAYS)
        now = int(time.time())
        sensor = "/sensor/" + fixture.sensor_id(0)
        with processes.service(environment, "--service", "ingest", log=folder / "log") as (
            process,
            port,
        ):
            day = cpu_ms(
                process,
                port,
                f"{sensor}?start={now - 86_400}&end={now}&resolution=minute&unit=watt",
                token,
            )
            year = cpu_ms(
                process,
                port,
                f"{sensor}?start={now - 365 * 86_400}&end={now}&resolution=day&unit=watt",
                token,
            )
    print(
        "bench-query: "
        + json.dumps({"day_minute_ms": round(day, 2), "year_day_ms": round(year, 2)})
    )
    return 0


if __name__ == "__main__":
    os.environ.pop("FLUKSO_LOG_LEVEL", None)
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench-ingest`: signed uploads of 30,000 sensors in random order, driven by wrk; the last
line holds the figures.

posts_s_core is POSTs ÷ CPU seconds of all server processes. The store's own figures come from
tools/bench/platform/store.py.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

from tools.bench.platform import fixture, processes
from tools.harness import testbed

ROOT = Path(__file__).resolve().parents[3]
PAGE_EVERY_S = 0.1
HEAVY = ("/", "/chart.json?resource=electricity&scale=year")
PAGE_DAYS = 120  # of the household's history
# of uploads, an hour and forty minutes: a third of the way into a run so much waits that merging
# begins
FILL_ROUNDS = 20
WARM_S = 3
STORE_SENSORS = 2000  # in the store's own bench, for two days
MOST_POSTS_S = 22_000  # what wrk may reach, so that no upload is sent twice
# figure, variant and its POST/s; for half as long
VARIANTS = (
    ("rrd_posts_s_core", "rrd", 6000),
    ("django_posts_s_core", "plain", 2000),
)


class Bench:
    """One installation, and the uploads that it will get."""

    def __init__(self, folder: Path, sensors: int, seconds: float):
        self.folder, self.sensors, self.seconds = folder, sensors, seconds
        self.environment = fixture.environment(folder)
        rates = [MOST_POSTS_S, MOST_POSTS_S, *[rate / 2 for _figure, _variant, rate in VARIANTS]]
        rounds = (
            FILL_ROUNDS + 1 + len(VARIANTS) + sum(self._rounds(rate, seconds) for rate in rates)
        )
        self.begin = fixture.start_time(rounds)
        self._round = FILL_ROUNDS
        self._in_django("migrate", "-v0")
        before = children_written()
        fill = "tools.bench.platform.fixture.fill"
        testbed.call_in(self.environment, fill, sensors, FILL_ROUNDS, self.begin)
        self.filled_bytes = children_written() - before

    def _in_django(self, *words: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "flukso_server", *words],
            cwd=ROOT,
            env=self.environment,
            check=True,
        )

    def uploads(self, rounds: int) -> Path:
        """The next rounds of all sensors, signed."""
        file = self.folder / "uploads"
        fixture.write_uploads(
            file, range(self._round, self._round + rounds), self.begin, self.sensors
        )
        self._round += rounds
        return file

    def _rounds(self, rate: float, seconds: float) -> int:
        """Of all sensors, so that so many POST/s find new ones."""
        return max(1, round(rate * seconds / self.sensors + 0.5))

    def drive(self, process, port: int, seconds: float, rate: float) -> dict:
        """Figures of one run; rate: POST/s that the client may reach, so that no upload is sent
        twice.
        """
        file = self.uploads(self._rounds(rate, seconds))
        cpu = processes.cpu_s(process.pid)
        result = processes.wrk(port, file, seconds)
        result["cpu_s"] = processes.cpu_s(process.pid) - cpu
        if result["errors"] or not result["requests"]:
            raise SystemExit(
                f"bench: {result['errors']} errors, {result['requests']} answers: "
                f"{(self.folder / 'log').read_text()[-1000:]}"
            )
        return result

    def warm_up(self, port: int) -> None:
        """One upload of each sensor, so that all are in the caches."""
        file = self.uploads(1)
        seconds = WARM_S
        while (
            processes.wrk(port, file, seconds)["requests"] < self.sensors
        ):  # each run begins anew: duplicates, the second time
            seconds += WARM_S

    def session(self) -> str:
        """A household with neighbours and its history; the key of a session of its member."""
        self._in_django("demo_household", "--days", str(PAGE_DAYS))
        return testbed.call_in(self.environment, "tools.harness.members.session", "rooftop")

    def service(self, *arguments: str, program=("-m", "flukso_server")):
        return processes.service(
            self.environment, *arguments, log=self.folder / "log", program=program
        )


class Pages(threading.Thread):
    """Fetches a member's dashboard, or the data of their and three neighbours' year, in turns, each
    100 ms until stopped.
    """

    def __init__(self, port: int, session: str):
        super().__init__(daemon=True)
        self._urls = itertools.cycle([f"http://127.0.0.1:{port}{path}" for path in HEAVY])
        self._cookie = {"Cookie": "sessionid=" + session}
        self._stopped = threading.Event()
        self.fetched = 0

    def run(self) -> None:
        while not self._stopped.wait(PAGE_EVERY_S):
            self.fetch()

    def fetch(self) -> None:
        request = urllib.request.Request(next(self._urls), headers=self._cookie)
        with urllib.request.urlopen(request, timeout=30) as answer:
            if answer.status != 200 or answer.url != request.full_url:
                raise SystemExit(
                    f"bench: {request.full_url} answers {answer.status} at {answer.url}"
                )
            answer.read()
        self.fetched += 1

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def children_written() -> int:
    """Bytes that the processes that have ended here caused to be written to disk."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock * 512


def per_core(result: dict) -> int:
    return round(result["requests"] / max(result["cpu_s"], 0.01))


def measure(folder: Path, sensors: int, seconds: float) -> dict:
    bench = Bench(folder, sensors, seconds)
    with bench.service("--service", "ingest") as (ingest, port):
        bench.warm_up(port)
        alone = bench.drive(ingest, port, seconds, MOST_POSTS_S)
        print("ingest alone:", alone, flush=True)
        # all bytes since the store was empty, as a sweep also writes what was filled in before
        bytes_written = bench.filled_bytes + processes.written_bytes(ingest.pid)
        uploads = alone["requests"] + sensors * (FILL_ROUNDS + 1)
        with bench.service("--service", "web") as (_, web_port):
            pages = Pages(web_port, bench.session())
            for _ in HEAVY:
                pages.fetch()  # the first one imports half of Django
            pages.start()
            together = bench.drive(ingest, port, seconds, MOST_POSTS_S)
            pages.stop()
        print("beside", pages.fetched, "pages:", together, flush=True)
    figures = {
        "posts_s_core": per_core(alone),
        "tuples_s_core": per_core(alone) * fixture.TUPLES,
        "p99_ms": round(alone["p99_ms"], 1),
        "p99_with_pages_ms": round(together["p99_ms"], 1),
        "bytes_per_tuple_written": round(bytes_written / uploads / fixture.TUPLES, 1),
    }
    # each variant begins where the uploads of the one before end: nobody gets old tuples
    for name, which, rate in VARIANTS:
        with bench.service(
            "--service", "all", program=("-m", "tools.bench.platform.variant", which)
        ) as (
            process,
            port,
        ):
            # imports, database connections, RRD files
            processes.wrk(port, bench.uploads(1), WARM_S)
            result = bench.drive(process, port, seconds / 2, rate)
        print(which, result, flush=True)
        figures[name] = per_core(result)
    return figures


def store_figures(sensors: int) -> dict:
    """The store alone, in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "tools.bench.platform.store",
        "--sensors",
        str(sensors),
    ]
    lines = subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    found = json.loads(lines[-1].removeprefix("bench-store: "))
    return {name: found[name] for name in ("store_tuples_s_core", "bytes_per_tuple")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensors", type=int, default=fixture.SENSORS)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    os.environ.pop("FLUKSO_LOG_LEVEL", None)
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as folder:
        figures = measure(Path(folder), options.sensors, options.seconds)
    print(
        "bench-ingest: " + json.dumps(figures | store_figures(min(options.sensors, STORE_SENSORS)))
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

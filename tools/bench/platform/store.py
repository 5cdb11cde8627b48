# SPDX-License-Identifier: GPL-3.0-or-later
"""Bench of the store alone: `python -m tools.bench.platform.store`. The last line is `bench-store:
{…}`; docs/design/series.md explains it.
"""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from flukso_server.series.appending import append_many
from flukso_server.series.sqlite.store import SqliteStore
from tools.bench.platform.households import Households, both, floor_bytes

UPLOAD = 5  # tuples in an upload
GROUP = 64  # uploads in a commit
HOUR = 12  # rounds of uploads


def main() -> int:
    """Fill, merge, reopen; print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensors", type=int, default=2000)
    parser.add_argument("--hours", type=int, default=48)
    parser.add_argument("--folder", default=None)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        result = measure(os.path.join(folder, "series.sqlite3"), args.sensors, args.hours)
    sys.stdout.write(f"bench-store: {json.dumps(result)}\n")
    return 0


def measure(path: str, sensors: int, hours: int) -> dict[str, float]:
    """All figures of one run."""
    homes = Households(sensors)
    clock = [float(homes.now)]
    store = SqliteStore(path, trust=both(clock))
    cpu_s, written, tuples = fill(store, homes, clock, hours * HOUR)
    store.close()
    replay_rate = replay(path, clock)
    store = SqliteStore(path, trust=both(clock))
    clock[0] += 3 * 3600  # the last day is closed
    cpu_s -= time.process_time()
    written -= bytes_written()
    store.merge()
    cpu_s += time.process_time()
    written += bytes_written()
    query_ms = ask(store, homes)
    store.close()
    return {
        "store_tuples_s_core": round(tuples / cpu_s),
        "bytes_per_tuple_written": round(written / tuples, 1),
        "bytes_per_tuple": round(at_rest(path) / tuples, 2),
        "floor_bytes_per_tuple": round(floor_bytes(Households(50).minutes(1440)[1]), 2),
        "replay_tuples_s_core": replay_rate,
        **query_ms,
    }


def fill(
    store: SqliteStore, homes: Households, clock: list[float], rounds: int
) -> tuple[float, int, int]:
    """Upload in random order; CPU seconds, bytes written and tuples."""
    rng = np.random.default_rng(2)
    cpu_s, tuples, before = 0.0, 0, bytes_written()
    for _ in range(rounds):
        ts, counters = homes.minutes(UPLOAD)
        times, values = ts.tolist(), counters.tolist()
        clock[0] = homes.now + 60
        uploads = [
            (homes.ids[i], list(zip(times[i], values[i], strict=True)))
            for i in rng.permutation(len(homes.ids)).tolist()
        ]
        tuples += UPLOAD * len(uploads)
        started = time.process_time()
        for at in range(0, len(uploads), GROUP):
            append_many(store, uploads[at : at + GROUP], int(clock[0]))
        store.settle()
        cpu_s += time.process_time() - started
    return cpu_s, bytes_written() - before, tuples


def replay(path: str, clock: list[float]) -> int:
    """Tuples read back on start, a second of CPU."""
    store = SqliteStore(path, clock=lambda: clock[0], merge=False)
    rate = store.replay_rate()
    store.close()
    return rate


def ask(store: SqliteStore, homes: Households) -> dict[str, float]:
    """CPU milliseconds of a day by minute, as JSON."""
    from zoneinfo import ZoneInfo

    from flukso_server.series import query

    zone = ZoneInfo("Europe/Brussels")
    asked = query.parse(homes.now, query.Wish(interval="day", resolution="minute", unit="watt"))
    started = time.process_time()
    for sensor in homes.ids[:200]:
        query.answer_json(store, sensor, asked, homes.now, zone)
    return {
        "store_day_minute_ms": round(
            (time.process_time() - started) / len(homes.ids[:200]) * 1000, 2
        )
    }


def at_rest(path: str) -> int:
    """Bytes of the main file's pages in use, all days closed: the space of the runs and of the
    inbox serves the next day.
    """
    db = sqlite3.connect(path)
    used, free, size = (
        db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    db.close()
    return int((used - free) * size)


def bytes_written() -> int:
    """What this process has caused to be written to the disk so far."""
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    raise OSError("no write_bytes in /proc/self/io")


if __name__ == "__main__":
    sys.exit(main())

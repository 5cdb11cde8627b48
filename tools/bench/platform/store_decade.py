# SPDX-License-Identifier: GPL-3.0-or-later
"""Bench of ten years: `python -m tools.bench.platform.store_decade`. The last line is
`bench-decade: {…}`; docs/design/series.md explains it.
"""

import argparse
import json
import os
import sys
import tempfile
import time

import numpy as np

from flukso_server.series.appending import append_many
from flukso_server.series.reading import profile
from flukso_server.series.sqlite.store import SqliteStore
from tools.bench.platform.households import Households, both, floor_bytes

DAYS = 3653
DAY_S = 86_400


def main() -> int:
    """Upload each minute of ten years, a day at a time, merging and ageing each day; print what is
    on the disk.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sensors", type=int, default=8)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--folder", default=None)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        result = measure(os.path.join(folder, "series.sqlite3"), args.sensors, args.days)
    sys.stdout.write(f"bench-decade: {json.dumps(result)}\n")
    return 0


def measure(path: str, sensors: int, days: int) -> dict[str, object]:
    """The size after so many days, the error of the energy over all of them, and how dear a year by
    day is.
    """
    homes = Households(sensors)
    clock = [float(homes.now)]
    store = SqliteStore(path, trust=both(clock))
    first = np.zeros(sensors, np.int64)
    started = homes.now
    for day in range(days):
        ts, counters = homes.minutes(1440)
        first = counters[:, 0] if day == 0 else first
        clock[0] = homes.now + 3 * 3600  # the day is over and closed
        append_many(
            store,
            [
                (homes.ids[i], list(zip(ts[i].tolist(), counters[i].tolist(), strict=True)))
                for i in range(sensors)
            ],
            int(clock[0]),
        )
        store.merge()
    total = [profile(store, sensor, [started, homes.now])[0][0] for sensor in homes.ids]
    worst = max(abs(wh - (counters[i, -1] - first[i])) for i, wh in enumerate(total))
    year_ms = year_by_day(store, homes)
    store.close()
    return {
        "days": days,
        "kb_per_sensor": round(pages(path) / sensors / 1000, 1),
        "kb_by_table": sizes(path, sensors),
        "energy_error_wh": float(worst),
        "floor_bytes_per_tuple": round(floor_bytes(counters), 2),
        "store_year_day_ms": year_ms,
    }


def pages(path: str) -> int:
    """Bytes of the pages that hold series, filled or not."""
    import sqlite3

    db = sqlite3.connect(path)
    used = db.execute(
        "SELECT total(pgsize) FROM dbstat WHERE name IN ('block', 'ladder')"
    ).fetchone()[0]
    db.close()
    return int(used)


def sizes(path: str, sensors: int) -> dict[str, float]:
    """kB a sensor by table, without what pages waste."""
    import sqlite3

    db = sqlite3.connect(path)
    found = {
        name: db.execute(f"SELECT total(length(data)) FROM {name}").fetchone()[0]
        for name in ("open", "block")
    }
    for level, name in ((2, "quarters"), (3, "hours"), (1, "days")):
        found[name] = db.execute(
            "SELECT total(length(data)) FROM ladder WHERE key >> 60 = ?", (level,)
        ).fetchone()[0]
    db.close()
    return {name: round(size / sensors / 1000, 1) for name, size in found.items()}


def year_by_day(store: SqliteStore, homes: Households) -> float:
    """CPU milliseconds of a year by day, as JSON."""
    from zoneinfo import ZoneInfo

    from flukso_server.series import query

    asked = query.parse(homes.now, query.Wish(interval="year", resolution="day", unit="watt"))
    zone = ZoneInfo("Europe/Brussels")
    started = time.process_time()
    for _ in range(25):
        for sensor in homes.ids:
            query.answer_json(store, sensor, asked, homes.now, zone)
    return round((time.process_time() - started) / 25 / len(homes.ids) * 1000, 2)


if __name__ == "__main__":
    sys.exit(main())

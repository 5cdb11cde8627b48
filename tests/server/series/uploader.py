# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that uploads to a SQLite store and says what was acknowledged, until it is killed: uploader.py PATH SEED START."""

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "server"))

from series.sqlite.store import SqliteStore  # noqa: E402

DAY = 86_400
ZERO = 1_500_000_000  # counters say how long ago this was: what is stored but not acknowledged changes no energy


def main():
    path, seed, start = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    now = [float(start)]
    # so little may wait that merging, sealing and ageing go on all the time
    store = SqliteStore(path, clock=lambda: now[0], sweep_tuples=60)
    ts = start
    while True:
        uploads = []
        for _ in range(rng.randrange(1, 6)):
            sensor = f"{rng.randrange(4):032x}"
            uploads.append((sensor, [(ts + 60 * i + int(sensor, 16), ts + 60 * i - ZERO) for i in range(5)]))
            ts += 300
        ts += rng.choice((0, 0, 7200, DAY))
        now[0] = ts + 60 + 1
        store.append_many(uploads, int(now[0]))
        sys.stdout.write("".join(f"{sensor} {t} {c}\n" for sensor, tuples in uploads for t, c in tuples) + "ok\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

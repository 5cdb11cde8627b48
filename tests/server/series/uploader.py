# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that uploads to a store and says what was acknowledged, until it is killed.

`python -m tests.server.series.uploader BENCH FOLDER SEED START`
"""

import random
import sys
from pathlib import Path

from flukso_server.series.appending import append_many
from tests.server.series.benches import BENCHES, DAY

# counters say how long ago this was: what is stored but not acknowledged changes no energy
ZERO = 1_500_000_000


def main():
    name, folder, seed, start = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    rng = random.Random(seed)
    bench = BENCHES[name](folder, busy=True, now=start)
    ts = start
    while True:
        uploads = []
        for _ in range(rng.randrange(1, 6)):
            sensor = f"{rng.randrange(4):032x}"
            uploads.append(
                (sensor, [(ts + 60 * i + int(sensor, 16), ts + 60 * i - ZERO) for i in range(5)])
            )
            ts += 300
        ts += rng.choice((0, 0, 7200, DAY))
        bench.clock.now = ts + 60 + 1
        append_many(bench.store, uploads, bench.clock.now)
        sys.stdout.write(
            "".join(f"{sensor} {t} {c}\n" for sensor, tuples in uploads for t, c in tuples) + "ok\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()

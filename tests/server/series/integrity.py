# SPDX-License-Identifier: GPL-3.0-or-later
"""Flips bits in what a store keeps at rest, and looks whether anything is wrong in silence.

`make prove-integrity` flips 1,000 of each kind of row. Its last line is `prove-integrity: {…}`: how
often a sensor's answers were right, had a gap that was told, or were wrong.
"""

import argparse
import contextlib
import json
import logging
import random
import sys
import tempfile
from pathlib import Path

from flukso_server.series import reading
from flukso_server.series.appending import append_many
from tests.server.series.benches import BENCHES, DAY

NAMES = [f"{n:032x}" for n in range(1, 5)]
AGES = (3900, 3800, 900, 700, 200, 90, 20, 5, 4, 1.5, 0.4)  # days ago
ALL = 1 << 32


def fill(bench):
    """Give each sensor rows of every kind, some tuples of each of AGES."""
    rng = random.Random(7)
    end = bench.clock.now
    counters = dict.fromkeys(NAMES, 0)
    for ago in AGES:
        start = int(end - ago * DAY)
        bench.clock.now = max(start + 8 * 3600, end - 3600 if ago < 1 else 0)
        for name in NAMES:
            tuples = []
            for n in range(100):
                counters[name] += rng.randrange(90)
                tuples.append((start + 240 * n + rng.randrange(60), counters[name]))
            append_many(bench.store, [(name, tuples)], bench.clock.now)
        bench.settle()
    bench.clock.now = end
    bench.settle()
    for n in range(6):  # these stay in the inbox
        for name in NAMES:
            append_many(bench.store, [(name, [(end - 600 + 60 * n, counters[name])])], end)


class Told(logging.Handler):
    """Counts the errors that the store's log tells."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record):
        self.count += 1

    def __enter__(self):
        logging.getLogger("series").addHandler(self)
        return self

    def __exit__(self, *_):
        logging.getLogger("series").removeHandler(self)


def answers(bench, name):
    """All that a reader gets of a sensor."""
    end = bench.clock.now
    days = range(end // DAY * DAY - 4000 * DAY, end // DAY * DAY + DAY, DAY)
    hours = range(end - 30 * DAY, end, 3600)
    profiles = [reading.profile(bench.store, name, at) for at in (days, hours)]
    return (
        bench.store.raw(name, 0, ALL),
        [[part.tolist() for part in profile] for profile in profiles],
        bench.store.last(name),
    )


class Flips:
    """Outcomes of single bits flipped: read right, or as a gap that was told, or wrong."""

    def __init__(self, bench):
        self.bench = bench
        self.right = {name: answers(bench, name) for name in NAMES}
        self.counts = {"right": 0, "told": 0, "wrong in silence": 0, "wrong tuples": 0}

    def flip(self, kind, rng):
        """Flip a bit, look at all sensors, and flip it back."""
        bench = self.bench
        row = rng.choice(bench.at_rest(kind))
        # without the error of a row told of before: each flip is the first to be seen
        if bench.store:
            bench.open()
        with Told() as told:
            bit = bench.flip(kind, row, rng.randrange)
            for name in NAMES:
                self._look(name, told)
            bench.flip(kind, row, lambda _bits: bit)

    def _look(self, name, told):
        now, (tuples, _profiles, _last) = answers(self.bench, name), self.right[name]
        if now == self.right[name]:
            self.counts["right"] += 1
        elif not set(now[0]) <= set(tuples):
            self.counts["wrong tuples"] += 1
        elif told.count or self.bench.store.damaged(name):
            self.counts["told"] += 1
        else:
            self.counts["wrong in silence"] += 1


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="make prove-integrity")
    parser.add_argument("--flips", type=int, default=1000, help="of each kind of row")
    parser.add_argument("--store", choices=sorted(BENCHES), default="sqlite")
    options = parser.parse_args(arguments)
    logging.getLogger("series").propagate = False
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(BENCHES[options.store](Path(folder))) as bench,
    ):
        fill(bench)
        flips, rng, seen = Flips(bench), random.Random(3), 0
        for kind in bench.kinds:
            for _ in range(options.flips):
                flips.flip(kind, rng)
            told, seen = flips.counts["told"] - seen, flips.counts["told"]
            print(f"{kind}: {options.flips} bits, {told} times a gap that was told", flush=True)
    print("prove-integrity: " + json.dumps(flips.counts))
    return int(bool(flips.counts["wrong in silence"] or flips.counts["wrong tuples"]))


if __name__ == "__main__":
    sys.exit(main())

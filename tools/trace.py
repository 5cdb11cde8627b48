# SPDX-License-Identifier: GPL-3.0-or-later
"""A believable household's power as CSV `ts,watt[,watt…]`, the same for the same seed: `python -m
tools.trace > day.csv`.
"""

import argparse
import random
import re
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

STEP_S = 5  # rows stand on this grid; a row is written only when the power changed
DAY_S = 86_400
START_TS = 1_288_256_400  # 2010-10-28 09:00 UTC; only the distances count
START_OF_DAY_S = 18 * 3600  # cooking time: the first 800 s use far more than 40 Wh
FULL_W = 12_000  # what a 50 A clamp can measure

# what a household switches: watts, seconds on, and the hours (of the day) at which it usually
# begins
HABITS = (
    ("kettle", 2000, 150, (7.1, 10.5, 15.8, 20.5)),
    ("toaster", 900, 180, (7.2,)),
    ("stove", 1500, 1500, (12.2, 18.1)),
    ("oven", 2200, 2400, (18.05,)),
    ("dishwasher", 1900, 1500, (20.2,)),
    ("washing", 2000, 1200, (10.0,)),
    ("television", 110, 3 * 3600, (19.5,)),
    ("computer", 75, 4 * 3600, (13.0,)),
)
CYCLED = ("stove", "oven")  # thermostats: on for 40 s of 60


def habits(rand: random.Random, days: int) -> list[tuple[int, int, int, bool]]:
    """Everything that is switched, as (begin s, end s, watt, cycled), counted from midnight before
    the start.
    """
    runs = []
    for day in range(days + 1):
        for name, watt, length_s, hours in HABITS:
            for hour in hours:
                if (
                    day and rand.random() < 0.15
                ):  # nobody does everything every day; the first day is complete
                    continue
                begin = day * DAY_S + int(
                    hour * 3600 + (rand.randrange(-240, 240) if hour not in (18.05, 18.1) else 0)
                )
                runs.append(
                    (begin, begin + int(length_s * rand.uniform(0.8, 1.2)), watt, name in CYCLED)
                )
    return runs


def lights_w(hour: float) -> int:
    """Lamps: mornings and evenings, one at night."""
    if 6.5 <= hour < 8.5 or 17.5 <= hour < 19:
        return 90
    if 19 <= hour < 23:
        return 160
    return 5


def household(seed: int, seconds: int) -> list[tuple[int, int]]:
    """(s since the start, W) at every change."""
    rand = random.Random(seed)
    runs = habits(rand, seconds // DAY_S + 2)
    fridge_s, fridge_on_s = rand.randrange(2400, 3000), rand.randrange(700, 1000)
    base_w, noise_w, rows, last_w = rand.randrange(45, 75), 0, [], -1
    for since_s in range(0, seconds, STEP_S):
        now_s = START_OF_DAY_S + since_s
        if rand.random() < 0.2:
            noise_w = rand.randrange(-6, 7)
        watt = base_w + noise_w + lights_w(now_s % DAY_S / 3600)
        if now_s % fridge_s < fridge_on_s:
            watt += 95 + (400 if now_s % fridge_s < STEP_S else 0)  # the compressor starts
        for begin, end, run_w, cycled in runs:
            if begin <= now_s < end and not (cycled and (now_s - begin) % 60 >= 40):
                watt += run_w
        watt = min(watt, FULL_W)
        if watt != last_w:
            rows.append((since_s, watt))
            last_w = watt
    return rows


def energy_wh(rows: list[tuple[int, int]], until_s: int) -> float:
    """What the rows use from their start until then."""
    total_ws = 0
    for (begin, watt), (end, _) in zip(rows, [*rows[1:], (until_s, 0)], strict=True):
        total_ws += watt * max(0, min(end, until_s) - begin)
    return total_ws / 3600


def merged(columns: list[list[tuple[int, int]]]) -> list[tuple[int, list[int]]]:
    """One row wherever any of the columns changes."""
    changes: dict[int, dict[int, int]] = {}
    for number, rows in enumerate(columns):
        for since_s, watt in rows:
            changes.setdefault(since_s, {})[number] = watt
    held, out = [0] * len(columns), []
    for since_s in sorted(changes):
        for number, watt in changes[since_s].items():
            held[number] = watt
        out.append((since_s, list(held)))
    return out


def csv_text(seed: int = 1, seconds: int = DAY_S, clamps: int = 1) -> str:
    """The trace as fluksosim reads it."""
    columns = [household(seed + number, seconds) for number in range(clamps)]
    lines = ["ts," + ",".join(["watt"] * clamps)]
    for since_s, watts in merged(columns):
        lines.append("{},{}".format(START_TS + since_s, ",".join(str(watt) for watt in watts)))
    return "\n".join(lines) + "\n"


_NATIVE = re.compile(rb"ts(,watt){1,3}\s*$|\d{9,10}(,\d+(\.\d+)?){2,3}\s*$")


def is_native(path: Path) -> bool:
    """Whether the simulator reads the file as it is: `ts,watt[,watt…]`."""
    with open(path, "rb") as lines:
        return _NATIVE.match(lines.readline(200)) is not None


def converted(path: Path, to: Path) -> Path:
    """Write history in any form that the platform takes as `ts,watt`; return the file written.

    Raises SystemExit, with the lines that are wrong, for a file without two values.
    """
    from flukso_server import history

    found = history.read(path.read_bytes(), history.Wish(ZoneInfo("Europe/Brussels")))
    if len(found.tuples) < 2:
        said = history.describe(found.faults) or "it has fewer than two values"
        raise SystemExit(f"demo: {path}: {said}")
    rows = ["ts,watt"]
    for (ts, counter), (later, after) in zip(found.tuples, found.tuples[1:], strict=False):
        if later > ts:  # a counter that fell was reset
            rows.append(f"{ts},{max(after - counter, 0) * 3600 / (later - ts):.1f}")
    to.write_text("\n".join([*rows, f"{found.tuples[-1][0]},0"]) + "\n")
    return to


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--clamps", type=int, choices=(1, 2, 3), default=1)
    args = parser.parse_args()
    sys.stdout.write(csv_text(args.seed, int(args.hours * 3600), args.clamps))
    return 0


if __name__ == "__main__":
    sys.exit(main())

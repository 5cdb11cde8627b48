# SPDX-License-Identifier: GPL-3.0-or-later
"""`make prove-removal`: many devices that nobody claimed expire while a household uploads, and
nothing of them is left.

The last line is `prove-removal: {"failures":…,"left":…}`: uploads that were not answered with 200
or whose tuples are not held, and rows in the series' file that belong to no sensor of the
household.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path

from tools.harness import ca
from tools.harness.device import DEVICE, KEY, SENSOR, Client
from tools.harness.testbed import Platform

EACH_S = 0.02
ROUND_S = 300  # for a round of housekeeping
SLICE = 1000  # devices that go in one
BEGIN = int(time.time()) - 3600


class Household(threading.Thread):
    """Uploads a tuple every EACH_S, each a second after the one before, until it is told to end."""

    def __init__(self, port: int, cafile: Path, first: int):
        super().__init__()
        self._client = Client(port, cafile)
        self._ends = threading.Event()
        self.next = first
        self.failures = 0

    def run(self) -> None:
        while not self._ends.wait(EACH_S):
            self.failures += (
                self._client.upload(SENSOR, [(self.next, self.next - BEGIN)]).status != 200
            )
            self.next += 1

    def end(self) -> None:
        self._ends.set()
        self.join()


def open_store(path: str):
    """Return the series, to be merged by this process."""
    from flukso_server import series

    return series.open_store(path)


def prove(platform: Platform, cafile: Path, devices: int) -> tuple[int, int]:
    """Return the failures and what is left in the file."""
    platform.call("tools.harness.members.abandon", devices, BEGIN)
    platform.stop()
    print(f"{devices} devices of three sensors each: nobody claimed them for 30 days", flush=True)
    left, failures, stamp = devices, 0, BEGIN
    while left:
        platform.start()  # the rounds of housekeeping are an hour apart, and one is at the start
        household = Household(platform.port, cafile, stamp)
        household.start()
        until, before = time.monotonic() + ROUND_S, left
        while time.monotonic() < until and left > max(0, before - SLICE):
            time.sleep(1)
            left = platform.call("tools.harness.members.abandoned")
        household.end()
        platform.stop()
        print(
            f"{left} are left; the household uploaded {household.next - stamp} times meanwhile",
            flush=True,
        )
        failures, stamp = failures + household.failures, household.next
        if left == before:
            break
    store = open_store(str(platform.folder / "series.sqlite3"))
    store.merge()  # which removes what waits for it
    failures += set(store.raw(SENSOR, 0, 1 << 32)) != {
        (at, at - BEGIN) for at in range(BEGIN, stamp)
    }
    store.close()
    failures += sum("failed" in line for line in platform.log.read_text().splitlines())
    return failures, left + rows_of_others(platform.folder / "series.sqlite3")


def rows_of_others(path: Path) -> int:
    """Return how many rows of the series' file belong to no sensor of the household."""
    db = sqlite3.connect(path)
    [(own,)] = db.execute("SELECT no FROM sensor WHERE id=?", (bytes.fromhex(SENSOR),)).fetchall()
    others = db.execute("SELECT count(*) FROM sensor WHERE no<>?", (own,)).fetchone()[0]
    for table in ("open", "block", "ladder"):
        others += db.execute(
            f"SELECT count(*) FROM {table} WHERE key & 0xFFFFFFFF <> ?", (own,)
        ).fetchone()[0]
    db.close()
    return others


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pki = ca.make(folder / "pki")
        with Platform(
            folder / "platform", pki / "good.pem", {DEVICE: KEY}, {SENSOR: DEVICE}
        ) as platform:
            failures, left = prove(platform, pki / "ca.crt", options.devices)
    print(
        "prove-removal: " + json.dumps({"failures": failures, "left": left}, separators=(",", ":")),
        flush=True,
    )
    return int(bool(failures or left))


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.dates`: runs the tests marked `dated` on days and in zones where figures of days
and weeks are easily wrong.

The last line says how it went: `test-clocks: {"dates":…,"failed":0}`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 3600  # of one date

# zone: the machine's; households of the tests live in Brussels
Date = namedtuple("Date", ("what", "at", "zone"))

# Soon after a border most has to be unknown yet; late in the evening the day is another one in
# other zones.
DATES = (
    Date("Monday, the 31st of a month", "2026-08-31T12:00:00+02:00", "UTC"),
    Date(
        "Tuesday, 29 February, soon after midnight",
        "2028-02-29T00:05:00+01:00",
        "America/Los_Angeles",
    ),
    Date("Wednesday, late in the evening", "2026-09-16T23:20:00+02:00", "Pacific/Auckland"),
    Date(
        "Thursday, when a week of the charts has just begun",
        "2026-06-11T02:05:00+02:00",
        "Asia/Kolkata",
    ),
    Date(
        "Friday, New Year, soon after midnight", "2027-01-01T00:05:00+01:00", "Pacific/Kiritimati"
    ),
    Date("Saturday, in the afternoon", "2026-05-23T17:40:00+02:00", "America/St_Johns"),
    Date(
        "Sunday, when the clocks have just gone forward",
        "2027-03-28T03:05:00+02:00",
        "Europe/Brussels",
    ),
    Date(
        "Sunday, when the clocks have just gone back",
        "2026-10-25T02:05:00+01:00",
        "Europe/Brussels",
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="dates of which this is a part, as `Sunday`")
    parser.add_argument(
        "pytest", nargs="*", help="what pytest is told besides, as a file or `-k name`"
    )
    options, more = parser.parse_known_args()
    dates = [date for date in DATES if options.only in date.what]
    failed = sum(walk(date, options.jobs, options.pytest + more) for date in dates)
    print(
        "test-clocks: " + json.dumps({"dates": len(dates), "failed": failed}, separators=(",", ":"))
    )
    return int(failed > 0 or not dates)


def walk(date: Date, jobs: int, more: list[str]) -> int:
    """How many tests failed on that date; says which."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = [
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-m",
            "dated and not slow",
            f"--at={date.at}",
            f"--zone={date.zone}",
        ]
        words += ["-n", str(jobs), "--dist", "loadscope", f"--junitxml={report}", *more]
        done = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        count, failed = read(report)
    if done.returncode or not count:
        failed = max(failed, 1)
        print(done.stdout[-20_000:] + done.stderr[-2000:])
    print(
        f"{date.what} ({date.at}, {date.zone}): {count} tests, {failed} failed, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    return failed


def read(report: Path) -> tuple[int, int]:
    """(tests, those that failed) of pytest's report; (0, 0) where it wrote none."""
    if not report.exists():
        return 0, 0
    suites = ElementTree.parse(report).getroot().findall("testsuite")
    return tuple(
        sum(int(suite.get(name, 0)) for suite in suites for name in names)
        for names in (["tests"], ["failures", "errors"])
    )


if __name__ == "__main__":
    sys.exit(main())

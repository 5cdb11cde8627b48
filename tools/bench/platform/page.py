# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench-page`: how soon the dashboard shows five lines of a day by minute, beside Chart.js;
the last line holds the figures.

Cold browser cache, warm server; 5 × 1,440 points; from the start of the navigation to the first
draw, the median of nine visits, in turns with the same page drawn by Chart.js.
"""

import copy
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from flukso_server.dashboard import demo
from tools.bench.platform import processes, rival
from tools.harness.chart_page import until
from tools.harness.site import DAY, Site, member, sensor
from tools.harness.window import DESKTOP, open_chromium

VISITS = 9
LINES = 5
YEAR_READS = 60
RAW_D = 70  # days with a tuple a minute; what is older has aged to quarters
MEMBERS = {"me": member("minutes")} | {f"peer{n}": member("minutes") for n in range(1, LINES)}
BYTES = """() => [
        ...performance.getEntriesByType("navigation"),
        ...performance.getEntriesByType("resource"),
    ]
    .reduce((sum, each) => sum + each.transferSize, 0)"""
DRAWN = "() => performance.getEntriesByName('chart-drawn')[0].startTime"


def fill(site: Site) -> None:
    now = int(time.time()) // 60 * 60
    for seed in range(1, LINES + 1):
        old, new = (
            demo.tuples(seed, start, end)
            for start, end in ((now - 366 * DAY, now - RAW_D * DAY), (now - RAW_D * DAY, now + 60))
        )
        base = old[-1][1]
        site.fill(sensor(seed), old[::15] + [(ts, base + wh) for ts, wh in new], now + 60)
    for seed in range(1, LINES):
        site.post("/follow/", "me", click=f"subscribe peer{seed}")

    site.call("tools.harness.members.merge")


def visit(browser, site: Site) -> tuple[float, float]:
    """(ms to the first draw, kB transferred) with a cold cache."""
    context = browser.new_context(viewport=DESKTOP)
    context.add_cookies([{"name": "sessionid", "value": site.sessions["me"], "url": site.url}])
    page = context.new_page()
    page.goto(f"{site.url}/?scale=day")
    until(page, "performance.getEntriesByName('chart-drawn').length > 0")
    points = int(page.locator("#chart").get_attribute("data-points") or 0)
    drawn, size = page.evaluate(DRAWN), page.evaluate(BYTES)
    context.close()
    if points < LINES * 1440 - LINES * 2:
        raise SystemExit(f"bench: {points} points were drawn")
    return drawn, size / 1000


def medians(browser, *sites: Site) -> list[tuple[float, float]]:
    """visit() of each site, the median of VISITS, in turns: what else the machine does hits all of
    them.
    """
    # after the first one the servers are warm
    turns = [[visit(browser, site) for site in sites] for _ in range(VISITS + 1)][1:]
    return [
        tuple(statistics.median(figures) for figures in zip(*of_site, strict=True))
        for of_site in zip(*turns, strict=True)
    ]


def series_ms(site: Site) -> float:
    """CPU of the server for a year of five members."""
    path = "/chart.json?resource=electricity&scale=year&step=week"
    for _ in range(5):
        site.get(path, "me")
    began = processes.cpu_s(site.platform.pid)
    for _ in range(YEAR_READS):
        site.get(path, "me")
    return (processes.cpu_s(site.platform.pid) - began) / YEAR_READS * 1000


def main() -> int:
    os.environ["FLUKSO_LOG_LEVEL"] = "WARNING"
    with tempfile.TemporaryDirectory(prefix="bench-page-") as name, sync_playwright() as playwright:
        browser = open_chromium(playwright)
        site = Site(Path(name) / "site", MEMBERS)
        try:
            fill(site)
            year = series_ms(site)
            other = copy.copy(site)
            other.platform = rival.beside(site.platform, Path(name) / "rival")
            try:
                ours, theirs = medians(browser, site, other)
            finally:
                other.close()
        finally:
            site.close()
            browser.close()
    print(
        f"uPlot {ours[0]:.0f} ms, {ours[1]:.0f} kB; Chart.js {theirs[0]:.0f} ms, {theirs[1]:.0f} kB"
    )
    figures = {
        "page_kb": round(ours[1], 1),
        "first_chart_ms": round(ours[0]),
        "chartjs_ms": round(theirs[0]),
        "series_ms": round(year, 1),
    }
    print("bench-page: " + json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())

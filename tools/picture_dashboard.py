# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the README's picture of the dashboard: a household with panels beside three neighbours, on a platform of its own."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.server.dashboard.conftest import FLAGS, drawn
from tests.server.dashboard.site import DAY, Site, member, sensor

FILE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "dashboard.png"
SIZE = {"width": 1200, "height": 820}
SEED, PANELS_W = 11, 2800
HOUSE = member("minutes", (("import", "electricity"), ("export", "electricity"), ("pv", "electricity")))
NEIGHBOURS = ("icarus75", "mackenzie", "jan")


def fill(site: Site) -> None:
    """Three days of everybody, up to now."""
    _ = site.platform.store  # also puts the server's folder on sys.path
    from dashboard import demo

    now = int(time.time()) // 60 * 60
    for place, tuples in enumerate(demo.solar_tuples(SEED, now - 3 * DAY, now + 60, PANELS_W).values()):
        site.fill(sensor(1, place), tuples, now)
    for number, name in enumerate(NEIGHBOURS, 2):
        site.fill(sensor(number), demo.tuples(SEED + number, now - 3 * DAY, now + 60), now)
        site.post("/follow/", "you", click=f"subscribe {name}")


def main() -> int:
    members = {"you": HOUSE} | {name: member("minutes") for name in NEIGHBOURS}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Site(Path(folder) / "site", members)
        try:
            fill(site)
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            context = browser.new_context(viewport=SIZE, device_scale_factor=1.5, locale="en-GB", color_scheme="light")
            context.add_cookies([{"name": "sessionid", "value": site.sessions["you"], "url": site.url}])
            page = context.new_page()
            page.goto(site.url + "/?scale=day")
            drawn(page)
            box = page.locator("#chart .u-over").bounding_box()
            assert box
            page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.4)
            page.wait_for_selector("#readout:visible")
            page.screenshot(path=FILE)
            browser.close()
        finally:
            site.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the README's picture of the dashboard: a household with panels beside three neighbours, on
a platform of its own.

With a folder as its argument: every scene on a phone and on a desktop, light and dark, to be looked
at.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from flukso_server.dashboard import demo
from tools.harness.chart_page import drawn
from tools.harness.site import DAY, Site, member, sensor
from tools.harness.window import DESKTOP, PHONE, open_chromium

FILE = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "dashboard.png"
SIZE = {"width": 1200, "height": 820}
SHARP = 1.5  # pixels of the picture for one of the page
SEED, PANELS_W, DAYS = 11, 2800, 70
HOUSE = member(
    "minutes", (("import", "electricity"), ("export", "electricity"), ("pv", "electricity"))
)
NEIGHBOURS = ("icarus75", "mackenzie", "jan")


def fill(site: Site) -> None:
    """Some weeks of everybody, up to now."""
    now = int(time.time()) // 60 * 60
    for place, tuples in enumerate(
        demo.solar_tuples(SEED, now - DAYS * DAY, now + 60, PANELS_W).values()
    ):
        site.fill(sensor(1, place), tuples, now)
    for number, name in enumerate(NEIGHBOURS, 2):
        site.fill(sensor(number), demo.tuples(SEED + number, now - DAYS * DAY, now + 60), now)
        site.post("/follow/", "you", click=f"subscribe {name}")


def point(page: Page) -> None:
    """Put the crosshair where a morning's values are."""
    box = page.locator("#chart .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.4)
    page.wait_for_selector("#readout:visible")


def fail(page: Page) -> None:
    """Lose the connection, and look elsewhere."""
    page.context.set_offline(True)
    page.locator("[data-scale=month]").click()
    page.wait_for_selector("#trouble:visible")


def crowd(page: Page) -> None:
    """Ask for a table, and for a search that cannot be answered."""
    page.locator("#twin summary").click()
    page.route("**/members.json*", lambda route: route.abort())
    page.locator("input[type=search]").evaluate(
        "(input) => input.dispatchEvent(new Event('input'))"
    )
    page.wait_for_selector("#circle [role=alert]:visible")


def stay(page: Page) -> None:
    """Look on."""


SCENES: dict[str, tuple[str, str, Callable[[Page], None]]] = {
    "day": ("you", "/?scale=day", point),
    "live": ("you", "/?scale=live", stay),
    "month": ("you", "/?scale=month&unit=eurperyear", point),
    "year": ("you", "/?scale=year&unit=kwhperyear", stay),
    "night": ("you", "/?scale=night", point),
    "empty": ("you", "/?scale=day&start=1600000000&end=1600086400", stay),
    "lost": ("you", "/?scale=day", fail),
    "table": ("you", "/?scale=month", crowd),
    "newcomer": ("new", "/?scale=day", stay),
}


def shoot(
    browser, site: Site, scene: str, file: Path, viewport: dict, whole: bool, **options
) -> None:
    who, path, act = SCENES[scene]
    context = browser.new_context(
        viewport=viewport, device_scale_factor=SHARP, locale="en-GB", **options
    )
    context.add_cookies([{"name": "sessionid", "value": site.sessions[who], "url": site.url}])
    page = context.new_page()
    page.goto(site.url + path)
    drawn(page)
    act(page)
    page.screenshot(path=file, full_page=whole)
    context.close()


def all_of(browser, site: Site, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            for scheme in ("light", "dark"):
                shoot(
                    browser,
                    site,
                    scene,
                    folder / f"{scene}-{size}-{scheme}.png",
                    viewport,
                    True,
                    color_scheme=scheme,
                )


def main(folder: str = "") -> int:
    members = (
        {"you": HOUSE}
        | {name: member("minutes") for name in NEIGHBOURS}
        | {"new": member(None, ())}
    )
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        site = Site(Path(scratch) / "site", members)
        try:
            fill(site)
            browser = open_chromium(playwright)
            if folder:
                all_of(browser, site, Path(folder))
            else:
                shoot(browser, site, "day", FILE, SIZE, False, color_scheme="light")
            browser.close()
        finally:
            site.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))

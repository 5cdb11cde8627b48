# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the README's picture of the LAN page as a phone shows it: a new device at work, that nobody
has claimed. `make pictures`.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tools.fakes.server import Server
from tools.harness import ca
from tools.harness.chain import Chain
from tools.harness.processes import free_port
from tools.harness.window import open_chromium

FILE = Path(__file__).resolve().parents[1] / "docs/pictures/lan-page.png"
PHONE = {"width": 390, "height": 700}
SCALE = 2  # device pixels a pixel: sharp on every screen
SERVER = "flukso.example"  # what the picture calls the server, which has a port of this machine's
DAEMON = (
    "config settings daemon\n\toption register '1'\n\toption enable_lan_branch '1'\n\toption "
    "lan_port '{}'\n"
)
LOADS_W = (148, 151, 149, 152, 2208, 2213, 2210, 2216, 150, 148, 147, 149)  # of 5 s each: a kettle
SETTLE_S = 20  # until the first uploads are over


def household(folder: Path, url: str, cacert: Path, port: int) -> Chain:
    """A household whose daemon has registered, after a minute of these loads."""
    chain = Chain(folder, url, cacert, digits=22, sensors=(1, 2, 3, 4))
    chain.configure(extra=DAEMON.format(port))
    chain.start()
    chain.clamp(LOADS_W[0])
    chain.pass_time(SETTLE_S)
    for watt in LOADS_W:
        chain.clamp(watt)
        chain.pass_time(5)
    return chain


def shoot(url: str, server: str) -> None:
    """The page, which is told that its server is SERVER."""

    def renamed(route):
        text = route.fetch().text()
        route.fulfill(body=text.replace(server, SERVER), content_type="application/json")

    with sync_playwright() as playwright:
        browser = open_chromium(playwright)
        page = browser.new_page(viewport=PHONE, device_scale_factor=SCALE)
        page.route("**/status", renamed)
        page.goto(url)
        page.wait_for_selector("#claim path[d]", state="attached")
        page.wait_for_selector("#cards polyline", state="attached")
        page.screenshot(path=FILE)
        browser.close()


def main() -> int:
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        keys = ca.make(folder)
        with Server(keys / "good.pem", {}, sensors={}) as server:
            port = free_port()
            chain = household(folder, server.url, keys / "ca.crt", port)
            try:
                shoot("http://127.0.0.1:{}/".format(port), server.url.split("/")[2])
            finally:
                chain.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

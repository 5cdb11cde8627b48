# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser. Every page is watched: an error in its console, a foreign request or a failed
script fails the test.
"""

import pytest
from playwright.sync_api import sync_playwright

from tools.harness.chart_page import drawn
from tools.harness.window import DESKTOP, new_context, open_chromium

# what a test provokes on purpose
# the last: a test counts pixels
HARMLESS = (
    "Failed to load resource",
    "net::ERR_",
    "Canvas2D: Multiple readback",
)


@pytest.fixture(scope="module")
def browser():
    """Of one module: while Playwright runs, its thread has a running event loop, which tests of
    other modules would trip over.
    """
    with sync_playwright() as playwright:
        running = open_chromium(playwright)
        yield running
        running.close()


@pytest.fixture
def visit(browser, site):
    """visit(who, path, …) opens a page with the member's session; what went wrong in it fails the
    test at its end. `prepare(page)` is called before the page goes anywhere.
    """
    opened, complaints = [], []

    def open_page(who, path="/", viewport=DESKTOP, wait=True, prepare=None, **options):
        context = new_context(browser, viewport=viewport, **options)
        if who is not None:
            context.add_cookies(
                [{"name": "sessionid", "value": site.sessions[who], "url": site.url}]
            )
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text) if said.type in ("error", "warning") else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                None if own(request.url) else complaints.append(f"foreign: {request.url}")
            ),
        )
        opened.append(context)
        if prepare is not None:
            prepare(page)
        page.goto(site.url + path, wait_until="load" if wait else "domcontentloaded")
        if wait:
            drawn(page)
        return page

    def own(url):
        return url.startswith((site.url + "/", "data:", "blob:"))

    yield open_page
    for context in opened:
        context.close()
    assert [each for each in complaints if not any(word in each for word in HARMLESS)] == []

# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser. Every page is watched: an error in its console, a foreign request or a failed
script fails the test.
"""

import time

import pytest
from playwright.sync_api import sync_playwright

from tests.server.window import WAIT_MS, new_context, open_chromium

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# what a test provokes on purpose
HARMLESS = (
    "Failed to load resource",
    "net::ERR_",
    "Canvas2D: Multiple readback",
)  # the last: a test counts pixels


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


def drawn(page, step=None):
    """Wait until the chart shows buckets of this step."""
    page.wait_for_selector(f"#chart[data-drawn{'' if step is None else f'={step!r}'}]")


def until(page, expression, wanted=True):
    """Wait until the page's expression is what is wanted; the browser's own way needs eval, which
    the policy forbids.
    """
    end = time.monotonic() + WAIT_MS / 1000
    while (found := page.evaluate(expression)) != wanted:
        assert time.monotonic() < end, f"{expression}: {found!r}"
        page.wait_for_timeout(50)


def statistics(page):
    """{line: [min, max, avg, last, sum]} as they stand under the chart."""
    rows = page.locator("#statistics tbody tr").all()
    return {
        row.locator("th span:not(.mark)").first.inner_text(): row.locator("td").all_inner_texts()
        for row in rows
    }


def table(page):
    """The rows of the table twin, each a list of what its cells say; opens it."""
    page.get_by_text("The values as a table").click()
    page.wait_for_selector("#twin tbody tr")  # it is filled when it has opened
    return [row.split("\t") for row in page.locator("#twin tbody tr").all_inner_texts()]


def pixels(page, colour, left=0.0, right=1.0):
    """How many of the canvas' pixels between two shares of the lines' width have about this colour."""
    return page.evaluate(
        """([left, right, r, g, b]) => {
            const canvas = document.querySelector("#chart canvas");
            const over = document.querySelector("#chart .u-over");
            const at = (share) => Math.round((over.offsetLeft + share * over.offsetWidth) * devicePixelRatio);
            const data = canvas.getContext("2d").getImageData(at(left), 0, at(right) - at(left), canvas.height).data;
            let found = 0;
            for (let i = 0; i < data.length; i += 4) {
                found += data[i + 3] > 200 && Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 30;
            }
            return found;
        }""",
        [left, right, *(int(colour[i : i + 2], 16) for i in (0, 2, 4))],
    )

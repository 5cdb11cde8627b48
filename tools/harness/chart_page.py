# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on the dashboard's page in a browser: its chart, statistics and table."""

import time

from tools.harness.window import WAIT_MS


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
    """Count the canvas' pixels of about this colour between two shares of the lines' width."""
    return page.evaluate(
        """([left, right, r, g, b]) => {
            const canvas = document.querySelector("#chart canvas");
            const over = document.querySelector("#chart .u-over");
            const at = (share) =>
                Math.round((over.offsetLeft + share * over.offsetWidth) * devicePixelRatio);
            const data = canvas.getContext("2d")
                .getImageData(at(left), 0, at(right) - at(left), canvas.height).data;
            let found = 0;
            for (let i = 0; i < data.length; i += 4) {
                found += data[i + 3] > 200 &&
                    Math.abs(data[i] - r) +
                    Math.abs(data[i + 1] - g) +
                    Math.abs(data[i + 2] - b) < 30;
            }
            return found;
        }""",
        [left, right, *(int(colour[i : i + 2], 16) for i in (0, 2, 4))],
    )

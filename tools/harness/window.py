# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's window of a real browser, at the time of the tests."""

import shutil

from tools.harness.testbed import shift_s

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
WAIT_MS = 90_000  # for what a page does; a busy machine is slow
# a page's Date, with `new` and without, from the machine's clock shifted; its timers and the
# browser's own clock are the machine's
MOVE = """
(shift_ms => {
    const now = Date.now;
    const Moved = new Proxy(Date, {
        apply: () => new Moved().toString(),
        construct: (plain, told, target) =>
            Reflect.construct(plain, told.length ? told : [Moved.now()], target),
        get: (plain, name, self) =>
            (name === "now" ? () => now() + shift_ms : Reflect.get(plain, name, self)),
    });
    Moved.prototype.constructor = globalThis.Date = Moved;
})"""


def open_chromium(playwright, *flags: str):
    """A browser that a test's Playwright drives; `flags` are the test's own."""
    program = shutil.which("chromium")
    assert program, "Debian's chromium is needed: see tools/packages.apt"
    return playwright.chromium.launch(executable_path=program, args=[*FLAGS, *flags])


def new_context(browser, **options):
    """A context of one person, whose pages' clock is that of the tests, as the platform's is."""
    context = browser.new_context(timezone_id="UTC", **({"locale": "en-GB"} | options))
    context.set_default_timeout(WAIT_MS)
    shift_ms = round(shift_s() * 1000)
    context.add_init_script(f"{MOVE}({shift_ms})")
    return context

# SPDX-License-Identifier: GPL-3.0-or-later
"""Fingers on a page."""


class Fingers:
    """Touches as the browser's own input gives them."""

    def __init__(self, page):
        self._client = page.context.new_cdp_session(page)

    def drag(self, *paths):
        """Each finger along its points, all at the same time."""
        for number, points in enumerate(zip(*paths, strict=True)):
            self._send("touchMove" if number else "touchStart", points)
        self._send("touchEnd", ())

    def _send(self, kind, points):
        touched = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)]
        self._client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

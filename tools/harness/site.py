# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform with members whose energy is known to the watt, and who may see whom."""

import json
import urllib.error
import urllib.parse
import urllib.request

from flukso_server.series.appending import append
from tools.harness.testbed import Platform

DAY = 86_400


def member(detail: str | None = None, sensors: tuple = (("import", "electricity"),)) -> dict:
    """detail: `minutes`, `day`, `private` or None for not answered; sensors: (role, type) each."""
    return {"detail": detail, "sensors": sensors}


def sensor(number: int, place: int = 0) -> str:
    """The id of a member's sensor, counted from 1 in the order of the members."""
    return f"{number:x}{place:x}" * 16


def key(number: int) -> str:
    """The key of a member's device."""
    return f"{number:02x}" * 16


class Site:
    """The running platform, and what a browser of each member sends."""

    def __init__(self, folder, members: dict[str, dict], **settings: str):
        self.platform = Platform(folder, None, FLUKSO_HTTPS="0", **settings)
        self.sessions = self.platform.call("tools.harness.members.make", members)

    @property
    def url(self) -> str:
        return self.platform.url.rstrip("/")

    def call(self, name: str, *arguments, **keywords):
        """Call a function where Django is set up, as Platform.call does."""
        return self.platform.call(name, *arguments, **keywords)

    def fill(self, sensor_id: str, tuples: list[tuple[int, int]], now: int) -> None:
        """Tuples straight into the store, which the running platform follows."""
        for begin in range(0, len(tuples), 4096):
            append(self.platform.store, sensor_id, tuples[begin : begin + 4096], now)

    def get(self, path: str, who: str | None = None) -> tuple[int, dict | str]:
        """(status, answer) of a script's request."""
        return self.ask(urllib.request.Request(self.url + path), who)

    def post(self, path: str, who: str, **fields: str) -> tuple[int, dict | str]:
        """With a CSRF token, as the page's forms send it."""
        token = "a" * 32
        body = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token}).encode()
        request = urllib.request.Request(
            self.url + path, body, {"Accept": "application/json", "Cookie": f"csrftoken={token}"}
        )
        return self.ask(request, who)

    def ask(self, request: urllib.request.Request, who: str | None) -> tuple[int, dict | str]:
        if who is not None:
            cookies = [request.get_header("Cookie"), f"sessionid={self.sessions[who]}"]
            request.add_header("Cookie", "; ".join(each for each in cookies if each))
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, _content(reply)
        except urllib.error.HTTPError as error:
            return error.code, _content(error)

    def close(self) -> None:
        self.platform.close()


def _content(reply) -> dict | str:
    text = reply.read().decode()
    return json.loads(text) if reply.headers.get_content_type() == "application/json" else text


def steady(start: int, end: int, watt: int, step: int = 60, base: int = 0) -> list[tuple[int, int]]:
    """Tuples of a steady load from start to end."""
    return [(ts, base + watt * (ts - start) // 3600) for ts in range(start, end + 1, step)]

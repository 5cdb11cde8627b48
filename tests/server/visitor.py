# SPDX-License-Identifier: GPL-3.0-or-later
"""A person at the platform's pages without a browser: one cookie jar, forms posted as a browser
posts them.
"""

import itertools
import re
from html import unescape

import requests
from requests.adapters import HTTPAdapter

_INPUT = re.compile(r"<input[^>]*>")
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


def inputs(page: str) -> dict[str, str]:
    """The inputs of a page that have a value: name -> value."""
    found = [dict(_ATTRIBUTE.findall(tag)) for tag in _INPUT.findall(page)]
    return {
        each["name"]: unescape(each["value"])
        for each in found
        if "name" in each and "value" in each
    }


_numbers = itertools.count(1)


class _FromAddress(HTTPAdapter):
    def __init__(self, address: str):
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args, **more):
        super().init_poolmanager(*args, source_address=(self._address, 0), **more)


class Visitor:
    """Follows no redirects unless told. Comes from a loopback address of its own: limits of one
    address are a person's, not all tests'.
    """

    def __init__(self, url: str, cafile=None):
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False
        number = next(_numbers)
        self.address = f"127.1.{number >> 8}.{number & 255}"
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _FromAddress(self.address))
        self.session.verify = True if cafile is None else str(cafile)

    def get(self, path: str, follow=False, **headers: str) -> requests.Response:
        url = path if path.startswith("http") else self.url + path
        return self.session.get(url, timeout=60, allow_redirects=follow, headers=headers)

    def post(
        self, path: str, fields: dict | None = None, page: str | None = None, **headers: str
    ) -> requests.Response:
        """Fetch the page (the path itself unless said) for its hidden fields, then post these and
        the fields.
        """
        hidden = inputs(self.get(path if page is None else page, follow=True).text)
        data = {name: value for name, value in hidden.items() if name == "csrfmiddlewaretoken"} | (
            fields or {}
        )
        headers.setdefault("Referer", self.url + path)
        return self.session.post(
            self.url + path, data, timeout=60, allow_redirects=False, headers=headers
        )

    def log_in(self, name: str, password: str) -> requests.Response:
        return self.post("/login/", {"login": name, "password": password})

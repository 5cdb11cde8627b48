# SPDX-License-Identifier: GPL-3.0-or-later
"""Static files: compressed, cached, and nothing outside of their folders."""

import gzip

import pytest

STYLE = "/static/dashboard/style.css"


def test_text_is_compressed_for_who_takes_it(client):
    plain, packed = client.get(STYLE), client.get(STYLE, Accept_Encoding="gzip, br")
    assert plain.status == packed.status == 200 and plain.headers["Content-Type"] == "text/css; charset=utf-8"
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body and len(packed.body) < len(plain.body) / 2
    assert plain.headers["Vary"] == "Accept-Encoding" and plain.headers["X-Content-Type-Options"] == "nosniff"


def test_what_a_browser_has_is_not_sent_again(client):
    tag = client.get(STYLE).headers["ETag"]
    again = client.get(STYLE, If_None_Match=tag)
    assert again.status == 304 and again.body == b"" and again.headers["ETag"] == tag
    assert client.get(STYLE, If_None_Match='"other"').status == 200


def test_the_apps_of_others_have_theirs(client):
    assert client.get("/static/admin/css/base.css").status == 200


OUTSIDE = [
    "",
    "dashboard",
    "dashboard/",
    "nothing.css",
    "../settings.py",
    "..%2f..%2fproject/settings.py",
    "dashboard/../../views.py",
    "%00",
    "%ff",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_there_is_nothing_else(client, name):
    assert client.get("/static/" + name).status == 404


def test_head_and_other_methods(client):
    head = client.request("HEAD", STYLE)
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 1000
    assert client.request("POST", STYLE).status == 405

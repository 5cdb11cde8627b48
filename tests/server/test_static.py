# SPDX-License-Identifier: GPL-3.0-or-later
"""Static files: compressed, cached, and nothing outside of their folders."""

import gzip

import pytest

STYLE = "/static/dashboard/style.css"


def test_text_is_compressed_for_who_takes_it(client):
    plain, packed = client.get(STYLE), client.get(STYLE, Accept_Encoding="gzip, br")
    assert (
        plain.status == packed.status == 200
        and plain.headers["Content-Type"] == "text/css; charset=utf-8"
    )
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body and len(packed.body) < len(plain.body) / 2
    assert (
        plain.headers["Vary"] == "Accept-Encoding"
        and plain.headers["X-Content-Type-Options"] == "nosniff"
    )


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


@pytest.fixture(scope="module")
def bundles(platform):
    """entry -> path, as the pages name them."""

    return {
        path.split("/", 2)[2]: "/static/" + path
        for path in platform.call("tests.server.inside.pages.bundles")
    }


def test_an_entry_comes_with_what_it_imports_and_is_kept_for_ever(client, bundles):
    script, style = (
        client.get(bundles[each]) for each in ("dashboard/main.js", "dashboard/chart.css")
    )
    assert (
        script.status == style.status == 200
        and script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    )
    assert (
        b"uPlot=function" in script.body
        and b"class Circle" in script.body
        and b"\nimport " not in script.body
    )
    assert b".uplot" in style.body and b".brand" in style.body and b"@import" not in style.body


def test_a_page_of_another_release_gets_what_is_there_but_not_for_ever(client, bundles):
    for digest in ("0123456789abcdef", "fedcba9876543210", ""):
        old = client.get(f"/static/bundle/{digest}/dashboard/main.js")
        assert old.status == 200 and old.headers["Cache-Control"] == "public, max-age=3600"
        assert (
            old.headers["Content-Type"].endswith("charset=utf-8")
            and old.body == client.get(bundles["dashboard/main.js"]).body
        )


@pytest.mark.parametrize(
    "name",
    [
        "bundle/",
        "bundle/x",
        "bundle/x/dashboard/plot.js",
        "bundle/x/../settings.py",
        "bundle/x/dashboard/main.js?",
    ],
)
def test_only_entries_are_bundled(client, name):
    assert client.get("/static/" + name.replace("?", "%3f")).status == 404


BROKEN = {
    "itself": {
        "a.js": 'import { b } from "./b.js";\nexport const a = 1;',
        "b.js": 'import { a } from "./a.js";\nexport const b = 1;',
    },
    "missing": {"a.js": 'import { b } from "./nothing.js";'},
    "elsewhere": {"a.js": 'import { b } from "https://example.org/b.js";'},
    "default export": {"a.js": "export default 1;"},
    "other import": {"a.js": 'import b from "./b.js";', "b.js": "export const b = 1;"},
    "style in itself": {"a.css": '@import "./a.css";'},
}


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in BROKEN.items()])
def test_what_cannot_be_put_in_its_place_is_said(platform, tmp_path, files):
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(RuntimeError, match="BundleError: ."):
        platform.call_afresh("tests.server.inside.pages.bundle", str(tmp_path), next(iter(files)))

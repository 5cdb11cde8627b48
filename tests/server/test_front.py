# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which name the platform is asked, what a proxy says of its clients, and pages for what goes
wrong.
"""

import json

import pytest

BASE_URL = "tests.server.inside.front.base_url"


@pytest.fixture
def ask(desk):
    """ask(path, …) gives (status, headers, text, lines of the log with whether they have a
    traceback).
    """

    def one(
        path,
        method="GET",
        body="",
        settings=(),
        check=False,
        secure=True,
        kind="application/x-www-form-urlencoded",
        **headers,
    ):
        options = {"enforce_csrf_checks": check}
        sent = {"body": body, "kind": kind, "secure": secure, "headers": headers}
        return desk.call(
            "tests.server.inside.front.ask", path, method, dict(settings), options, **sent
        )

    return one


def test_a_name_that_is_not_served_costs_one_line(ask):
    status, _headers, text, lines = ask("/login/", HTTP_HOST="evil.example")
    assert status == 400 and "not served under this name" in text and "evil.example" not in text
    assert (
        len(lines) == 1
        and "FLUKSO_ALLOWED_HOSTS" in lines[0][0]
        and "evil.example" in lines[0][0]
        and not lines[0][1]
    )


HTML = {"HTTP_ACCEPT": "text/html,application/xhtml+xml"}
TROUBLES = [  # id, what is asked, status, words of the page
    (
        "403 csrf",
        {"path": "/login/", "method": "POST", "body": "login=a", "check": True},
        403,
        "Open the form anew",
    ),
    ("404", {"path": "/nothing/"}, 404, "nothing here"),
    ("404 of a file", {"path": "/sensors/" + "0" * 32 + "/nothing"}, 404, "nothing here"),
    ("405", {"path": "/login/", "method": "DELETE"}, 405, "takes forms alone"),
    ("405 of ours", {"path": "/account/export/", "method": "DELETE"}, 405, "takes forms alone"),
    (
        "500",
        {"path": "/login/", "settings": {"ACCOUNT_FORMS": {"login": "nowhere.Form"}}},
        500,
        "Something went wrong here",
    ),
]


@pytest.mark.parametrize(
    "asked, status, words", [pytest.param(*rest, id=i) for i, *rest in TROUBLES]
)
def test_what_goes_wrong_is_a_page_that_leads_on(ask, asked, status, words):
    found, headers, text, _lines = ask(**(asked | HTML))
    assert found == status and words in text and "DEBUG" not in text
    assert (
        'href="/"' in text and "</html>" in text and headers["Content-Type"].startswith("text/html")
    )
    if status == 405:
        assert "POST" in headers["Allow"]


def test_programs_are_told_as_json(ask):
    for asked in (
        {"path": "/api/1/nothing"},
        {"path": "/unit/", "method": "DELETE", "HTTP_ACCEPT": "application/json"},
    ):
        _status, headers, text, _lines = ask(**asked)
        assert headers["Content-Type"] == "application/json" and set(json.loads(text)) == {"error"}


def test_a_page_leads_back_to_its_form(ask):
    _status, _headers, text, lines = ask(
        "/account/price/", "POST", "x=1", check=True, HTTP_REFERER="https://localhost/account/?x=1"
    )
    assert (
        'href="/account/"' in text
        and "Once more" in text
        and any("/account/price/" in line for line, _trace in lines)
    )
    _status, _headers, text, _lines = ask(
        "/account/price/", "POST", "x=1", check=True, HTTP_REFERER="https://evil.example/account/"
    )
    assert "evil" not in text and 'href="/login/"' in text


PROXIED = {"BEHIND_PROXY": True}
LOG_IN = {
    "path": "/login/",
    "method": "POST",
    "body": "login=nobody&password=nothing-at-all",
    "settings": PROXIED,
}


def test_a_log_in_behind_a_proxy_that_says_enough(ask):
    for said in ({"HTTP_X_FORWARDED_FOR": "9.9.9.9, 192.0.2.7"}, {"HTTP_X_REAL_IP": "192.0.2.7"}):
        status, _headers, text, _lines = ask(**LOG_IN, **said)
        assert status == 200 and "not correct" in text


@pytest.mark.parametrize("address", ["192.0.2.7:4711", "[2001:db8::7]:80", "2001:db8::7"])
def test_a_proxy_may_say_the_client_s_port_too(ask, address):
    # a name is tried so often only
    form = dict(LOG_IN, body="login=another&password=nothing-at-all")
    assert ask(**form, HTTP_X_FORWARDED_FOR=address)[0] == 200


@pytest.mark.parametrize(
    "real, forwarded",
    [
        ("10.0.0.1", "192.0.2.7"),
        ("192.0.2.7", "9.9.9.9, 192.0.2.8"),
        ("unknown", "192.0.2.7"),
        (None, "unknown"),
    ],
)
def test_whoever_forges_an_address_is_refused_and_named_in_the_log(ask, real, forwarded):
    said = {"HTTP_X_FORWARDED_FOR": forwarded} | ({"HTTP_X_REAL_IP": real} if real else {})
    status, _headers, _text, lines = ask(**LOG_IN, **said)
    assert status == 403 and [
        trace for line, trace in lines if "the client's address is unknown" in line
    ] == [False]


def test_a_csrf_page_leads_on_whatever_the_referer_is(ask):
    said = {"HTTP_REFERER": "http://[bad/", "HTTP_X_FORWARDED_FOR": "192.0.2.7"}
    assert ask(**LOG_IN, check=True, **said)[0] == 403


def test_a_log_in_behind_a_proxy_that_says_too_little_is_told_what_is_missing(ask):
    status, _headers, text, lines = ask(**LOG_IN)
    assert status == 403 and "X-Real-IP" in text and "X-Forwarded-For" in text
    assert [trace for line, trace in lines if "X-Real-IP" in line] == [False]


def test_a_proxy_that_tells_no_scheme_is_one_of_https(ask):
    """The browser sends its Origin, which must fit."""
    said = {
        "HTTP_X_FORWARDED_FOR": "192.0.2.7",
        "HTTP_ORIGIN": "https://localhost",
        "HTTP_REFERER": "https://localhost/login/",
    }
    page = ask("/login/", settings=PROXIED, secure=False, HTTP_X_FORWARDED_FOR="192.0.2.7")
    assert page[0] == 200
    told = dict(LOG_IN, body=LOG_IN["body"] + "&csrfmiddlewaretoken=" + "a" * 32)
    status, _headers, text, _lines = ask(
        **told, check=True, secure=False, HTTP_COOKIE="csrftoken=" + "a" * 32, **said
    )
    assert status == 200 and "not correct" in text


@pytest.mark.parametrize(
    "url, words",
    [
        ("https://example.org/flukso", "does not work below"),
        ("http://example.org", "FLUKSO_HTTPS"),
        ("example.org", "is no URL"),
        ("https://", "is no URL"),
        ("https://a b", "is no URL"),
    ],
)
def test_a_base_url_that_makes_no_sense_stops_the_start(desk, monkeypatch, url, words):
    monkeypatch.setitem(desk.environment, "FLUKSO_BASE_URL", url)
    with pytest.raises(RuntimeError, match=f"FLUKSO_BASE_URL.*{words}"):
        desk.command("check")


def test_a_base_url_that_is_said_is_taken_as_it_is(desk, monkeypatch):
    """Not with the port of the service, which nobody but a proxy asks."""
    monkeypatch.setitem(desk.environment, "FLUKSO_BASE_URL", "https://localhost/")
    assert desk.call_afresh(BASE_URL) == ["https://localhost", False]
    monkeypatch.delitem(desk.environment, "FLUKSO_BASE_URL")
    assert desk.call_afresh(BASE_URL) == ["https://localhost", True]

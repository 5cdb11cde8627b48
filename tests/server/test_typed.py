# SPDX-License-Identifier: GPL-3.0-or-later
"""A form that is sent after its session has ended leads through the log-in back to its page, with
what was typed.
"""

import re

import pytest

HERE = "tests.server.inside.typed."
DEVICE, SENSOR = "6" * 32, "7" * 32
FORMS = [  # path, fields, the page, what it shows
    (
        "/account/",
        {"username": "typist", "time_zone": "Pacific/Chatham", "unit": "watt"},
        "/account/",
        '"Pacific/Chatham" selected',
    ),
    (
        "/account/price/",
        {"cents_per_kwh": "28,45", "currency": "CHF", "since": "2026-02-03"},
        "/account/#price",
        'value="28,45"',
    ),
    (
        "/account/sharing/",
        {"sharing": "day", "audience": "chosen", "names": "wilma, barney"},
        "/account/#sharing",
        'value="wilma, barney"',
    ),
    ("/tokens/", {"name": "for the kitchen"}, "/tokens/", 'value="for the kitchen"'),
    (
        "/invitations/",
        {"email": "friend@example.org"},
        "/invitations/",
        'value="friend@example.org"',
    ),
    ("/claim/", {"code": "ABCD-1234"}, "/devices/", 'value="ABCD-1234"'),
    (f"/devices/{DEVICE}/name/", {"name": "cellar box"}, "/devices/", 'value="cellar box"'),
    (f"/sensors/{SENSOR}/settings/", {"name": "roof", "role": "pv"}, "/devices/", 'value="roof"'),
    (
        "/email/",
        {"email": "new@example.org", "action_add": ""},
        "/email/",
        'value="new@example.org"',
    ),
]
NOT_SAVED = "it is not saved yet"


def send(site, path, fields, before="typist", after="typist") -> list:
    """What `inside.typed.send` returns. before: who was logged in when the page was opened; after:
    who logs in when the form was sent.
    """
    return site.call(HERE + "send", path, fields, before, after)


@pytest.fixture(scope="module")
def site(desk):
    desk.call(HERE + "make", DEVICE, SENSOR)
    return desk


@pytest.mark.parametrize("path, fields, page, words", FORMS)
def test_what_was_typed_is_there_after_the_log_in_once(site, path, fields, page, words):
    sent, to, login, entered, back, status, shown, again = send(site, path, fields)
    assert (sent, login, entered, back, status) == (302, 200, 302, page, 200) and to.startswith(
        "/login/?next="
    )
    assert words in shown and NOT_SAVED in shown
    assert words not in again and NOT_SAVED not in again


BUTTONS = [
    ("/account/price/7/delete/", {}, "/account/#price"),
    ("/account/export/", {}, "/account/"),
    ("/account/delete/", {"password": "not kept"}, "/account/delete/"),
    (
        "/password/change/",
        {"oldpassword": "not kept", "password1": "not kept", "password2": "not kept"},
        "/password/change/",
    ),
    ("/invitations/3/withdraw/", {}, "/invitations/"),
    (f"/devices/{DEVICE}/release/", {}, "/devices/"),
    ("/follow/", {"click": "subscribe somebody"}, "/"),
]


@pytest.mark.parametrize("path, fields, page", BUTTONS)
def test_a_button_leads_back_to_its_page_and_does_nothing(site, path, fields, page):
    sent, _to, _login, entered, back, status, shown, _again = send(site, path, fields)
    assert (sent, entered, back, status) == (302, 302, page, 200)
    assert "not kept" not in shown


@pytest.mark.parametrize(
    "before, after", [("typist", "another"), ("", "typist"), ("another", "typist")]
)
def test_what_somebody_else_typed_is_shown_to_nobody(site, before, after):
    *_rest, status, shown, again = send(site, "/tokens/", {"name": "of my own"}, before, after)
    assert status == 200
    assert all(words not in page for words in ("of my own", NOT_SAVED) for page in (shown, again))


@pytest.mark.parametrize("ticked", [True, False])
def test_ticks_are_there_as_they_were_sent(site, ticked):
    friend = site.call(HERE + ("make_chosen" if ticked else "chosen"))
    fields = {"sharing": "day", "audience": "chosen", "names": ""} | (
        {"chosen": friend} if ticked else {}
    )
    shown, again = send(site, "/account/sharing/", fields)[-2:]
    # the second page shows what is saved
    assert [_ticked(page, friend) for page in (shown, again)] == [
        ticked,
        True,
    ]


def _ticked(page: str, friend: int) -> bool:
    (box,) = re.findall(f'<input[^>]*name="chosen"[^>]*value="{friend}"[^>]*>', page)
    return "checked" in box


def test_strangers_cannot_have_much_kept(site):
    assert site.call(HERE + "sessions_of_strangers") == [0, 30, 401]

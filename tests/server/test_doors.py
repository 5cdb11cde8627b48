# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps strangers out of pages: CSRF, sessions, redirects, guessing, limits, and a log without
secrets.
"""

import re

import pytest

from tests.server.conftest import people_of
from tests.server.database import column, update
from tests.server.visitor import Visitor
from tools.harness.device import DEVICE, KEY, OTHER_DEVICE, OTHER_KEY, OTHER_SENSOR, SENSOR
from tools.harness.testbed import Platform

PASSWORD = "correct horse alice"  # as inside.accounts.people makes them
NOBODY_DEVICE, NOBODY_SENSOR = "9" * 32, "8" * 32


@pytest.fixture(scope="module")
def platform(tmp_path_factory, certificates, mailbox):
    devices, sensors = (
        {DEVICE: KEY, OTHER_DEVICE: OTHER_KEY},
        {SENSOR: DEVICE, OTHER_SENSOR: OTHER_DEVICE},
    )
    folder = tmp_path_factory.mktemp("doors")
    with Platform(
        folder, certificates / "good.pem", devices, sensors, **mailbox.settings
    ) as running:
        people_of(running)
        update(running, "accounts.Account", {"email": "alice@example.org"}, username="alice")
        running.call("tests.server.inside.accounts.share", "alice", "minutes", "all")
        running.call("tests.server.inside.accounts.share", "bob", "private")
        yield running


@pytest.fixture
def guest(platform, certificates):
    return Visitor(platform.url, certificates / "ca.crt")


@pytest.fixture(scope="module")
def session(platform, certificates):
    """The cookies of a log-in of alice: checking a password takes its time."""
    visitor = Visitor(platform.url, certificates / "ca.crt")
    assert visitor.log_in("alice", PASSWORD).status_code == 302
    return visitor.session.cookies


@pytest.fixture
def alice(platform, certificates, session):
    visitor = Visitor(platform.url, certificates / "ca.crt")
    visitor.session.cookies.update(session)
    return visitor


OWN_PAGES = [
    "/",
    "/account/",
    "/money/",
    "/devices/",
    "/tokens/",
    "/relationships/",
    "/claim/ABCDEFGH/",
    f"/sensors/{SENSOR}/import/",
    "/invitations/",
    "/account/delete/",
    "/email/",
    "/password/change/",
]
FORMS = [  # every address that changes something for who is logged in
    "/account/",
    "/account/price/",
    "/account/price/1/delete/",
    "/account/sharing/",
    "/account/export/",
    "/account/delete/",
    "/tokens/",
    "/invitations/",
    "/invitations/1/withdraw/",
    "/claim/",
    f"/devices/{DEVICE}/name/",
    f"/devices/{DEVICE}/window/",
    f"/devices/{DEVICE}/release/",
    f"/sensors/{SENSOR}/continue/",
    f"/sensors/{SENSOR}/correct/",
    f"/sensors/{SENSOR}/undo/",
    f"/sensors/{SENSOR}/settings/",
    f"/sensors/{SENSOR}/import/",
    f"/sensors/{SENSOR}/import/store/",
    "/follow/",
    "/unit/",
    "/email/",
    "/password/change/",
    "/logout/",
]


@pytest.mark.parametrize("path", OWN_PAGES)
def test_own_pages_ask_who_is_there(guest, path):
    answer = guest.get(path)
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/login/")


@pytest.mark.parametrize("path", FORMS)
def test_forms_need_a_log_in(guest, path):
    answer = guest.post(path, page="/login/")
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/login/")


@pytest.mark.parametrize("path", [*FORMS, "/login/", "/signup/", "/password/reset/"])
def test_forms_of_other_sites_are_refused(alice, path):
    for headers in ({}, {"Origin": "https://evil.example", "Referer": "https://evil.example/"}):
        answer = alice.session.post(
            alice.url + path, {"name": "x"}, timeout=60, allow_redirects=False, headers=headers
        )
        assert answer.status_code == 403
    assert alice.get("/account/").status_code == 200


def test_the_api_wants_the_csrf_token_of_a_session(alice):
    answer = alice.session.patch(alice.url + "/api/1/account", json={"unit": "watt"}, timeout=60)
    assert answer.status_code == 403
    token = {"X-CSRFToken": alice.session.cookies["csrftoken"], "Referer": alice.url + "/"}
    assert (
        alice.session.patch(
            alice.url + "/api/1/account", json={"unit": "watt"}, timeout=60, headers=token
        ).status_code
        == 200
    )


def test_a_session_that_was_planted_is_not_logged_in(guest, platform, certificates):
    """Session fixation: the cookie from before the log-in opens nothing after it."""

    planted = platform.call("tests.server.inside.accounts.session_of_nobody")
    guest.session.cookies.set("sessionid", planted, domain="localhost.local", secure=True)
    assert guest.log_in("alice", PASSWORD).status_code == 302
    assert planted not in [
        cookie.value
        for cookie in guest.session.cookies
        if cookie.name == "sessionid" and cookie.domain != "localhost.local"
    ]
    thief = Visitor(platform.url, certificates / "ca.crt")
    answer = thief.get("/account/", Cookie="sessionid=" + planted)
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/login/")


def test_the_cookie_is_for_https_and_not_for_scripts(session):
    cookie = next(each for each in session if each.name == "sessionid")
    assert (
        cookie.secure
        and cookie.has_nonstandard_attr("HttpOnly")
        and cookie.get_nonstandard_attr("SameSite") == "Lax"
    )


@pytest.mark.parametrize(
    "query", ["", "&callback=found", "&jsonp_callback=found"], ids=["json", "callback", "jsonp"]
)
def test_a_session_opens_nothing_that_other_sites_may_read(alice, query):
    """What answers with JSONP or CORS looks at tokens alone: a foreign page's visitor lends it no
    session.
    """
    path = f"/sensor/{SENSOR}?version=1.0&interval=hour&unit=watt{query}"
    assert alice.get(path, Origin="https://evil.example").status_code == 401
    token = re.search(
        r'<code id="token">([^<]*)', alice.post("/tokens/", {"name": "one"}).text
    ).group(1)
    answer = alice.get(path, Origin="https://evil.example", **{"X-Token": token})
    assert answer.status_code == 200 and answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (
        "Access-Control-Allow-Credentials" not in answer.headers
        and "Set-Cookie" not in answer.headers
    )


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/chart.json?scale=day&callback=found&jsonp_callback=found",
        "/members.json",
        "/api/1/devices",
    ],
)
def test_what_a_session_opens_is_for_this_site_alone(alice, path):
    for answer in (
        alice.get(path, Origin="https://evil.example"),
        alice.session.options(alice.url + path, timeout=60),
    ):
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
        assert not answer.text.startswith("found(")
    assert alice.get(path, Origin="https://evil.example").status_code == 200


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
    ],
)
def test_nobody_is_sent_to_another_site(guest, to):
    answer = guest.post("/login/", {"login": "alice", "password": PASSWORD, "next": to})
    assert answer.status_code == 302 and answer.headers["Location"] == "/"
    assert guest.get("/login/?next=" + to).headers["Location"] == "/"
    assert guest.post("/logout/", {"next": to}, page="/account/").headers["Location"] == "/login/"


def test_where_one_wanted_to_go_is_kept(guest):
    assert (
        guest.post(
            "/login/", {"login": "alice", "password": PASSWORD, "next": "/devices/"}
        ).headers["Location"]
        == "/devices/"
    )


def plain(answer) -> tuple[int, str, str]:
    """What an answer tells but for its form's token and what was typed."""
    text = re.sub(r'value="[^"]*"', "", answer.text)
    return answer.status_code, answer.headers.get("Location", ""), text


def test_a_wrong_name_and_a_wrong_password_are_answered_alike(platform, certificates):
    answers = []
    for name in ("alice", "nobody-of-this-name"):
        visitor = Visitor(platform.url, certificates / "ca.crt")
        answers.append(plain(visitor.log_in(name, "not it, not it")))
    assert answers[0] == answers[1] and answers[0][0] == 200


def test_asking_for_a_new_password_tells_nothing(guest, mailbox):
    answers = [
        plain(guest.post("/password/reset/", {"email": email}))
        for email in ("alice@example.org", "stranger@example.org")
    ]
    assert answers[0] == answers[1]
    assert "/password/reset/key/" in mailbox.link("alice@example.org")
    assert "/password/reset/key/" not in mailbox.take("stranger@example.org").get_content()


def test_links_lead_to_the_platform_whatever_name_was_asked_for(guest, alice, platform, mailbox):
    """The log is as for any other request: the name is served, but the port is somebody else's."""
    guest.get("/login/")
    false = {"Host": "localhost:6666", "Referer": "https://localhost:6666/password/reset/"}
    guest.post("/password/reset/", {"email": "alice@example.org"}, **false)
    mail = mailbox.take("alice@example.org").get_content()
    assert platform.url + "password/reset/key/" in mail and "6666" not in mail
    alice.post(
        "/invitations/",
        {"email": "linked@example.org"},
        **(false | {"Referer": "https://localhost:6666/invitations/"}),
    )
    assert mailbox.link("linked@example.org").startswith(platform.url + "invitation/")


def test_inviting_a_member_tells_nothing(alice, mailbox):
    pages = []
    for email in ("alice@example.org", "other@example.org"):
        alice.post("/invitations/", {"email": email})
        page = alice.get("/invitations/").text
        pages.append(re.search(r'<p class="message[^>]*>([^<]*)', page).group(1))
        mailbox.take(email)
    assert pages[0] == pages[1]


def test_signing_up_with_a_members_address_tells_nothing(platform, certificates, alice, mailbox):
    answers = []
    for name, email in (("guesser", "alice@example.org"), ("fresh", "fresh@example.org")):
        alice.post("/invitations/", {"email": name + "-invited@example.org"})
        visitor = Visitor(platform.url, certificates / "ca.crt")
        visitor.get(mailbox.link(name + "-invited@example.org"))
        answers.append(
            plain(
                visitor.post(
                    "/signup/", {"username": name, "email": email, "password1": "a long one, that"}
                )
            )
        )
    assert answers[0] == answers[1] and answers[0][1] == "/confirm-email/"


@pytest.mark.parametrize(
    "path, theirs, nobodys",
    [
        ("/devices/{}/name/", OTHER_DEVICE, NOBODY_DEVICE),
        ("/devices/{}/window/", OTHER_DEVICE, NOBODY_DEVICE),
        ("/devices/{}/release/", OTHER_DEVICE, NOBODY_DEVICE),
        ("/sensors/{}/settings/", OTHER_SENSOR, NOBODY_SENSOR),
        ("/sensors/{}/continue/", OTHER_SENSOR, NOBODY_SENSOR),
        ("/sensors/{}/import/", OTHER_SENSOR, NOBODY_SENSOR),
        ("/sensors/{}/import/store/", OTHER_SENSOR, NOBODY_SENSOR),
        ("/sensors/{}/correct/", OTHER_SENSOR, NOBODY_SENSOR),
        ("/sensors/{}/undo/", OTHER_SENSOR, NOBODY_SENSOR),
    ],
)
def test_what_is_somebody_elses_is_as_if_it_were_not(alice, path, theirs, nobodys):
    answers = [
        plain(alice.post(path.format(one), {"name": "x", "role": "pv"}, page="/devices/"))
        for one in (theirs, nobodys)
    ]
    assert answers[0] == answers[1] and answers[0][0] == 404


@pytest.mark.parametrize(
    "action, status",
    [("subscribe", 409), ("unsubscribe", 200), ("show", 409), ("hide", 409), ("marry", 409)],
)
def test_lists_tell_not_who_is_a_private_member(alice, action, status):
    """bob is one, nobody is not."""
    for headers in ({"Accept": "application/json"}, {}):
        found = []
        for name in ("bob", "nobody"):
            answer = alice.post(
                "/follow/", {"click": f"{action} {name}"}, page="/account/", **headers
            )
            page = "" if headers else re.sub(r'value="[^"]*"', "", alice.get("/account/").text)
            found.append((answer.status_code, answer.headers.get("Location"), answer.text, page))
        assert found[0] == found[1] and found[0][0] == (status if headers else 302)


def test_clicks_without_scripts_lead_back(alice):
    for page, to in (("relationships", "/relationships/"), ("https://evil.example/", "/")):
        assert (
            alice.post("/follow/", {"click": "hide bob", "page": page}, page="/account/").headers[
                "Location"
            ]
            == to
        )


def test_a_token_for_somebody_elses_sensor_is_not_made(alice):
    answers = [
        plain(alice.post("/tokens/", {"sensor": one})) for one in (OTHER_SENSOR, NOBODY_SENSOR)
    ]
    assert answers[0] == answers[1] and answers[0][0] == 404


def test_the_admin_is_for_operators_and_uses_the_same_door(guest, alice):
    assert guest.get("/admin/").headers["Location"].startswith("/admin/login/")
    assert guest.get("/admin/login/?next=/admin/").headers["Location"].startswith("/login/")
    assert alice.get("/admin/login/?next=/admin/").status_code == 403


def test_passwords_cannot_be_guessed_for_long(tmp_path, certificates, mailbox):
    with Platform(
        tmp_path, certificates / "good.pem", {DEVICE: KEY}, {SENSOR: DEVICE}, **mailbox.settings
    ) as platform:
        people_of(platform)
        answers = []
        for n in range(6):
            guesser = Visitor(platform.url, certificates / "ca.crt")
            # another name for the same platform is no new beginning
            origin = f"https://localhost:{7000 + n}"
            guess = {"login": "alice", "password": f"guess number {n}"}
            answers.append(
                guesser.post("/login/", guess, Host=origin[8:], Referer=origin + "/login/").text
            )
        assert "Too many failed login attempts" in answers[-1] and "Too many" not in answers[0]
        right = Visitor(platform.url, certificates / "ca.crt")
        assert right.log_in("alice", PASSWORD).status_code == 200, (
            "not even with the right one, for now"
        )
        platform.stop()  # the count outlives the process
        platform.start()
        again = Visitor(platform.url, certificates / "ca.crt")
        assert "Too many failed login attempts" in again.log_in("alice", PASSWORD).text


def test_without_a_mail_server_people_are_told(tmp_path, certificates):
    settings = {"FLUKSO_MAIL_URL": "smtp://127.0.0.1:1", "FLUKSO_SIGNUP_OPEN": "1"}
    with Platform(
        tmp_path, certificates / "good.pem", {DEVICE: KEY}, {SENSOR: DEVICE}, **settings
    ) as platform:
        people_of(platform)
        alice = Visitor(platform.url, certificates / "ca.crt")
        alice.log_in("alice", PASSWORD)
        alice.post("/invitations/", {"email": "friend@example.org"})
        page = alice.get("/invitations/").text
        assert "could not be sent" in page and "5 invitations left" in page
        guest = Visitor(platform.url, certificates / "ca.crt")
        assert (
            guest.post(
                "/signup/",
                {"username": "openly", "email": "o@example.org", "password1": "a long one, that"},
            ).status_code
            == 302
        )
        assert (
            "example.org" not in platform.log.read_text()
            and "ConnectionRefused" in platform.log.read_text()
        )


def test_no_secret_is_in_the_log(platform, certificates, mailbox, alice):
    """The last test here: everything above went through this log."""
    mailbox.messages.clear()

    # the invitations of the tests above may be used up
    update(platform, "accounts.Account", {"invitations_max": 99}, username="alice")
    alice.post("/invitations/", {"email": "logged@example.org"})
    invitation = mailbox.link("logged@example.org")
    guest = Visitor(platform.url, certificates / "ca.crt")
    guest.get(invitation)
    guest.post(
        "/signup/",
        {"username": "logged", "email": "logged2@example.org", "password1": "a long one, that"},
    )
    confirm = mailbox.link("logged2@example.org")
    guest.get(confirm)
    guest.post("/password/reset/", {"email": "alice@example.org"})
    reset = mailbox.link("alice@example.org")
    guest.get(reset, follow=True)
    log = platform.log.read_text()
    secrets = [link.rstrip("/").rsplit("/", 1)[1] for link in (invitation, confirm, reset)]
    secrets += [
        PASSWORD,
        KEY,
        OTHER_KEY,
        "alice@example.org",
        *alice.session.cookies.values(),
        *guest.session.cookies.values(),
    ]

    secrets += column(platform, "devices.Device", "claim_code")
    assert (
        len(log) > 1000
        and "/invitation/…" in log
        and "/password/reset/key/…" in log
        and "/confirm-email/…" in log
    )
    assert [secret for secret in secrets if secret in log] == []

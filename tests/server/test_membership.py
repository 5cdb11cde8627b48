# SPDX-License-Identifier: GPL-3.0-or-later
"""Becoming a member and leaving again: invitation, sign-up, confirmation, forgotten password, own
pages, with real mail.
"""

import io
import json
import re
import zipfile

import pytest

from flukso_server.series.appending import append
from tests.server.database import column, count, delete, row, rows, update, value
from tests.server.visitor import Visitor, inputs
from tools.harness.device import DEVICE, KEY, SENSOR, Client
from tools.harness.testbed import Platform

PASSWORD = "correct horse battery"
MEMBER = "tests.server.inside.accounts.member"
HERE = "tests.server.inside.membership."


def make_member(platform, name: str) -> None:
    platform.call(MEMBER, name, PASSWORD, name + "@example.org")


@pytest.fixture(scope="module")
def platform(tmp_path_factory, certificates, mailbox):
    folder = tmp_path_factory.mktemp("members")
    with Platform(
        folder, certificates / "good.pem", {DEVICE: KEY}, {SENSOR: DEVICE}, **mailbox.settings
    ) as running:
        make_member(running, "anna")
        yield running


@pytest.fixture
def visit(platform, certificates):
    """Opens a browser that nobody is logged in with, or somebody."""

    def one(name: str | None = None, password: str = PASSWORD) -> Visitor:
        visitor = Visitor(platform.url, certificates / "ca.crt")
        if name is not None:
            assert visitor.log_in(name, password).status_code == 302
        return visitor

    return one


def invited(visit, mailbox, email: str) -> Visitor:
    """A visitor who has followed the link of an invitation by anna."""
    shell_free = visit("anna")
    assert shell_free.post("/invitations/", {"email": email}).status_code == 302
    guest = visit()
    answer = guest.get(mailbox.link(email))
    assert answer.status_code == 302 and answer.headers["Location"] == "/signup/"
    return guest


def sign_up(visitor: Visitor, name: str, email: str, **more: str):
    return visitor.post(
        "/signup/", {"username": name, "email": email, "password1": PASSWORD} | more
    )


def allow(platform, invitations: int = 50) -> None:

    update(platform, "accounts.Account", {"invitations_max": invitations})
    delete(platform, "accounts.Invitation")


def test_an_invited_person_signs_up_and_is_in(platform, visit, mailbox):
    allow(platform)
    guest = invited(visit, mailbox, "bob@example.org")
    page = guest.get("/signup/").text
    assert 'value="bob@example.org"' in page and "checked" not in page, (
        "nothing is ticked beforehand"
    )
    assert (
        sign_up(guest, "bob", "bob@example.org", sharing="day", audience="all").headers["Location"]
        == "/"
    )
    assert guest.get("/account/").status_code == 200
    bob = row(
        platform,
        "accounts.Account",
        "sharing__detail",
        "sharing__audience",
        "invitation__inviter__username",
        username="bob",
    )
    assert bob == ["day", "all", "anna"]


def test_an_invitation_serves_once(platform, visit, mailbox):
    allow(platform)
    assert visit("anna").post("/invitations/", {"email": "once@example.org"}).status_code == 302
    link = mailbox.link("once@example.org")
    first, second = visit(), visit()
    first.get(link)
    second.get(link)
    assert sign_up(first, "once", "once@example.org").status_code == 302
    assert "By invitation" in second.get("/signup/").text
    assert visit().get(link).status_code == 404
    assert count(platform, "accounts.Account", username="twice") == 0
    assert count(platform, "accounts.Sharing", account__username="once") == 0, (
        "who did not answer has not answered"
    )


def test_a_look_at_an_invitation_by_head_uses_nothing_up(platform, visit, mailbox):
    allow(platform)
    visit("anna").post("/invitations/", {"email": "headed@example.org"})
    link = mailbox.link("headed@example.org")

    before = count(platform, "sessions.Session")
    scanner = visit()
    assert [
        scanner.session.head(link, timeout=60, allow_redirects=True).status_code for _ in range(3)
    ] == [200] * 3
    assert count(platform, "sessions.Session") == before
    assert not scanner.session.cookies.get("sessionid")
    assert scanner.session.head(link[:-3] + "/", timeout=60).status_code == 404
    guest = visit()
    assert (
        guest.get(link, follow=True).status_code == 200
        and sign_up(guest, "headed", "headed@example.org").status_code == 302
    )


@pytest.mark.parametrize("how", ["withdrawn", "expired", "wrong"])
def test_an_invitation_that_is_not_open_leads_nowhere(platform, visit, mailbox, how):
    allow(platform)
    email = how + "@example.org"
    anna = visit("anna")
    anna.post("/invitations/", {"email": email})
    link = mailbox.link(email)
    if how == "withdrawn":
        path = re.search(r"/invitations/\d+/withdraw/", anna.get("/invitations/").text).group()
        assert anna.post(path, page="/invitations/").status_code == 302
    elif how == "expired":
        update(platform, "accounts.Invitation", {"expires": "2020-01-01T00:00Z"})
    else:
        link = link[:-2] + "/"
    guest = visit()
    assert guest.get(link).status_code == 404
    assert "By invitation" in guest.get("/signup/").text


def test_another_address_is_confirmed_by_mail_first(platform, visit, mailbox):
    allow(platform)
    guest = invited(visit, mailbox, "work@example.org")
    answer = sign_up(guest, "home", "home@example.org")
    assert (
        answer.headers["Location"] == "/confirm-email/"
        and guest.get("/account/").status_code == 302
    )
    assert visit().log_in("home", PASSWORD).headers["Location"] == "/confirm-email/"
    link = mailbox.link("home@example.org")
    assert guest.post(link.removeprefix(guest.url)).status_code == 302
    assert visit("home").get("/account/").status_code == 200


def test_the_allowance_ends(platform, visit, mailbox):
    allow(platform, 2)
    anna = visit("anna")
    for n in range(3):
        anna.post("/invitations/", {"email": f"many{n}@example.org"})
    assert "You have 0 invitations left" in anna.get("/invitations/").text
    assert count(platform, "accounts.Invitation") == 2
    allow(platform, 1000)
    for n in range(12):
        anna.post("/invitations/", {"email": f"day{n}@example.org"})
    assert count(platform, "accounts.Invitation") == 10, "a day's mails end, whatever the allowance"


def test_a_forgotten_password_is_set_anew_by_mail(platform, visit, mailbox):
    make_member(platform, "forgetful")
    before = visit("forgetful")
    guest = visit()
    assert (
        guest.post("/password/reset/", {"email": "forgetful@example.org"}).headers["Location"]
        == "/password/reset/done/"
    )
    link = mailbox.link("forgetful@example.org")
    where = guest.get(link).headers["Location"]
    assert (
        guest.post(
            where, {"password1": "an entirely new one", "password2": "an entirely new one"}
        ).status_code
        == 302
    )
    assert visit().log_in("forgetful", PASSWORD).status_code == 200
    assert visit("forgetful", "an entirely new one").get("/account/").status_code == 200
    assert before.get("/account/").status_code == 302, "sessions of the old password end"
    assert "password" in mailbox.take("forgetful@example.org")["Subject"].lower(), (
        "and its owner is told"
    )
    assert visit().get(link, follow=True).text.count("password1") == 0, "the link serves once"


def test_the_account_page_keeps_what_is_said(platform, visit):
    anna = visit("anna")
    assert (
        anna.post(
            "/account/", {"username": "anna", "time_zone": "Australia/Sydney", "unit": "kwhperyear"}
        ).status_code
        == 302
    )
    assert anna.post(
        "/account/sharing/",
        {"sharing": "minutes", "audience": "chosen", "names": "nobody-like-this"},
        page="/account/",
    )
    assert (
        anna.post(
            "/account/price/",
            {"cents_per_kwh": "31.5", "currency": "AUD", "since": "2026-01-01"},
            page="/account/",
        ).status_code
        == 302
    )

    fields = ("time_zone", "unit", "sharing__detail", "sharing__audience")
    assert row(platform, "accounts.Account", *fields, username="anna") == [
        "Australia/Sydney",
        "kwhperyear",
        "minutes",
        "chosen",
    ]
    assert rows(platform, "accounts.Price", "account__username", "cents_per_kwh", "currency") == [
        ["anna", "31.5000", "AUD"]
    ]
    path = re.search(r"/account/price/\d+/delete/", anna.get("/account/").text).group()
    assert anna.post(path, page="/account/").status_code == 302
    assert count(platform, "accounts.Price") == 0


def test_the_sharing_form_tells_not_who_is_a_member(platform, visit):
    make_member(platform, "lurker")
    anna, shown = visit("anna"), []
    for name in ("lurker", "nowhere"):
        anna.post(
            "/account/sharing/",
            {"sharing": "day", "audience": "chosen", "names": name},
            page="/account/",
        )
        page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", anna.get("/account/").text)
        assert f'value="{name}"' in page
        shown.append(page.replace(name, "…"))
        assert chosen_by(platform, "anna") == (["lurker"] if name == "lurker" else [])
    assert shown[0] == shown[1]


@pytest.mark.parametrize(
    "path, fields",
    [
        ("/account/", {"username": "", "time_zone": "Europe/Brussels", "unit": "watt"}),
        ("/account/", {"username": "anna", "time_zone": "Mars/Base", "unit": "watt"}),
        ("/account/price/", {"cents_per_kwh": "-10001", "currency": "EUR", "since": "2026-01-01"}),
        ("/account/price/", {"cents_per_kwh": "1", "currency": "XXX", "since": "2026-01-01"}),
        ("/account/price/", {"cents_per_kwh": "1", "currency": "EUR", "since": "2199-01-01"}),
        ("/account/sharing/", {"sharing": "everything", "audience": "all"}),
        ("/account/sharing/", {"sharing": "day"}),
    ],
)
def test_what_makes_no_sense_is_told_and_changes_nothing(platform, visit, path, fields):

    before = seen(platform)
    answer = visit("anna").post(path, fields, page="/account/")
    assert answer.status_code == 200 and "errorlist" in answer.text
    assert seen(platform) == before


def test_a_link_to_a_claim_asks_and_claims_nothing_by_itself(platform, visit):

    anna = visit("anna")
    before = count(platform, "devices.Device", owner__isnull=False)
    page = anna.get("/claim/k7qf-2m3x/")
    assert (
        page.status_code == 200
        and 'value="K7QF2M3X"' in page.text
        and 'action="/claim/"' in page.text
    )
    assert page.headers["X-Frame-Options"] == "DENY" and "no-store" in page.headers["Cache-Control"]
    assert count(platform, "devices.Device", owner__isnull=False) == before
    for wrong in ("K7QF2M9X", "short", "A" * 40, "%3Cb%3E"):
        answer = anna.get("/claim/" + wrong + "/", follow=True)
        assert "A code has 8 characters" in answer.text and answer.url.endswith("/devices/")
    assert anna.post("/claim/K7QF2M3X/", {}, page="/devices/").status_code == 405


def test_devices_are_claimed_named_and_given_up(platform, visit, certificates, minute):
    with Client(platform.port, certificates / "ca.crt") as client:
        beat = {
            "reset": 1,
            "version": 210,
            "uptime": 3600,
            "memtotal": 13148,
            "memfree": 2000,
            "memcached": 300,
            "membuffers": 900,
        }
        assert client.post("/device/" + DEVICE, beat).status == 200
        assert client.upload(SENSOR, [(minute, 77), (minute + 9999, 78)]).status == 200
    code = value(platform, "devices.Device", "claim_code", pk=DEVICE)
    anna = visit("anna")
    anna.post("/claim/", {"code": code}, page="/devices/")
    page = anna.get("/devices/").text
    assert (
        "2000 of 13148 kB free" in page
        and "counter 77" in page
        and "<dt>Resets</dt><dd>1</dd>" in page
    )
    assert "<dt>Up for</dt><dd>1\xa0hour</dd>" in page and "<dt>Clock</dt><dd>–</dd>" in page
    for late_s, said in ((5, "right"), (200, "200 s behind"), (-200, "200 s ahead")):
        platform.call(HERE + "set_clock_late", DEVICE, late_s)
        assert f"<dt>Clock</dt><dd>{said}</dd>" in anna.get("/devices/").text
    assert (
        anna.post(f"/devices/{DEVICE}/name/", {"name": "attic"}, page="/devices/").status_code
        == 302
    )
    assert (
        anna.post(
            f"/sensors/{SENSOR}/settings/", {"name": "roof", "role": "pv"}, page="/devices/"
        ).status_code
        == 302
    )
    assert (
        anna.post(
            f"/sensors/{SENSOR}/settings/", {"name": "roof", "role": "boss"}, page="/devices/"
        ).status_code
        == 302
    )
    assert (
        anna.post(
            f"/sensors/{SENSOR}/settings/", {"name": "ro\x07of", "role": "pv"}, page="/devices/"
        ).status_code
        == 302
    )

    names = row(platform, "devices.Sensor", "device__name", "name", "role", pk=SENSOR)
    assert names == ["attic", "roof", "pv"]
    anna.post("/tokens/", {"name": "one"})
    for path, said, raw in (
        ("/devices/", "elektriciteit", "electricity"),
        (f"/sensors/{SENSOR}/", "elektriciteit, stroomklem", "analog"),
        ("/tokens/", "reeksen lezen", "read series"),
    ):
        page = re.sub(
            r"<script.*?</script>|<[^>]*>",
            "",
            anna.get(path, **{"Accept-Language": "nl"}).text,
            flags=re.S,
        )
        assert said in page and raw not in page
    assert anna.post(f"/devices/{DEVICE}/window/", page="/devices/").status_code == 302
    assert count(platform, "devices.Device", rekey_until=None) == 0


def test_all_that_is_kept_is_downloaded_and_then_deleted(platform, visit):
    """After the test above: anna has a device with a tuple."""
    anna = visit("anna")
    answer = anna.post("/account/export/", page="/account/")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        told = json.loads(found.read("account.json"))
        rows = found.read(f"sensors/{SENSOR}.csv").decode().split()
    assert (
        told["name"] == "anna"
        and told["devices"][0]["name"] == "attic"
        and told["sensors"][0]["role"] == "pv"
    )
    assert rows[0] == "time,counter" and rows[1].endswith(",77")
    secrets = [
        KEY,
        value(platform, "devices.Device", "claim_code"),
        *column(platform, "accounts.Token", "sha256"),
    ]
    assert not any(secret in json.dumps(told) for secret in secrets)
    assert "This is not your password" in anna.post("/account/delete/", {"password": "wrong"}).text
    assert platform.held(SENSOR)
    assert anna.post("/account/delete/", {"password": PASSWORD}).headers["Location"] == "/login/"
    assert (
        anna.get("/account/").status_code == 302
        and visit().log_in("anna", PASSWORD).status_code == 200
    )

    assert "anna" not in names_of(platform)
    assert row(platform, "devices.Device", "owner", "name") == [None, ""]


@pytest.fixture(scope="module")
def open_platform(tmp_path_factory, certificates, mailbox):
    settings = mailbox.settings | {"FLUKSO_SIGNUP_OPEN": "1"}
    with Platform(
        tmp_path_factory.mktemp("open"), certificates / "good.pem", **settings
    ) as running:
        make_member(running, "anna")
        yield running


def test_where_anybody_may_sign_up_an_invitation_that_is_over_stands_in_nobodys_way(
    open_platform, certificates, mailbox
):
    anna, guest = (Visitor(open_platform.url, certificates / "ca.crt") for _ in range(2))
    assert "With an invitation" not in guest.get("/login/").text
    anna.log_in("anna", PASSWORD)
    anna.post("/invitations/", {"email": "late@example.org"})
    assert guest.get(mailbox.link("late@example.org")).headers["Location"] == "/signup/"
    update(open_platform, "accounts.Invitation", {"withdrawn": True})
    assert (
        sign_up(guest, "late", "late@example.org", sharing="day", audience="chosen").headers[
            "Location"
        ]
        == "/confirm-email/"
    )
    assert guest.get("/account/").status_code == 302, "the address has not proved itself"
    assert guest.post(mailbox.link("late@example.org").removeprefix(guest.url)).status_code == 302
    guest.log_in("late", PASSWORD)
    for names in ("", " , ,"):
        guest.post(
            "/account/sharing/",
            {"sharing": "day", "audience": "chosen", "names": names},
            page="/account/",
        )
        assert "You have chosen nobody yet" in guest.get("/account/").text
    assert (
        "You share nothing" in guest.get("/").text
        and "You share nothing" in guest.get("/relationships/").text
    )


FOREIGN = list(
    enumerate(
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
    )
)


@pytest.mark.parametrize("number, to", FOREIGN)
def test_signing_up_sends_nobody_to_another_site(open_platform, certificates, mailbox, number, to):
    guest = Visitor(open_platform.url, certificates / "ca.crt")
    name = f"guest{number}"
    answer = guest.post(
        f"/signup/?next={to}",
        {"username": name, "email": name + "@example.org", "password1": PASSWORD, "next": to},
    )
    answers = [answer, guest.post(mailbox.link(name + "@example.org").removeprefix(guest.url))]
    answers.append(guest.log_in(name, PASSWORD))
    assert all(
        each.status_code == 302 and each.headers["Location"].split("?")[0] in OWN_ADDRESSES
        for each in answers
    )


OWN_ADDRESSES = ("/confirm-email/", "/login/", "/")


# fewer than an hour's tries
TAKEN = [
    "Anna",
    "ANNA",
    "anna",
    "me",
    "Demo",
    "ab",
    "with space",
    "x" * 151,
]


def test_names_that_cannot_be_had_and_the_case_of_ones_own(platform, visit):

    for name in {"anna", "namer"} - set(names_of(platform)):
        make_member(platform, name)
    namer, fields = visit("namer"), {"time_zone": "Europe/Brussels", "unit": "watt"}
    answers = {name: namer.post("/account/", fields | {"username": name}) for name in TAKEN}
    assert [
        name
        for name, answer in answers.items()
        if answer.status_code != 200 or "errorlist" not in answer.text
    ] == []
    assert namer.post("/account/", fields | {"username": "Namer"}).status_code == 302
    assert {"anna", "Namer"} <= set(names_of(platform))
    assert (
        visit("anna").get("/account/").status_code
        == visit("namer").get("/account/").status_code
        == 200
    )


def names_of(platform) -> list[str]:
    return column(platform, "accounts.Account", "username")


def chosen_by(platform, name: str) -> list[str]:
    """Whom this member has chosen to share with."""
    chosen = column(platform, "accounts.Sharing", "chosen__username", account__username=name)
    return [each for each in chosen if each is not None]


def seen(platform) -> list:
    """What the forms of anna's page can change."""
    fields = ("time_zone", "unit", "sharing__detail")
    anna = row(platform, "accounts.Account", *fields, username="anna")
    return [anna, count(platform, "accounts.Price")]


GONERS = "7" * 32  # the sensor of an account


@pytest.fixture(scope="module")
def related(platform):
    platform.call(HERE + "relate", PASSWORD, GONERS)


def test_ones_relationships_are_on_one_page(platform, visit, related):
    rita = visit("rita")
    assert (
        'href="/relationships/"' in rita.get("/").text
        and 'href="/invitations/"' in rita.get("/").text
    )
    page = rita.get("/relationships/").text

    def part(name):
        return re.search(f'<ul class="cards" id="{name}">(.*?)</ul>', page, re.S).group(1)

    assert (
        "unsubscribe seen" in part("followed")
        and "seen" in part("followers")
        and "friend" in part("chosen")
    )
    assert (
        "sees nothing of yours" in part("followers")
        and "By name: stranger" in page
        and "hosts invited you" in page
    )
    assert "accepted: seen" in page and "hidden" not in page.replace(
        "hidden@example.org", ""
    ).replace('type="hidden"', "")
    assert "hidden" not in rita.get("/invitations/").text.replace("hidden@example.org", "").replace(
        'type="hidden"', ""
    )
    assert (
        rita.post(
            "/follow/",
            {"click": "unsubscribe seen", "page": "relationships"},
            page="/relationships/",
        ).status_code
        == 302
    )
    page = rita.get("/relationships/").text
    assert "unsubscribe seen" not in page and "subscribe seen" in part("followers")
    assert "Wie ik volg" in rita.get("/relationships/", **{"Accept-Language": "nl"}).text


def test_whom_one_ticked_stays_chosen_while_out_of_sight(platform, visit, related):

    friend = value(platform, "accounts.Account", "pk", username="friend")
    rita, fields = visit("rita"), {"sharing": "day", "audience": "chosen"}
    assert re.search(f'value="{friend}"[^>]*checked', rita.get("/account/").text)
    assert (
        rita.post(
            "/account/sharing/", fields | {"chosen": friend, "names": "stranger"}, page="/account/"
        ).status_code
        == 302
    )
    assert chosen_by(platform, "rita") == ["friend", "hidden"]
    assert (
        rita.post(
            "/account/sharing/", fields | {"names": "seen, nobody"}, page="/account/"
        ).status_code
        == 302
    )
    assert chosen_by(platform, "rita") == ["hidden", "seen"], "unticked goes, named comes"
    assert (
        rita.post("/account/sharing/", fields | {"names": ""}, page="/account/").status_code == 302
    )
    assert chosen_by(platform, "rita") == ["hidden"], "and goes with the name"


def test_what_an_account_leaves_behind(platform, visit, related):
    """After the tests above: `seen` came by an invitation of rita's, and goes."""
    assert "seen@example.org" in visit("rita").get("/invitations/").text
    assert (
        visit("seen").post("/account/delete/", {"password": PASSWORD}).headers["Location"]
        == "/login/"
    )
    page = visit("rita").get("/invitations/").text
    assert "seen" not in page and "accepted" in page

    assert count(platform, "accounts.Invitation", email__startswith="seen") == 0


def test_an_operator_withdraws_invitations_and_hides_members(platform, visit, mailbox, related):
    visit("friend").post("/invitations/", {"email": "victim@example.org"})
    link, operator = mailbox.link("victim@example.org"), visit("root1")
    assert visit().get(link).status_code == 302
    for kind, search, action in (
        ("invitation", "victim", "withdraw"),
        ("sharing", "friend", "make_private"),
    ):
        path = f"/admin/accounts/{kind}/"
        number = re.search(f"{path}(\\d+)/change/", operator.get(f"{path}?q={search}").text).group(
            1
        )
        assert (
            operator.post(path, {"action": action, "_selected_action": number}).status_code == 302
        )
        assert operator.get(path + f"{number}/change/").status_code == 200
    assert visit().get(link).status_code == 404

    detail = value(platform, "accounts.Sharing", "detail", account__username="friend")
    assert detail == "private"


def test_an_operator_deletes_an_account_with_its_series(platform, visit, related):
    append(platform.store, GONERS, [(1_700_000_000, 5)], 1_700_000_000)
    operator = visit("root1")
    path = re.search(
        r"/admin/accounts/account/\d+/change/",
        operator.get("/admin/accounts/account/?q=goner").text,
    ).group()
    assert platform.held(GONERS)
    assert operator.post(path.replace("change", "delete"), {"post": "yes"}).status_code == 302
    assert "goner" not in names_of(platform) and not platform.held(GONERS)


def test_hidden_fields_are_read_from_pages():
    assert inputs('<input type="hidden" name="a" value="&amp;b"><input name="c">') == {"a": "&b"}

# SPDX-License-Identifier: GPL-3.0-or-later
"""How often one may try: each limit of the settings lets its number through, and answers 429 after
it.
"""

import time

import pytest

from tests.server.conftest import people_of
from tests.server.database import update, value
from tests.server.visitor import Visitor
from tools.harness.device import DEVICE, KEY, SENSOR
from tools.harness.testbed import Platform

PASSWORD = "correct horse alice"
PROFILE = {"time_zone": "Europe/Brussels", "unit": "watt"}


@pytest.fixture(scope="module")
def platform(tmp_path_factory, certificates, mailbox):
    """Its clock stands still: a slow machine's tries are as many a minute as a quick one's."""
    settings = mailbox.settings | {
        "FLUKSO_SIGNUP_OPEN": "1",
        "FLUKSO_TEST_CLOCK": str(int(time.time())),
    }
    with Platform(
        tmp_path_factory.mktemp("limits"),
        certificates / "good.pem",
        {DEVICE: KEY},
        {SENSOR: DEVICE},
        **settings,
    ) as running:
        people_of(running)
        yield running


@pytest.fixture(scope="module")
def alice(platform, certificates):
    visitor = Visitor(platform.url, certificates / "ca.crt")
    assert visitor.log_in("alice", PASSWORD).status_code == 302
    return visitor


def statuses(visitor, path, page, fields, count):
    """Of so many posts, with the token of one page; fields(n) of the nth."""
    visitor.get(page)
    token = {"csrfmiddlewaretoken": visitor.session.cookies["csrftoken"]}
    headers = {"Referer": visitor.url + page} | (
        {"Accept": "application/json"} if path == "/follow/" else {}
    )
    return [
        visitor.session.post(
            visitor.url + path,
            token | fields(n),
            timeout=60,
            allow_redirects=False,
            headers=headers,
        ).status_code
        for n in range(count)
    ]


def passed(found: list[int]) -> int:
    """How many came through before the first 429, after which there is nothing else."""
    first = found.index(429)
    assert set(found[first:]) == {429}
    return first


OWN = [
    ("rename", "/account/", lambda n: PROFILE | {"username": f"alice{n}"}, 10),
    ("export", "/account/export/", lambda n: {}, 5),
    ("delete", "/account/delete/", lambda n: {"password": "not it"}, 5),
    ("follow", "/follow/", lambda n: {"click": f"unsubscribe nobody{n}"}, 120),
]


@pytest.mark.parametrize(
    "path, fields, most", [pytest.param(*each[1:], id=each[0]) for each in OWN]
)
def test_an_account_is_limited(alice, path, fields, most):
    assert passed(statuses(alice, path, "/account/", fields, most + 2)) == most


def test_what_is_not_a_new_name_is_no_renaming(alice, platform):
    """After the test above, which used all of the renamings."""
    name = value(platform, "accounts.Account", "username", pk=1)
    assert statuses(alice, "/account/", "/account/", lambda n: PROFILE | {"username": name}, 2) == [
        302,
        302,
    ]


def test_new_passwords_are_asked_for_three_times_whether_it_is_a_members_address_or_not(
    platform, certificates
):
    update(platform, "accounts.Account", {"email": "a@example.org"}, pk=1)
    for email in ("a@example.org", "stranger@example.org"):
        guest = Visitor(platform.url, certificates / "ca.crt")
        assert (
            passed(
                statuses(
                    guest,
                    "/password/reset/",
                    "/password/reset/",
                    lambda n, email=email: {"email": email},
                    5,
                )
            )
            == 3
        )


def test_new_passwords_and_sign_ups_of_one_address_end(platform, certificates):
    guest = Visitor(platform.url, certificates / "ca.crt")
    assert 429 in statuses(
        guest, "/password/reset/", "/password/reset/", lambda n: {"email": f"s{n}@example.org"}, 11
    )
    assert passed(statuses(guest, "/signup/", "/signup/", lambda n: {"username": "x"}, 22)) == 20

# SPDX-License-Identifier: GPL-3.0-or-later
"""The page on which a member brings history along, and the API that takes the same files."""

import html
import re

import pytest

from tests.server.conftest import people_of
from tests.server.test_history import METER, quarter
from tests.server.visitor import Visitor
from tools.harness.device import OTHER_SENSOR, SENSOR, SENSOR_2

PAGE = f"/sensors/{SENSOR}/import/"
OLD = 1254355200  # 2009-10-01 00:00 UTC: when this community began


@pytest.fixture(scope="module")
def people(platform):
    return people_of(platform)


@pytest.fixture
def alice(platform, people, certificates):
    visitor = Visitor(platform.url, certificates / "ca.crt")
    assert visitor.log_in("alice", "correct horse alice").status_code == 302
    return visitor


def look(visitor, path, body, values=""):
    """Choose a file on the page."""
    page = visitor.get(path)
    token = visitor.session.cookies["csrftoken"]
    answer = visitor.session.post(
        visitor.url + path,
        data={"csrfmiddlewaretoken": token, "values": values},
        files={"file": ("old.csv", body, "text/csv")},
        headers={"Referer": visitor.url + path},
        timeout=60,
    )
    assert page.status_code == answer.status_code == 200
    return html.unescape(answer.text)


def keep(visitor, path, shown):
    """Press the button under what was understood."""
    lines = re.search(r"<textarea[^>]*>([^<]*)</textarea>", shown)[1]
    return visitor.post(path + "store/", {"lines": lines}, page=path)


def test_what_was_understood_is_shown_and_stored_only_then(platform, alice):
    body = f"tijd;stand\r\n{OLD};100,0\r\n{OLD + 60};101\r\nnonsense;5\r\n".encode()
    shown = look(alice, PAGE, body)
    assert "Counters by time." in shown and "tijd;stand" in shown
    assert "the time nonsense is no number from 0 on" in shown and "(in line 4)" in shown
    assert platform.held(SENSOR) == []
    answer = keep(alice, PAGE, shown)
    assert answer.status_code == 302 and answer.headers["Location"] == f"/sensors/{SENSOR}/"
    assert platform.held(SENSOR) == [(OLD, 100), (OLD + 60, 101)], "of 2009"
    assert "2 values are stored" in html.unescape(alice.get(f"/sensors/{SENSOR}/").text)


def test_quarter_hours_of_a_meter_come_along(platform, alice):
    path = f"/sensors/{SENSOR_2}/import/"
    lines = [
        quarter("02-09-2025", "00:00", "00:15", "Afname Nacht", "0,065"),
        quarter("02-09-2025", "00:00", "00:15", "Injectie Nacht", "0,500"),
        quarter("02-09-2025", "00:15", "00:30", "Afname Nacht", "0,120"),
    ]
    shown = look(alice, path, (METER + "".join(lines)).encode())
    assert "what was taken from the grid" in shown
    assert "the register Injectie Nacht is another one" in shown
    keep(alice, path, shown)
    assert [counter for _ts, counter in platform.held(SENSOR_2)] == [0, 65, 185]


@pytest.mark.parametrize(
    "body", [b"\n", b"\x00\xff" * 50, b"a,b\nc,d\n", b"<b>,1\n<i>,2\n"], ids=range(4)
)
def test_a_file_of_which_nothing_can_be_taken_is_said(alice, body):
    shown = look(alice, PAGE, body)
    assert "There is no line that can be taken." in shown and "<textarea" not in shown


def test_a_file_that_is_too_long_is_refused_before_it_is_read(client):
    headers = {"Content-Length": str((16 << 20) + 1)}
    assert client.request("POST", PAGE, b"x", headers).status == 413


def test_lines_that_nobody_was_shown_are_refused(platform, alice):
    before = platform.held(SENSOR)
    answer = alice.post(PAGE + "store/", {"lines": "1 2\nnonsense"}, page=PAGE)
    assert answer.status_code == 302 and answer.headers["Location"] == PAGE
    assert "Nothing is stored" in alice.get(PAGE).text and platform.held(SENSOR) == before


def test_somebody_elses_sensor_is_as_if_it_were_not(alice):
    for sensor in (OTHER_SENSOR, "f" * 32):
        assert alice.get(f"/sensors/{sensor}/import/").status_code == 404
        answer = alice.post(f"/sensors/{sensor}/import/store/", {"lines": "1 2"}, page=PAGE)
        assert answer.status_code == 404


def test_the_api_says_what_it_understood(platform, people, client):
    saved = b"2014-01-07 16:02:00,720\n2014-01-07 16:03:00,nan\n2014-01-07 16:04:00,360\n"
    reply = client.request(
        "POST",
        f"/api/1/sensors/{OTHER_SENSOR}/tuples.csv",
        saved,
        {"Authorization": "Bearer " + people["bob-manage"]},
    )
    assert reply.status == 200, reply.body
    found = reply.json()
    assert (found["form"], found["new"], found["left_out"]) == ("power", 4, 1)
    assert found["reasons"] == ["the power was not known then"]
    held = platform.held(OTHER_SENSOR)
    assert [counter for _ts, counter in held] == [0, 12, 12, 18]
    earlier = b"2014-01-06 16:02:00,nan\n2014-01-06 16:03:00,60\n2014-01-07 16:03:30,60\n"
    found = client.request(
        "POST",
        f"/api/1/sensors/{OTHER_SENSOR}/tuples.csv",
        earlier,
        {"Authorization": "Bearer " + people["bob-manage"]},
    ).json()
    assert (found["new"], found["left_out"]) == (2, 3), "what lies between its own is left out"
    assert platform.held(OTHER_SENSOR)[2:] == held

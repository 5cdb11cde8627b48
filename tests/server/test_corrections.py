# SPDX-License-Identifier: GPL-3.0-or-later
"""An owner sees what is doubted, and puts history right: by the API, on the sensor's page."""

import time

import pytest

from tests.server.test_api import ask
from tests.server.visitor import Visitor
from tools.harness.device import OTHER_SENSOR, SENSOR, SENSOR_2, Client

PASSWORD = "correct horse alice"  # as inside.accounts.people makes them


@pytest.fixture(scope="module")
def stepped(platform, people, certificates):
    """SENSOR_2 counts 600 W for an hour, steps 4 MWh higher, goes on for an hour."""
    start = int(time.time()) // 60 * 60 - 7200
    tuples = [(start + 60 * i, 5_000_000 + 10 * i + 4_000_000 * (i > 60)) for i in range(121)]
    with Client(platform.port, certificates / "ca.crt") as client:
        for at in range(0, len(tuples), 40):
            client.upload(SENSOR_2, tuples[at : at + 40])
    return start


def energy(client, people, sensor, start, end):
    query = f"?start={start}&end={end}&resolution=minute&unit=watt"
    rows = ask(client, "GET", f"sensors/{sensor}/series{query}", people["alice"]).json()["rows"]
    return sum(value for _ts, value in rows if value is not None and value != "nan") / 60


def test_a_step_is_asked_about_answered_and_taken_back(client, people, stepped):
    minute = stepped + 7200
    path = f"sensors/{SENSOR_2}/"
    manage = people["alice-manage"]
    before = ask(client, "GET", path + f"tuples.csv?start={stepped}&end={minute}", manage).body
    (doubt,) = ask(client, "GET", path + "doubts", people["alice"]).json()
    assert (doubt["reason"], doubt["after"] - doubt["before"]) == ("rise", 4_000_010)
    assert "4000010" in doubt["why"]
    assert energy(client, people, SENSOR_2, stepped, minute) == pytest.approx(1190, abs=1)

    said = {"kind": "accept", "start": doubt["start"], "end": doubt["end"]}
    accepted = ask(client, "POST", path + "corrections", manage, said)
    assert accepted.status == 201 and ask(client, "GET", path + "doubts", manage).json() == []
    assert energy(client, people, SENSOR_2, stepped, minute) == pytest.approx(4_001_200, abs=1)
    number = accepted.json()["id"]
    assert ask(client, "DELETE", f"{path}corrections/{number}", manage).status == 204
    assert ask(client, "DELETE", f"{path}corrections/{number}", manage).status == 404
    assert energy(client, people, SENSOR_2, stepped, minute) == pytest.approx(1190, abs=1)

    said = {"kind": "replaced", "start": doubt["end"]}
    replaced = ask(client, "POST", path + "corrections", manage, said).json()
    assert ask(client, "GET", path + "doubts", manage).json() == []
    said = {"kind": "exclude", "start": stepped + 600, "end": stepped + 1200}
    excluded = ask(client, "POST", path + "corrections", manage, said).json()
    listed = ask(client, "GET", path + "corrections", manage).json()
    assert [each["id"] for each in listed] == [excluded["id"], replaced["id"]]
    assert energy(client, people, SENSOR_2, stepped, minute) == pytest.approx(1190, abs=1)
    assert (
        ask(client, "GET", path + f"tuples.csv?start={stepped}&end={minute}", manage).body == before
    )
    for each in listed:
        assert ask(client, "DELETE", f"{path}corrections/{each['id']}", manage).status == 204


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "boss", "start": 5},
        {"kind": "exclude", "start": 9, "end": 5},
        {"kind": "exclude", "start": -1},
        {"kind": "exclude"},
        {"kind": "level", "start": 5, "value": -1},
        {"kind": "level", "start": 5, "value": 10**14},
    ],
)
def test_what_makes_no_sense_is_refused(client, people, stepped, said):
    path = f"sensors/{SENSOR_2}/corrections"
    assert ask(client, "POST", path, people["alice-manage"], said).status == 422
    assert ask(client, "GET", path, people["alice"]).json() == []


def test_a_sensor_without_tuples_has_nothing_to_correct_and_one_has_a_bound(client, people, minute):
    said = {"kind": "replaced", "start": minute}
    path = f"sensors/{OTHER_SENSOR}/corrections"
    assert ask(client, "POST", path, people["bob-manage"], said).status == 422
    client.upload(SENSOR, [(minute, 5)])
    path = f"sensors/{SENSOR}/corrections"
    made = [ask(client, "POST", path, people["alice-manage"], said) for _each in range(101)]
    assert [each.status for each in made] == [201] * 100 + [422]
    for each in made[:100]:
        ident = each.json()["id"]
        assert ask(client, "DELETE", f"{path}/{ident}", people["alice-manage"]).status == 204


def test_the_page_asks_and_takes_the_answer(client, people, platform, certificates, stepped):
    visitor = Visitor(platform.url, certificates / "ca.crt")
    assert visitor.log_in("alice", PASSWORD).status_code == 302
    page = f"/sensors/{SENSOR_2}/"
    text = visitor.get(page).text
    assert "4000010" in text and "The meter was replaced here" in text
    step = stepped + 61 * 60
    answer = visitor.post(page + "correct/", {"kind": "replaced", "start": str(step)}, page=page)
    assert answer.status_code == 302 and answer.headers["Location"] == page
    text = visitor.get(page).text
    assert "4000010" not in text and "The meter was replaced." in text
    for value in ("14930", "x", ""):
        said = {"kind": "level", "start": str(stepped + 7000), "value": value}
        visitor.post(page + "correct/", said, page=page)
    text = visitor.get(page).text
    assert "The meter says 14,930.0 kWh now" in text and "No meter says that" in text
    listed = ask(client, "GET", f"sensors/{SENSOR_2}/corrections", people["alice"]).json()
    assert {each["kind"] for each in listed} == {"replaced", "level"}
    for each in listed:
        visitor.post(page + "undo/", {"correction": str(each["id"])}, page=page)
    assert ask(client, "GET", f"sensors/{SENSOR_2}/corrections", people["alice"]).json() == []
    assert visitor.post(page + "undo/", {"correction": "9"}, page=page).status_code == 404


def test_a_configuration_sets_the_limit_from_then_on(client, people, platform, stepped):
    config = {"voltage": 230, "current": 16, "phase": 1, "class": "analog", "type": "electricity"}
    for _each in range(2):
        platform.call("tests.server.inside.corrections.configure", SENSOR_2, config)
    limits = platform.call("tests.server.inside.corrections.limits", SENSOR_2)
    assert [rate for _since, rate, _pulse in limits] == [1.278]

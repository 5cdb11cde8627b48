# SPDX-License-Identifier: GPL-3.0-or-later
"""GET /sensor/<id>.png and its files, where the RRD view is switched on."""

import socket
import sqlite3
import subprocess

import pytest
import rrdtool

from tests.server.conftest import people_of
from tools.harness.device import DEVICE, KEY, SENSOR, SENSOR_2, Client
from tools.harness.testbed import Platform
from tools.harness.wait import wait_until

DAY = 86_400
GRAPH = f"/sensor/{SENSOR}.png?version=1.0&interval=day&unit=watt"
NIGHTS = f"/sensor/{SENSOR}.png?version=1.0&interval=night&unit=watt"


@pytest.fixture
def rrdcached(tmp_path):
    """A daemon's address."""
    folder = tmp_path / "rrd"
    folder.mkdir()
    path = tmp_path / "rrdcached"
    process = subprocess.Popen(
        [
            "rrdcached",
            "-g",
            "-O",
            "-l",
            f"unix:{path}",
            "-p",
            str(tmp_path / "pid"),
            "-b",
            str(folder),
            "-w",
            "3600",
        ]
    )
    wait_until(path.exists)
    yield f"unix:{path}"
    process.terminate()
    process.wait()


def old_file(path, end: int) -> None:
    """A month of the historic platform at 600 W, up to `end`."""
    start = end - 30 * DAY
    archives = [f"RRA:AVERAGE:0.5:{rows}" for rows in ("1:1440", "15:672", "1440:365", "10080:520")]
    rrdtool.create(
        str(path),
        "--start",
        str(start - 1),
        "--step",
        "60",
        "DS:meter:DERIVE:8640000:0:20",
        *archives,
    )
    for begin in range(start, end + 1, 60 * 1000):
        rrdtool.update(
            str(path),
            *[
                f"{ts}:{(ts - start) // 6}"
                for ts in range(begin, min(begin + 60 * 1000, end + 1), 60)
            ],
        )


def test_a_sensor_with_a_history_of_the_historic_platform_is_drawn(
    tmp_path, certificates, minute, rrdcached
):
    """The operator's command, the files at once after a kill, late uploads, the night's file, and
    forgetting.
    """
    settings = {"FLUKSO_RRD_DIR": str(tmp_path / "rrd"), "FLUKSO_RRDCACHED": rrdcached}
    file, begin = tmp_path / "rrd" / SENSOR[:2] / f"{SENSOR}.rrd", minute - 7200
    tuples = [(begin + 60 * n, 1_000_000 + 10 * n) for n in range(100)]

    def energy(start, end) -> float:
        rows = rrdtool.fetch(
            "--daemon",
            rrdcached,
            str(file),
            "AVERAGE",
            "-r",
            "60",
            "-s",
            str(start),
            "-e",
            str(end),
        )[2]
        return sum(60 * row[0] for row in rows if row[0] is not None)

    with Platform(
        tmp_path,
        certificates / "good.pem",
        {DEVICE: KEY},
        {SENSOR: DEVICE, SENSOR_2: DEVICE},
        **settings,
    ) as platform:
        people = people_of(platform)
        old_file(tmp_path / "old.rrd", (begin - DAY) // DAY * DAY)
        with Client(platform.port, certificates / "ca.crt") as client:
            assert client.get(GRAPH, X_Token=people["alice"]).status == 404
            assert client.upload(SENSOR, tuples[:40] + tuples[60:]).status == 200
        assert "values for sensor" in platform.command(
            "import_rrd", SENSOR, str(tmp_path / "old.rrd")
        )
        platform.kill()
        platform.start()
        with Client(platform.port, certificates / "ca.crt") as client:
            image, nights = (
                wait_until(lambda path=path: drawn(client, path, people))
                for path in (GRAPH, NIGHTS)
            )
            assert image != nights
            wait_until(lambda: energy(begin + 60, begin + 4800) > 400)
            told = client.get(
                f"/api/1/sensors/{SENSOR}", Authorization=f"Bearer {people['alice']}"
            ).json()
            assert begin - 3 * DAY < told["imported_until"] <= begin - DAY
            assert (
                client.get(
                    f"/api/1/sensors/{SENSOR_2}", Authorization=f"Bearer {people['alice']}"
                ).json()["imported_until"]
                is None
            )
            assert client.get(GRAPH).status == 401
            assert (
                client.upload(SENSOR, [(ts, 1_000_395) for ts, _counter in tuples[40:60]]).status
                == 200
            )
        notes = sqlite3.connect(tmp_path / "rrd" / "notes.sqlite3")
        assert wait_until(lambda: notes.execute("SELECT sensor, since FROM late").fetchall()) == [
            (SENSOR, tuples[40][0])
        ]
        platform.kill()
        platform.start()
        wait_until(lambda: energy(tuples[41][0], tuples[58][0]) == 0)
        platform.call("tools.harness.members.forget", [SENSOR])
        with Client(platform.port, certificates / "ca.crt") as client:
            assert client.get(GRAPH, X_Token=people["alice"]).status == 404
        platform.kill()
        platform.start()
        wait_until(lambda: not file.exists())
        notes.close()


def drawn(client, path, people) -> bytes:
    """The image, nothing while there is none."""
    reply = client.get(path, X_Token=people["alice"])
    if reply.status == 404:
        return b""
    assert (
        reply.status == 200
        and reply.headers["Content-Type"] == "image/png"
        and reply.body.startswith(b"\x89PNG")
    )
    return reply.body


WRONG = [
    (("0" * 32, "/dev/null"), "there is no sensor"),
    ((SENSOR, "/nowhere.rrd"), "there is no file"),
    ((SENSOR, __file__), "not an RRD"),
]


@pytest.mark.parametrize("words, said", WRONG)
def test_what_cannot_be_imported_is_said(platform, words, said):
    with pytest.raises(RuntimeError, match=said):
        platform.command("import_rrd", *words)


@pytest.mark.slow
def test_a_graph_is_drawn_of_what_was_uploaded_just_now(tmp_path, certificates, minute):
    settings = {"FLUKSO_RRD_DIR": str(tmp_path / "rrd")}
    with Platform(
        tmp_path, certificates / "good.pem", {DEVICE: KEY}, {SENSOR: DEVICE}, **settings
    ) as platform:
        people = people_of(platform)
        with Client(platform.port, certificates / "ca.crt") as client:
            assert (
                client.upload(SENSOR, [(minute - 7200 + 60 * n, 10 * n) for n in range(110)]).status
                == 200
            )
            wait_until(lambda: drawn(client, GRAPH, people), 120)


def test_without_the_view_there_is_no_graph(client, people):
    assert client.get(f"/sensor/{SENSOR}.png?version=1.0", X_Token=people["alice"]).status == 404


def test_an_rrdcached_that_never_answers_is_logged_and_shown(tmp_path, certificates, minute):
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen(8)
        settings = {
            "FLUKSO_RRD_DIR": str(tmp_path / "rrd"),
            "FLUKSO_RRDCACHED": f"unix:{tmp_path}/silent",
        }
        with Platform(
            tmp_path / "platform",
            certificates / "good.pem",
            {DEVICE: KEY},
            {SENSOR: DEVICE},
            **settings,
        ) as platform:
            token = people_of(platform)["alice"]
            with Client(platform.port, certificates / "ca.crt") as client:
                assert client.upload(SENSOR, [(minute - 60, 1), (minute, 2)]).status == 200
                wait_until(lambda: "silent does not answer" in platform.log.read_text())
                reply = client.get(f"/sensor/{SENSOR}.png?interval=day", X_Token=token)
            assert (reply.status, reply.json()) == (503, {"error": "rrdcached does not answer"})

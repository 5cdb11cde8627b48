# SPDX-License-Identifier: GPL-3.0-or-later
"""`make server`: its log-in, its demo street that lives on, and its end."""

import json
import re
import socket
import subprocess
import sys
import time

import requests

from tests.server.database import column, count
from tools.harness import ROOT
from tools.harness.terminal import CTRL_C, Terminal
from tools.harness.testbed import Platform

START_S, STOP_S = 240, 60
AGO_S = 2 * 3600
DAYS = 2


def run_until_ctrl_c(folder, look) -> list[str]:
    """Start it, look(url, name, password) while it runs, end it by Ctrl-C; its lines."""
    words = f"{sys.executable} -m tools.develop --folder {folder} --days {DAYS} --port 0; exit $?"
    with Terminal(["sh", "-c", words], ROOT) as terminal:  # a shell leads the group, as make does
        terminal.read_until("Ctrl-C ends it", START_S)
        look(
            *re.search(
                r"(http://\S+)  log in as: account (\w+), password (\S+)", terminal.text
            ).groups()
        )
        terminal.press(CTRL_C)
        lines = terminal.finish(STOP_S)
        assert terminal.status == 0, terminal.text
        assert "Traceback" not in terminal.text
        assert terminal.session() == []
    return lines


def log_in(url: str, name: str, password: str) -> None:
    with requests.Session() as session:
        page = session.get(url, timeout=START_S)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
        home = session.post(
            page.url,
            {"login": name, "password": password, "csrfmiddlewaretoken": token},
            timeout=START_S,
        )
        assert (
            home.status_code == 200
            and "csrfmiddlewaretoken" in home.text
            and "login" not in home.url
        ), home.url


def test_each_start_tells_a_log_in_that_opens_and_ctrl_c_ends_it_in_order(tmp_path):
    logins = []

    def look(url, name, password):
        logins.append((name, password))
        log_in(url, name, password)

    for _start in range(2):
        *_, words, last = run_until_ctrl_c(tmp_path / "server", look)
        result = json.loads(last.removeprefix("server: "))
        assert f"took {result['tuples']} values" in words
    assert logins[0] == logins[1]


def test_the_street_goes_on_from_where_it_ended(tmp_path, certificates):
    with Platform(tmp_path, certificates / "good.pem", FLUKSO_LOG_LEVEL="WARNING") as platform:
        platform.command("demo_household", "--days", str(DAYS), "--ago", str(AGO_S))
        ids = column(platform, "devices.Sensor", "pk")
        ends = {one: platform.store.last(one) for one in ids}
        assert len(ids) == 7 and all(last[0] <= time.time() - AGO_S for last in ends.values())
        sent = upload_until(
            platform,
            certificates,
            lambda: all(platform.store.last(one)[0] > time.time() - 120 for one in ids),
        )
        assert sent["tuples"] >= 7 * AGO_S // 60
        for one in ids:
            tuples = platform.held(one)
            assert tuples == sorted(tuples) and tuples[0][0] < ends[one][0]
            gaps = [after[0] - before[0] for before, after in zip(tuples, tuples[1:], strict=False)]
            assert max(gaps) == 60  # no minute is missing
            assert all(
                after[1] >= before[1] for before, after in zip(tuples, tuples[1:], strict=False)
            )


def test_neighbours_of_an_older_database_stay_as_they_are(tmp_path, certificates):
    with Platform(tmp_path, certificates / "good.pem", FLUKSO_LOG_LEVEL="WARNING") as platform:
        platform.call("tests.server.inside.street.older")
        platform.command("demo_household", "--days", "1")

        followed = column(
            platform, "accounts.Account", "subscriptions__to__username", username="rooftop"
        )
        assert followed == ["icarus75", "jan", "mackenzie"]
        assert count(platform, "devices.Sensor") == 7


def test_a_stop_in_the_middle_of_an_upload_is_in_order(tmp_path):
    with Platform(tmp_path, service=None) as platform, socket.create_server(("", 0)) as listener:
        platform.command("demo_household", "--days", "1")
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        words = [sys.executable, "-m", "flukso_server", "demo_uploads", url]
        with subprocess.Popen(
            words, cwd=ROOT, env=platform.environment, stdout=subprocess.PIPE, text=True
        ) as uploads:
            connection, _address = listener.accept()
            connection.recv(1)  # the upload is under way, and waits for its answer
            uploads.terminate()
            time.sleep(0.2)  # so that the signal comes first
            connection.close()
            listener.close()
            assert json.loads(uploads.communicate()[0]) == {"uploads": 0, "tuples": 0}
            assert uploads.returncode == 0


def upload_until(platform, certificates, condition) -> dict:
    words = [sys.executable, "-m", "flukso_server", "demo_uploads", platform.url]
    environment = platform.environment | {"REQUESTS_CA_BUNDLE": str(certificates / "ca.crt")}
    with subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as uploads:
        deadline = time.monotonic() + START_S
        while not condition():
            assert time.monotonic() < deadline and uploads.poll() is None
            time.sleep(0.1)
        uploads.terminate()
        return json.loads(uploads.communicate()[0])

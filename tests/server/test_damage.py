# SPDX-License-Identifier: GPL-3.0-or-later
"""What is damaged at rest is named on its sensor's page, which is shown all the same."""

import contextlib
import sqlite3
import time

from tests.server.conftest import people_of
from tests.server.visitor import Visitor
from tools.harness.device import DEVICE, KEY, SENSOR, SENSOR_2, Client
from tools.harness.testbed import Platform


def test_the_owner_is_told_of_damage(tmp_path, certificates):
    sensors = {SENSOR: DEVICE, SENSOR_2: DEVICE}
    with Platform(tmp_path, certificates / "good.pem", {DEVICE: KEY}, sensors) as platform:
        people_of(platform)
        for number, sensor in enumerate((SENSOR, SENSOR_2)):
            with Client(platform.port, certificates / "ca.crt") as client:
                now = int(time.time()) // 60 * 60
                tuples = [(now - 120, 7 + number), (now - 60, 9 + number)]
                assert client.upload(sensor, tuples).status == 200
        platform.stop()
        with contextlib.closing(sqlite3.connect(tmp_path / "series.sqlite3.inbox")) as db, db:
            [ident, row] = db.execute("SELECT id, data FROM inbox ORDER BY id").fetchone()
            spoilt = row[:-3] + bytes([row[-3] ^ 1]) + row[-2:]
            db.execute("UPDATE inbox SET data=? WHERE id=?", (spoilt, ident))
        platform.start()
        visitor = Visitor(platform.url, certificates / "ca.crt")
        visitor.log_in("alice", "correct horse alice")
        pages = [visitor.get(f"/sensors/{sensor}/") for sensor in (SENSOR, SENSOR_2)]
        assert [page.status_code for page in pages] == [200, 200]
        assert ["is damaged in part" in page.text for page in pages] == [True, False]
        assert not platform.held(SENSOR) and len(platform.held(SENSOR_2)) == 2

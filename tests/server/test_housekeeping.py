# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody claims goes, with its data; what has an owner stays; what was to go goes, whatever
power cut comes between.
"""

from tests.server.database import column
from tools.harness.device import DEVICE, OTHER_KEY, OTHER_SENSOR, SENSOR
from tools.harness.testbed import Platform
from tools.harness.wait import wait_until

HERE = "tests.server.inside.housekeeping."


def test_a_deletion_that_was_cut_short_is_finished_before_anybody_may_claim(tmp_path):
    with Platform(tmp_path, FLUKSO_RRD_DIR=str(tmp_path / "rrd")) as platform:
        platform.stop()  # as a web service alone
        found = platform.call(HERE + "cut_short_and_swept", DEVICE, SENSOR)
    assert found == {
        "before": [1, 1, 2],
        "cut": [0, 1, 2],
        "claimed too early": False,
        "swept": [0, 0, 0],
        "claimed": True,
        "its new owner's stays": [1, 0],
    }


def test_a_start_finishes_what_was_cut_short(tmp_path):
    with Platform(tmp_path, FLUKSO_RRD_DIR=str(tmp_path / "rrd")) as platform:
        platform.stop()
        assert platform.call(HERE + "cut_short", DEVICE, SENSOR)["cut"] == [0, 1, 2]
        platform.start()
        wait_until(
            lambda: not (platform.held(SENSOR) or list((tmp_path / "rrd" / SENSOR[:2]).iterdir())),
            20,
        )


def test_what_comes_while_a_sensor_is_removed_goes_as_well(tmp_path):
    with Platform(tmp_path) as platform:
        platform.stop()
        assert platform.call(HERE + "late_tuples", DEVICE, SENSOR) == {
            "soon": [1, 1],
            "later": [0, 0],
            "it is back": [1, 0],
        }


def test_accounts_that_were_never_confirmed_go_after_a_fortnight(tmp_path):
    with Platform(tmp_path) as platform:
        left = platform.call(HERE + "members_left_after", [13, 15])
    assert left == [["waiting", "confirmed", "operators"], ["confirmed", "operators"]]


def test_unclaimed_devices_go_after_a_fortnight(platform, client, minute):
    assert client.upload(SENSOR, [(minute, 1)]).status == 200
    assert client.upload(OTHER_SENSOR, [(minute, 1)], OTHER_KEY).status == 200
    platform.call(HERE + "give_to", "alice", DEVICE)
    assert [platform.call(HERE + "keep_house_in", days) for days in (13, 15)] == [0, 1]
    assert column(platform, "devices.Device", "pk") == [DEVICE]
    assert platform.held(SENSOR) and not platform.held(OTHER_SENSOR)

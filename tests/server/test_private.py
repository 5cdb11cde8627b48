# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform keeps is closed to other users of the machine, also where an older release or
another umask left it open.
"""

import os
import stat

from tests.server.visitor import Visitor
from tools.harness.device import DEVICE, KEY, SENSOR
from tools.harness.testbed import Platform


def open_to_others(folder) -> list[str]:
    paths = [
        os.path.join(top, name)
        for top, folders, names in os.walk(folder)
        for name in (".", *folders, *names)
    ]
    return [path for path in paths if os.lstat(path).st_mode & 0o077]


def test_the_data_folder_is_for_its_user_alone(tmp_path):
    data, beside = tmp_path / "data", tmp_path / "beside"
    beside.mkdir()
    data.mkdir(mode=0o755)
    settings = {
        "FLUKSO_SERIES_PATH": str(beside / "series"),
        "FLUKSO_RRD_DIR": str(data / "rrd"),
        "FLUKSO_HTTPS": "0",
    }
    old = os.umask(0o022)
    try:
        with Platform(data, None, {DEVICE: KEY}, {SENSOR: DEVICE}, **settings) as platform:
            assert Visitor(platform.url).get("/login/").status_code == 200, "all is open by now"
            platform.log.chmod(0o600)  # the test's own
            assert open_to_others(data) == []
            assert [
                name
                for name in os.listdir(beside)
                if stat.S_IMODE(os.stat(beside / name).st_mode) & 0o077
            ] == []
            assert {"accounts.db", "locale"} <= set(os.listdir(data))
            platform.stop()
            for top, folders, names in os.walk(data):
                for name in (*folders, *names):
                    os.chmod(os.path.join(top, name), 0o755 if name in folders else 0o644)
            data.chmod(0o755)
            (beside / "series").chmod(0o644)
            data.rename(tmp_path / "elsewhere")
            data.symlink_to(tmp_path / "elsewhere")
            platform.start()
            assert Visitor(platform.url).get("/login/").status_code == 200
            assert open_to_others(f"{data}/.") == [] == open_to_others(data) == []
            assert stat.S_IMODE(os.stat(beside / "series").st_mode) == 0o600
            assert stat.S_IMODE(beside.stat().st_mode) == 0o755, (
                "a folder that is not ours alone stays as it is"
            )
    finally:
        os.umask(old)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The sensor board's firmware on an emulated router: the package, its options, and when the board
is looked after.
"""

import subprocess

import pytest

from flukso.flash import routers, settings
from tests.package.conftest import package
from tests.package.test_install import as_router
from tools.openwrt import check


def test_the_shipped_configuration_sets_no_pin_so_that_the_table_of_routers_rules(feed):
    files = check.check(package(feed, "flukso")).files
    text = files["/etc/config/flukso"].data.decode()
    assert "config flash 'flash'" in text
    for router in [
        routers.find(files[routers.PATH].data.decode(), name)
        for name in ("atheros,ar2315", "dragino,ms14")
    ]:
        found = settings.site(text, {}, None, router)
        assert (
            found == settings.site("", {}, None, router)
            and found.programmer.pins.reset == router.reset
            and found.bus == router.bus
        )


def test_the_packaged_firmware_is_what_flukso_flash_finds_and_takes(installed, feed):
    installed.service("stop")
    installed.install(package(feed, "flukso-firmware"))
    image = settings.site("", {}, None).image
    assert "for the spi board" in installed.run("flukso-flash", "check", image)


@pytest.mark.parametrize("runs", [True, False])
def test_a_new_firmware_package_goes_to_the_board_at_once_if_the_service_runs(
    installed, feed, runs
):
    as_router(installed, "", "Atheros AR2315")
    if runs:
        stand_in = subprocess.run(
            "sleep 60 >/dev/null 2>&1 & echo $!", shell=True, capture_output=True, text=True
        ).stdout
        installed.write("var/run/procd/flukso.pid", stand_in)
    installed.install(package(feed, "flukso-firmware"))
    assert (
        "flukso-flash auto" in installed.log()
    ) == runs  # it cannot do its work here, which is logged
    assert not installed.path("etc/uci-defaults/70-flukso-firmware").exists()  # done, so it went


def test_the_board_is_looked_after_at_a_start_but_not_at_a_reload(installed):
    installed.write(
        "usr/bin/flukso-flash", '#!/bin/sh\necho "$*" >>/tmp/flash.log\nexit 8\n', 0o755
    )
    installed.service("restart")
    assert installed.read("tmp/flash.log") == "auto --config /etc/config/flukso\n"
    installed.service("reload")
    assert installed.read("tmp/flash.log").count("\n") == 1
    assert (
        "flukso-flash auto ended with 8" in installed.log()
        and "user flukso" in installed.definition()
    )

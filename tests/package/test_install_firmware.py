# SPDX-License-Identifier: GPL-3.0-or-later
"""The sensor board's firmware on an emulated router: the package, its options, and when the board is looked after."""

import subprocess

import pytest

from flukso.flash import settings
from tests.package.conftest import package
from tools.openwrt import check


def test_the_shipped_flash_options_are_the_commands_own_defaults(feed):
    text = check.check(package(feed, "flukso")).files["/etc/config/flukso"].data.decode()
    assert "config flash 'flash'" in text
    assert settings.site(text, {}, None) == settings.site(text[: text.index("config flash")], {}, None)


def test_the_packaged_firmware_is_what_flukso_flash_finds_and_takes(installed, feed):
    installed.service("stop")
    installed.install(package(feed, "flukso-firmware"))
    image = settings.site("", {}, None).image
    assert "for the spi board" in installed.run("flukso-flash", "check", image)


@pytest.mark.parametrize("runs", [True, False])
def test_a_new_firmware_package_goes_to_the_board_at_once_if_the_service_runs(installed, feed, runs):
    if runs:
        stand_in = subprocess.run("sleep 60 >/dev/null 2>&1 & echo $!", shell=True, capture_output=True, text=True).stdout
        installed.write("var/run/procd/flukso.pid", stand_in)
    installed.install(package(feed, "flukso-firmware"))
    assert ("flukso-flash auto" in installed.log()) == runs  # it cannot do its work here, which is logged
    assert not installed.path("etc/uci-defaults/70-flukso-firmware").exists()  # done, so it went


def test_the_board_is_looked_after_at_a_start_but_not_at_a_reload(installed):
    installed.write("usr/bin/flukso-flash", '#!/bin/sh\necho "$*" >>/tmp/flash.log\nexit 8\n', 0o755)
    installed.service("restart")
    assert installed.read("tmp/flash.log") == "auto --config /etc/config/flukso\n"
    installed.service("reload")
    assert installed.read("tmp/flash.log").count("\n") == 1
    assert "flukso-flash auto ended with 8" in installed.log() and "user flukso" in installed.definition()

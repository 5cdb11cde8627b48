# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated router does what the real programs were seen to do: tests/vectors/ says what, and of which commit."""

import json
import shutil
from pathlib import Path

import pytest

from tests.package.conftest import package, repacked
from tests.package.system_log import line_of
from tests.package.test_install import HISTORIC, HISTORIC_SYSTEM
from tests.package.umdns import announced
from tools.openwrt import archive

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
LOGD = json.loads((VECTORS / "logd.json").read_text())
UMDNS = json.loads((VECTORS / "umdns.json").read_text())
OPKG = json.loads((VECTORS / "opkg.json").read_text())
# What OpenWrt's own feed `packages` brings for flukso-python3; what is in them plays no part.
CPYTHON = ("light", "asyncio", "logging", "openssl", "pyserial", "requests", "zeroconf")


@pytest.fixture(scope="module")
def feeds(feed, tmp_path_factory):
    """A folder for each feed that the vectors name."""
    root = tmp_path_factory.mktemp("feeds")
    for name in ("flukso", "later", "packages", "empty"):
        (root / name).mkdir()
    for path in feed.glob("*.ipk"):
        shutil.copy(path, root / "flukso")
        repacked(path, root / "later", "0.2.0-r1")
    for name in CPYTHON:
        fields = [("Package", "python3-" + name), ("Version", "3.11.7-r1"), ("Architecture", "all")]
        (root / "packages" / "python3-{}_3.11.7-r1_all.ipk".format(name)).write_bytes(archive.package(fields, name, [], root / "empty"))
    return root


def take(router, feeds) -> None:
    router.write("etc/opkg/customfeeds.conf", "".join("src/gz {} file:/feeds/{}\n".format(name, name) for name in feeds))
    router.run("opkg", "update")


def test_opkg_runs_what_a_package_itself_does_after_an_upgrade(router, feeds):
    shutil.copytree(feeds, router.path("feeds"))
    take(router, ["flukso"])
    router.run("opkg", "install", "flukso")
    router.write("etc/init.d/flukso", "#!/bin/sh\necho $1 >>/tmp/asked\n", 0o755)
    take(router, ["later"])
    router.run("opkg", "upgrade", "flukso-micropython")
    assert router.read("tmp/asked").split() == ["running", "restart"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in OPKG["cases"]])
def test_opkg_chooses_and_refuses_as_the_real_one(router, feeds, case):
    shutil.copytree(feeds, router.path("feeds"))
    take(router, case["feeds"])
    for step in case["steps"]:
        if "feeds" in step:
            take(router, step["feeds"])
            continue
        router.run("sh", "-c", "opkg " + step["opkg"], status=step["status"])
        installed = sorted(router.run("opkg", "list-installed").splitlines())
        assert [line for line in installed if line.startswith("flukso")] == step["installed"], step


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in LOGD["cases"]])
def test_the_system_log_keeps_what_the_real_one_keeps(case):
    assert line_of(case["datagram"].encode()) == case["line"]


def test_a_host_of_the_lan_sees_one_meter_or_none_as_with_the_real_programs(router, feed):
    router.write("etc/config/flukso", HISTORIC)
    router.write("etc/config/system", HISTORIC_SYSTEM)
    router.install(package(feed, "flukso-micropython"), package(feed, "flukso"))
    for step in UMDNS["steps"]:
        if "set" in step:
            change(router, *step["set"])
        elif "service" in step:
            router.service(step["service"])
        elif "opkg" in step:
            router.run("sh", "-c", "opkg " + step["opkg"])
        told = router.definition() if router.path("var/run/procd/flukso").exists() else []
        assert announced(told) == step["seen"], step


def change(router, section: str, option: str, value: str) -> None:
    """As `uci set flukso.SECTION.OPTION=VALUE`, `uci commit` and `reload_config` do."""
    head, name, rest = router.read("etc/config/flukso").partition(" '{}'\n".format(section))
    body, end, others = rest.partition("\nconfig ")
    lines = [line for line in body.split("\n") if line.split()[1:2] != [option]]
    body = "\toption {} '{}'\n".format(option, value) + "\n".join(lines)
    router.write("etc/config/flukso", head + name + body + end + others)
    router.run("reload_config", "flukso")

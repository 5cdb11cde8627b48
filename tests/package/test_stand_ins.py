# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated router does what the real programs were seen to do: tests/vectors/ says what, and of
which commit.
"""

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.package.conftest import package, repacked
from tests.package.router import Router
from tests.package.system_log import line_of
from tests.package.test_install import HISTORIC, HISTORIC_SYSTEM
from tests.package.umdns import announced
from tools.openwrt import archive, check

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
LOGD = json.loads((VECTORS / "logd.json").read_text())
PROCD = json.loads((VECTORS / "procd.json").read_text())
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
        (root / "packages" / "python3-{}_3.11.7-r1_all.ipk".format(name)).write_bytes(
            archive.package(fields, name, [], root / "empty")
        )
    for name in ("flukso", "later", "packages", "empty"):
        listed = [check.check(path) for path in sorted((root / name).glob("*.ipk"))]
        archive.write_index(root / name, listed)
    return root


def take(router, feeds) -> None:
    router.write(
        "etc/opkg/customfeeds.conf",
        "".join("src/gz {} file:/feeds/{}\n".format(name, name) for name in feeds),
    )
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
        if "sh" in step:
            router.run("sh", "-c", step["sh"])
            continue
        router.run("sh", "-c", "opkg " + step["opkg"], status=step["status"])
        program = router.path("usr/bin/flukso-micropython")
        assert step.get("whole") in (None, program.exists() and program.stat().st_size > 0), step
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


# A service with what ours uses of procd, and a program that notes what reaches it; the real procd
# was shown the same two.
PROBE_INIT = """#!/bin/sh /etc/rc.common
START=95
STOP=10
USE_PROCD=1
start_service() {
	[ ! -e /etc/probe.off ] || return 0
	procd_open_instance daemon
	procd_set_param command /usr/bin/probe $(cat /etc/probe.argument)
	procd_set_param file /etc/probe.file
	procd_set_param reload_signal HUP
	procd_set_param respawn 3600 1 0
	procd_set_param term_timeout 5
	procd_set_param stdout 1
	procd_set_param stderr 1
	procd_open_data
	json_add_object mdns
	json_add_string service "$(cat /etc/probe.data)"
	json_close_object
	procd_close_data
	procd_close_instance
}
service_started() {
	echo started >>/tmp/events
}
"""
PROBE = """#!/bin/sh
echo $$ >/tmp/pid
echo "begin $*" >>/tmp/events
trap 'echo HUP >>/tmp/events' HUP
trap 'echo TERM >>/tmp/events; exit 0' TERM
echo "a line of stdout"
echo "a line of stderr" >&2
while :; do sleep 0.1; done
"""
# for what is to be seen; and for what must not be, which would come at once
SOON_S, LATER_S = (
    20,
    0.4,
)


@pytest.fixture
def probe(tmp_path):
    made = Router(tmp_path / "router", execute=True)
    made.write("etc/init.d/probe", PROBE_INIT, 0o755)
    made.write("usr/bin/probe", PROBE, 0o755)
    made.path("etc/rc.d").mkdir()
    for name in ("file", "data", "argument"):
        made.write("etc/probe." + name, "1\n")
    yield made
    made.run("/etc/init.d/probe", "stop")
    made.close()


def state(router: Router) -> dict:
    def status(action):
        return int(
            router.run("sh", "-c", "/etc/init.d/probe {}; echo $?".format(action)).split()[-1]
        )

    events = sorted(router.read("tmp/events").splitlines())
    links = sorted(path.name for path in router.path("etc/rc.d").iterdir())
    return {
        "events": events,
        "running": status("running"),
        "enabled": status("enabled"),
        "links": links,
    }


def test_procd_and_rc_common_do_with_a_service_what_the_real_ones_do(probe):
    for step in PROCD["steps"]:
        want = {name: step[name] for name in ("events", "running", "enabled", "links")}
        probe.write("tmp/events", "")
        probe.run("sh", "-c", step["do"])
        deadline = time.monotonic() + SOON_S
        while state(probe) != want and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(LATER_S)
        assert state(probe) == want, step
    for line in PROCD["lines"]:
        assert any(
            said.startswith(line["level"] + " probe[") and said.endswith("]: " + line["text"])
            for said in probe.log().splitlines()
        )

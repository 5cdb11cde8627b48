# SPDX-License-Identifier: GPL-3.0-or-later
"""buildroot/: what `build.sh --check` promises, and that it can say no; the overlay's files as the
router reads them.
"""

import os
import shutil
import subprocess

import pytest

from flukso import provision
from tools.harness import ROOT

TARGETS = (
    "23.05-ath25",
    "24.10-ath79-dragino",
    "24.10-malta-be",
    "25.12-ath79-dragino",
    "25.12-malta-be",
)
ATH25, DRAGINO = TARGETS[0], TARGETS[3]
DTS = "{}/add/target/linux/ath79/dts/ar9330_dragino_ms14.dts".format(DRAGINO)


@pytest.fixture
def copy(tmp_path):
    """What build.sh --check reads, to be spoilt."""
    shutil.copytree(ROOT / "buildroot", tmp_path / "buildroot", symlinks=True)
    for makefile in (ROOT / "package").glob("*/Makefile"):
        (tmp_path / "package" / makefile.parent.name).mkdir(parents=True)
        shutil.copy(makefile, tmp_path / "package" / makefile.parent.name)
    shutil.copytree(ROOT / "package/flukso/files", tmp_path / "package/flukso/files")
    return tmp_path


def check(root):
    """With the virtual environment's shellcheck, also in a copy that has none beside it."""
    found = os.environ | {"PATH": "{}:{}".format(ROOT / ".venv/bin", os.environ["PATH"])}
    return subprocess.run(
        [root / "buildroot/build.sh", "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        env=found,
    )


def test_everything_that_needs_no_network_is_right():
    done = check(ROOT)
    assert done.returncode == 0, done.stderr
    *checked, honest, _ = done.stdout.split("\n")
    assert checked == [target + ": checked" for target in TARGETS]
    assert honest == "this says nothing of OpenWrt itself: build.sh --verify TREE TARGET does"


SPOILT = [  # id, file, text in it, what stands there instead, what is said
    ("symbol", "{}/seed.config".format(ATH25), "CONFIG_PACKAGE_flukso=y",
     "CONFIG_PACKAGE_fluksoo=y", "CONFIG_PACKAGE_fluksoo is nobody's"),
    ("device", "{}/seed.config".format(DRAGINO),
     "DEVICE_dragino_ms14", "DEVICE_dragino_ms15", "is nobody's symbol"),
    ("twice", "{}/seed.config".format(ATH25),
     "CONFIG_PACKAGE_odhcp6c=n", "CONFIG_PACKAGE_ppp=n", "stands there twice"),
    ("feed", "{}/feeds.conf".format(ATH25),
     "^b5ed85f6e94aa08de1433272dc007550f4a28201", "", "not pinned"),
    ("branch", "{}/feeds.conf".format(ATH25),
     "^b5ed85f6e94aa08de1433272dc007550f4a28201", ";master", "not pinned"),
    ("our-feed", "{}/feeds.conf".format(DRAGINO),
     "src-link flukso @FLUKSO@", "", "our own feed is not in it"),
    ("tree", "{}/tree".format(DRAGINO), "f0a60eee", "v25.12.5 ", "no commit"),
    ("reason", "{}/patches/0001-ath25-offer-gpio-drivers.patch".format(ATH25),
     "Reason: ", "", "gives no reason"),
    ("context", "{}/patches/0001-ath25-offer-gpio-drivers.patch".format(ATH25),
     " KERNEL_PATCHVER", " PATCHVER", "does not apply"),
    ("kernel", "{}/add/target/linux/ath25/patches-5.15/900-flukso-sensor-board.patch".format(ATH25),
     "ar5312.o", "x.o", "does not apply"),
    ("dts", DTS, "<&gpio FLUKSO_GPIO_CS", "<&gpoi FLUKSO_GPIO_CS", "gpoi"),
    ("bus", DTS, "FLUKSO_GPIO_SCK 18", "FLUKSO_GPIO_SCK 19",
     "the bus is on 19,21,22, the table of routers says 18,21,22"),
    ("router", "{}/router".format(DRAGINO), "dragino,ms14", "dragino,ms15",
     "not in package/flukso/files/flukso.routers"),
    ("sum", "{}/fragments/SOURCES".format(DRAGINO), "9374a7cb", "",
     "names no commit of this target and no SHA-256"),
    ("other-commit", "{}/fragments/SOURCES".format(DRAGINO), "f0a60eee", "0a60eeef",
     "names no commit of this target and no SHA-256"),
    ("no-source", "{}/fragments/SOURCES".format(ATH25), "kernel/arch/mips", "x",
     "kernel/arch/mips/ath25/Makefile: SOURCES names no"),
    ("hole", "files/etc/config/firewall",
     "option src 'lan'\n\toption proto 'tcp'\n\toption dest_port '8080'",
     "option src 'wan'\n\toption proto 'tcp'\n\toption dest_port '8080'",
     "a hole that is not on the LAN side"),
    ("ssh", "files/etc/config/dropbear", "\toption Interface 'lan'\n", "",
     "not bound to the LAN side"),
    ("script", "files/etc/uci-defaults/40-flukso-image",
     "uci commit system", "if uci commit system", "not a shell script"),
]  # fmt: skip


@pytest.mark.parametrize(
    "name, old, new, said", [pytest.param(*row[1:], id=row[0]) for row in SPOILT]
)
def test_says_what_is_wrong(copy, name, old, new, said):
    path = copy / "buildroot" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    done = check(copy)
    assert done.returncode == 1 and said in done.stderr, done


def test_a_dependency_that_nobody_has_is_found(copy):
    path = copy / "package/flukso/Makefile"
    path.write_text(path.read_text().replace("+kmod-spi-dev", "+kmod-spi-dve"))
    done = check(copy)
    assert done.returncode == 1 and "kmod-spi-dve is needed" in done.stderr


def test_an_unknown_target_is_refused_with_the_list():
    done = subprocess.run(
        [ROOT / "buildroot/build.sh", "24.10-x86"], capture_output=True, text=True
    )
    assert done.returncode == 2
    for target in TARGETS:
        assert target in done.stderr


# node, its property, GPIO number, low active: as OpenWrt's main branch has the MS14 (5f73c4d099);
# the bus is ours
GPIO = [
    ("/keys/reset", "gpios", 12, 1),
    ("/keys/jumpstart", "gpios", 11, 1),
    ("/leds/system", "gpios", 28, 0),
    ("/leds/lan", "gpios", 13, 1),
    ("/leds/wan", "gpios", 17, 1),
    ("/leds/wlan", "gpios", 0, 0),
    ("/spi-gpio", "sck-gpios", 18, 0),
    ("/spi-gpio", "mosi-gpios", 21, 0),
    ("/spi-gpio", "miso-gpios", 22, 0),
    ("/spi-gpio", "cs-gpios", 7, 1),
]


def test_the_ms14_is_as_upstream_has_it_with_the_bus_on_its_header(tmp_path):
    tree, stubs = tmp_path / "ms14.dtb", ROOT / "buildroot/stubs"
    words = [
        "cpp",
        "-nostdinc",
        "-undef",
        "-D__DTS__",
        "-x",
        "assembler-with-cpp",
        "-I",
        stubs,
        ROOT / "buildroot" / DTS,
    ]
    text = subprocess.run(words, capture_output=True, check=True).stdout
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree, "-"], input=text, check=True)

    def get(*words, kind="s"):
        return subprocess.run(
            ["fdtget", "-t", kind, tree, *words], capture_output=True, text=True, check=True
        ).stdout.split()

    for node, name, number, low in GPIO:
        assert [int(cell) for cell in get(node, name, kind="i")[1:]] == [number, low], node
    assert get("/aliases", "spi1") == ["/spi-gpio"] and get("/aliases", "spi0") == ["/spi@1f000000"]
    assert get("/wmac@18100000", "nvmem-cell-names") == ["mac-address", "calibration"]
    assert (
        get("/", "compatible")[0]
        == (ROOT / "buildroot" / DRAGINO / "router").read_text().split()[-1]
    )
    assert len(get("/leds", "pinctrl-0", kind="i")) == 2  # JTAG and the switch give their pins back


def test_a_tree_with_other_files_than_those_noted_is_not_verified(tmp_path):
    """An excerpt is no whole file, and that patches fit it is no proof; the real trees are tried by
    hand (docs/guide/openwrt.md).
    """
    tree = tmp_path / "openwrt"
    shutil.copytree(ROOT / "buildroot" / DRAGINO / "fragments/target", tree / "target")
    (tree / "rules.mk").touch()
    shutil.copy(ROOT / "buildroot" / DRAGINO / "feeds.conf", tree / "feeds.conf.default")
    done = subprocess.run(
        [ROOT / "buildroot/build.sh", "--verify", tree, DRAGINO], capture_output=True, text=True
    )
    assert (
        done.returncode == 1
        and "is not the file that {}/fragments/SOURCES noted".format(DRAGINO) in done.stderr
    ), done
    assert (
        "the tree is no git checkout" in done.stdout
        and "pins: 4 feeds are at the commits that the release names" in done.stdout
    )
    pins = (tree / "feeds.conf.default").read_text()
    (tree / "feeds.conf.default").write_text(pins.replace("^5caa62e0", "^6caa62e0"))
    done = subprocess.run(
        [ROOT / "buildroot/build.sh", "--verify", tree, DRAGINO], capture_output=True, text=True
    )
    assert done.returncode == 1 and "has another commit of packages than" in done.stderr, done


def sections(name):
    return provision.sections((ROOT / "buildroot/files/etc/config" / name).read_text(), name)


def test_the_firewall_opens_the_lan_side_alone():
    found = sections("firewall")
    zones = {s.options["name"].text: s.options for s in found if s.type == "zone"}
    assert all(
        zones[name]["input"].text == "REJECT" and zones[name]["forward"].text == "REJECT"
        for name in ("lan", "wan")
    )
    holes = {
        (s.options["proto"].text, s.options["dest_port"].text): s.options["src"].text
        for s in found
        if "dest_port" in s.options
    }
    assert holes == {
        ("udp", "68"): "*",
        ("tcp", "22"): "lan",
        ("tcp", "8080"): "lan",
        ("udp", "5353"): "lan",
    }


# What upstream says of the MS14: LAN is eth0, WAN eth1. The others have one socket.
DEVICES = {
    target: {"lan": "eth0", "wan": "eth1"} if "dragino" in target else {"lan": "eth0"}
    for target in TARGETS
}


@pytest.mark.parametrize("target", TARGETS)
def test_the_network_is_made_of_the_table_of_routers(target):
    done = subprocess.run(
        [ROOT / "buildroot/build.sh", "--network", target], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = provision.sections(done.stdout, "network")
    interfaces = {s.name: s.options for s in found}
    assert (
        list(interfaces)[:2] == ["loopback", "lan"]
        and interfaces["loopback"]["ipaddr"].text == "127.0.0.1"
    )
    assert {
        name: o["device"].text for name, o in interfaces.items() if name != "loopback"
    } == DEVICES[target]
    assert all(o["proto"].text == "dhcp" for name, o in interfaces.items() if name != "loopback")


FAKE_UCI = r"""#!/bin/sh
[ "$1" = -q ] && shift
case $1 in
get) echo fedcba9876543210fedcba9876543210 ;;
*) echo "$*" >>/tmp/uci.log ;;
esac
"""


def test_the_first_boot_names_the_host_after_the_device(router):
    router.write("usr/bin/uci", FAKE_UCI, 0o755)
    router.write("usr/bin/flukso", "#!/bin/sh\n", 0o755)
    shutil.copy(
        ROOT / "buildroot/files/etc/uci-defaults/40-flukso-image", router.path("tmp/defaults")
    )
    router.run("sh", "-c", ". /tmp/defaults")
    said = router.read("tmp/uci.log").splitlines()
    assert (
        "set system.@system[0].hostname=flukso-fedcba" in said
        and "set system.ntp.enabled=1" in said
    )
    router.run("sh", "-c", ". /tmp/defaults")
    assert router.read("tmp/uci.log").splitlines() == said * 2

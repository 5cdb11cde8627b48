# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages' life on an emulated router: installed, edited, upgraded, removed; and exactly what
procd is told.
"""

import os
import re
import shutil
import stat
from pathlib import Path

import pytest

from flukso import config, provision, uci
from flukso.flash import routers
from tests.package.conftest import package, repacked
from tests.package.router import Router
from tools.openwrt import check

KEPT = ("/etc/config/flukso", "/etc/ssl/certs/flukso.ca.crt")
HISTORIC = """config settings 'main'
	option hw_major '2'
	option hw_minor '1'
	option sw_major '3'
	option max_sensors '6'
	option reset_counters '0'
	option phase '1'

config settings 'daemon'
	option logmask 'info'
	option enable_wan_branch '1'
	option enable_lan_branch '1'
	option wan_base_url 'https://api.example.net/'
	option cacert '/etc/ssl/certs/flukso.ca.crt'
	option fsync '1'

config sensor '1'
	option id '0123456789abcdef0123456789abcde0'
	option type 'electricity'
	option class 'analog'
	list port '1'
	option voltage '230'
	option current '50'
	option enable '1'

config sensor '4'
	option id '0123456789abcdef0123456789abcde3'
	option type 'water'
	option class 'pulse'
	list port '4'
	option constant '1'
	option enable '1'
"""
HISTORIC_SYSTEM = """config system
	option hostname 'flukso'
	option version '210'
	option device 'fedcba9876543210fedcba9876543210'
	option key '00112233445566778899aabbccddeeff'
"""


def definition(device: str, *sensors: str) -> list[str]:
    """Everything that the init says to procd, in its order."""
    return [
        "instance daemon",
        "command /usr/bin/flukso daemon --config /var/run/flukso/config --syslog",
        "user flukso",
        "file /etc/config/flukso /var/run/flukso/config /var/run/flukso/config.errors "
        "/var/run/flukso/config.flash /var/run/flukso/config.upgrade",
        "reload_signal HUP",
        "respawn 3600 5 0",
        "term_timeout 20",
        "stdout 1",
        "stderr 1",
        "data mdns flukso_8080 service: _flukso._tcp.local",
        "data mdns flukso_8080 port: 8080",
        "data mdns flukso_8080 instance: Flukso RESTful API on flukso-" + device,
        *[
            "data mdns flukso_8080 txt: " + word
            for word in (*sensors, "path=/sensor", "version=1.0")
        ],
        "trigger config.change flukso system",
    ]


@pytest.fixture
def historic(router, feed):
    """A router with the configuration and the certificate of a historic image, on which our
    packages were installed.
    """
    router.write("etc/config/flukso", HISTORIC, 0o644)
    router.write("etc/config/system", HISTORIC_SYSTEM, 0o644)
    router.write("etc/ssl/certs/flukso.ca.crt", "the historic certificate\n", 0o644)
    router.install(package(feed, "flukso-micropython"), package(feed, "flukso"))
    return router


def owner(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


def device(router: Router) -> str:
    """The first six digits of the device that was made."""
    return re.findall(r"option device '([0-9a-f]{6})", router.read("etc/config/system"))[0]


def sensor_ids(router: Router) -> list[str]:
    return re.findall(r"option id '([0-9a-f]{32})'", router.read("etc/config/flukso"))


def upgrade(feed: Path, folder: Path, text: str = "") -> Path:
    """A later package `flukso`; with `text` its /etc/config/flukso is another one."""
    return repacked(package(feed, "flukso"), folder, "0.2.0-r1", text)


def test_procd_is_told_exactly_this(installed):
    assert installed.definition() == definition(
        device(installed), "id1={}".format(sensor_ids(installed)[0])
    )


def test_a_fresh_router_gets_device_key_and_ids_once(installed):
    system, ids = installed.read("etc/config/system"), sensor_ids(installed)
    assert (
        len(re.findall("option (?:device|key) '[0-9a-f]{32}'", system)) == 2 and len(set(ids)) == 6
    )
    assert "option register '1'" in installed.read("etc/config/flukso")
    installed.service("restart")
    assert (installed.read("etc/config/system"), sensor_ids(installed)) == (system, ids)
    assert not installed.path("etc/uci-defaults/60-flukso").exists()  # done, so it went


def test_two_routers_do_not_get_the_same_key(installed, tmp_path, feed):
    other = Router(tmp_path / "other")
    other.install(package(feed, "flukso-micropython"), package(feed, "flukso"))
    assert not set(sensor_ids(installed)) & set(sensor_ids(other))
    assert other.read("etc/config/system") != installed.read("etc/config/system")


def test_the_defaults_can_run_twice_unharmed(installed):
    before = [installed.read("etc/config/" + name) for name in ("flukso", "system")]
    shutil.copy(
        Path(__file__).parents[2] / "package/flukso/files/flukso.defaults",
        installed.path("tmp/defaults"),
    )
    assert "nothing was missing" in installed.run("sh", "-c", ". /tmp/defaults")
    assert [installed.read("etc/config/" + name) for name in ("flukso", "system")] == before


def test_keys_are_for_root_and_the_daemons_user_alone(installed):
    user = 4168
    assert "flukso:x:4168:4168:" in installed.read("etc/passwd")
    assert owner(installed.path("var/run/flukso/config")) == (user, user, 0o600)
    assert owner(installed.path("var/run/flukso")) == (user, user, 0o750)
    assert owner(installed.path("etc/config/flukso")) == (0, 0, 0o600)
    assert owner(installed.path("etc/config/system"))[2] == 0o600


def test_the_service_is_enabled_and_goes_with_the_package(installed):
    installed.service("enabled")
    installed.run("opkg", "remove", "flukso")
    assert list(installed.path("etc/rc.d").iterdir()) == []
    assert (
        not installed.path("etc/init.d/flukso").exists()
        and not installed.path("var/run/procd/flukso").exists()
    )
    assert not installed.path("etc/hotplug.d/spidev/50-flukso").exists()
    assert installed.path(
        "etc/config/flukso"
    ).exists()  # its ids were made here: an edited conffile stays
    assert not installed.path("etc/ssl/certs/flukso.ca.crt").exists()
    installed.run("opkg", "remove", "flukso-micropython")
    assert not installed.path("usr/bin/flukso").exists()


def test_the_runtime_stays_while_it_is_needed(installed):
    assert "flukso-micropython is depended upon by flukso" in installed.run(
        "opkg", "remove", "flukso-micropython", status=255
    )
    assert installed.path("usr/bin/flukso").exists()


def test_is_refused_without_a_runtime(router, feed):
    assert "cannot find dependency flukso-micropython for flukso" in router.install(
        package(feed, "flukso"), status=255
    )
    assert not router.path("etc/init.d/flukso").exists()


def test_an_upgrade_keeps_an_edited_configuration(installed, feed, tmp_path):
    edited = installed.read("etc/config/flukso").replace(
        "'https://api.flukso.net/'", "'https://mine.example.net/'"
    )
    installed.write("etc/config/flukso", edited)
    said = installed.install(upgrade(feed, tmp_path, text="config settings 'main'\n"))
    assert "was edited and stays" in said
    assert installed.read("etc/config/flukso") == edited
    assert installed.read("etc/config/flukso-opkg") == "config settings 'main'\n"
    assert installed.definition() == definition(
        device(installed), "id1={}".format(sensor_ids(installed)[0])
    )
    assert "mine.example.net" in installed.read("var/run/flukso/config")
    installed.service("enabled")


def test_an_upgrade_does_not_enable_what_was_disabled(installed, feed, tmp_path):
    installed.service("disable")
    installed.install(upgrade(feed, tmp_path))
    installed.service("enabled", status=1)


SERVICE = "#!/bin/sh\necho $1 >>/tmp/asked\n[ $1 != running ] || exit {}\n"


@pytest.mark.parametrize("runtime", ["flukso-micropython", "flukso-python3"])
def test_an_upgrade_of_the_runtime_alone_starts_a_running_daemon_anew(router, feed, runtime):
    router.write("tmp/postinst", check.check(package(feed, runtime)).scripts["postinst-pkg"], 0o755)
    for status, asked in ((1, ["running"]), (0, ["running", "restart"])):
        router.write("etc/init.d/flukso", SERVICE.format(status), 0o755)
        router.write("tmp/asked", "")
        router.run("/tmp/postinst")
        assert router.read("tmp/asked").split() == asked
        router.run("env", "IPKG_INSTROOT=/root-of-an-image", "/tmp/postinst")
        assert router.read("tmp/asked").split() == asked


def test_the_option_enabled_0_keeps_it_stopped_even_over_an_upgrade(installed, feed, tmp_path):
    installed.write(
        "etc/config/flukso",
        installed.read("etc/config/flukso").replace("enabled '1'", "enabled '0'"),
    )
    installed.service("reload")
    assert installed.definition() == ["trigger config.change flukso system"]
    installed.install(upgrade(feed, tmp_path))
    assert installed.definition() == ["trigger config.change flukso system"]


def test_a_historic_configuration_is_kept_and_works(historic):
    assert historic.read("etc/config/flukso") == HISTORIC
    assert historic.read("etc/config/system") == HISTORIC_SYSTEM
    assert historic.read("etc/ssl/certs/flukso.ca.crt") == "the historic certificate\n"
    ids = ["id{}=0123456789abcdef0123456789abcde{}".format(number, number - 1) for number in (1, 4)]
    assert historic.definition() == definition("fedcba", *ids)
    settings = config.parse(historic.read("var/run/flukso/config"))
    assert (
        settings.device == "fedcba9876543210fedcba9876543210"
        and settings.version == 210
        and not settings.register
    )
    assert "good: 2 sensors enabled" in historic.run(
        "flukso", "config", "check", "/var/run/flukso/config"
    )


def test_what_must_survive_sysupgrade_is_listed(feed):
    found = check.check(package(feed, "flukso"))
    assert tuple(found.conffiles) == KEPT
    assert found.files["/lib/upgrade/keep.d/flukso"].data == b"/etc/flukso/\n"


def test_the_shipped_configuration_is_what_provision_makes_and_is_good(feed):
    text = check.check(package(feed, "flukso")).files["/etc/config/flukso"].data.decode()
    made = {(s.type, s.name): s for s in provision.sections(provision.default_config(), "made")}
    shipped = {(s.type, s.name): s for s in provision.sections(text, "shipped")}
    for key, section in made.items():
        values = {name: value.text for name, value in shipped[key].options.items()}
        assert {
            name: value.text for name, value in section.options.items()
        }.items() <= values.items(), key
    done = provision.provision(text, None, os.urandom)
    settings = config.parse(done.runtime)
    usual = config.parse(provision.provision(None, None, os.urandom).runtime)
    for name in ("bus", "spi_mode", "base_url", "cacert", "wan", "lan", "lan_port", "flash_dir"):
        assert getattr(settings, name) == getattr(usual, name), name
    assert len(text) < uci.FILE_MAX


def test_device_and_mode_follow_the_configuration(installed):
    os.mknod(installed.path("dev/spidev1.0"), 0o600 | stat.S_IFCHR, os.makedev(153, 0))
    text = installed.read("etc/config/flukso").replace(
        "spi_mode '0'", "spi_mode '2'\n\toption bus 'spidev:/dev/spidev1.0'"
    )
    installed.write("etc/config/flukso", text)
    installed.service("reload")
    assert owner(installed.path("dev/spidev1.0")) == (0, 4168, 0o660)
    settings = config.parse(installed.read("var/run/flukso/config"))
    assert (settings.bus, settings.spi_mode) == ("spidev:/dev/spidev1.0", 2)


ROUTERS = [  # id, its file of the name, what the processor says, the bus that the daemon gets
    ("ms14", "dragino,ms14", "Atheros AR9330 rev 1", "spidev:/dev/spidev1.0"),
    ("fonera", "", "Atheros AR2315", "spidev:/dev/spidev0.0"),
    ("ms12", "", "Atheros AR2317", "spidev:/dev/spidev0.0"),
]


def as_router(router: Router, name: str, processor: str) -> None:
    """What a router's kernel says of itself."""
    if name:
        router.write("tmp/sysinfo/board_name", name + "\n", 0o644)
    router.write(
        "proc/cpuinfo", "system type\t\t: {}\nmachine\t\t\t: Unknown\n".format(processor), 0o444
    )


@pytest.mark.parametrize(
    "name, processor, bus", [pytest.param(*row[1:], id=row[0]) for row in ROUTERS]
)
def test_the_bus_is_the_routers_where_uci_names_none(installed, name, processor, bus):
    as_router(installed, name, processor)
    installed.service("reload")
    assert config.parse(installed.read("var/run/flukso/config")).bus == bus
    installed.write(
        "etc/config/flukso",
        installed.read("etc/config/flukso")
        + "config settings 'daemon'\n\toption bus 'tty:/dev/ttyUSB0'\n",
    )
    installed.service("reload")
    assert config.parse(installed.read("var/run/flukso/config")).bus == "tty:/dev/ttyUSB0"
    assert bus not in installed.read("etc/flukso/config.good") + installed.read("etc/config/flukso")


def test_an_unknown_router_is_told_what_to_set_until_it_is_set(installed):
    installed.write("tmp/sysinfo/board_name", "glinet,gl-ar150\n", 0o644)
    installed.service("reload")
    said = installed.log()
    assert (
        "daemon.warn" in said
        and "this router (glinet,gl-ar150) is not in /usr/share/flukso/routers: nothing is "
        "programmed"
        in said
    )
    assert "flukso.daemon.bus" in said and "flukso.flash.reset, sck, mosi, miso" in said
    assert config.parse(installed.read("var/run/flukso/config")).bus == "spidev:/dev/spidev0.0"
    installed.write(
        "etc/config/flukso",
        installed.read("etc/config/flukso")
        + "config settings 'daemon'\n\toption bus 'tty:/dev/ttyUSB0'\n",
    )
    installed.service("reload")
    assert installed.log() == said


def test_the_shell_reads_the_table_of_routers_as_the_command_does(installed):
    table = installed.read(routers.PATH)
    names = [line.split()[0] for line in table.splitlines() if not line.startswith("#")]
    for name in [*names, "glinet,gl-ar150", "dragino", "#"]:
        script = (
            '. /usr/share/flukso/router.sh; router_know "$1"; '
            'echo "$? $router_bus $router_pins $router_lan $router_wan"'
        )
        found = routers.find(table, name) if name != "#" else None
        pins = (
            ",".join([found.reset, found.sck, found.mosi, found.miso]).strip(",") if found else ""
        )
        expected = (
            "0 {} {} {} {}".format(found.bus, pins, found.lan, found.wan) if found else "1    "
        )
        assert installed.run("sh", "-c", script, "sh", name) == expected + "\n", name


def test_the_documentation_shows_the_table_of_routers(installed):
    docs = (Path(__file__).parents[2] / "docs/guide/openwrt.md").read_text()
    for line in installed.read(routers.PATH).splitlines():
        if not line.startswith("#"):
            name, bus, reset, sck, mosi, miso, *rest = line.split()
            shown = "| `{}` | `{}` | {} | {} |".format(
                name, bus, ", ".join([reset, sck, mosi, miso]), " | ".join(rest)
            )
            found = [row for row in docs.splitlines() if row.startswith("| `{}` |".format(name))]
            assert [
                re.sub("` \\| [A-Z][^|]*\\|", "` |", row, count=1).replace("| - | -,", "| `-` | -,")
                for row in found
            ] == [shown], found


def test_hotplug_gives_a_device_that_comes_later_to_the_daemons_group(installed):
    os.mknod(installed.path("dev/spidev1.0"), 0o600 | stat.S_IFCHR, os.makedev(153, 0))
    rule = ". /etc/hotplug.d/spidev/50-flukso"
    installed.run("env", "ACTION=remove", "DEVNAME=spidev1.0", "sh", "-c", rule + "; true")
    assert owner(installed.path("dev/spidev1.0"))[2] == 0o600
    installed.run("env", "ACTION=add", "DEVNAME=spidev1.0", "sh", "-c", rule)
    assert owner(installed.path("dev/spidev1.0")) == (0, 4168, 0o660)


def jail(router: Router) -> list[str]:
    return [line for line in router.definition() if line.startswith("jail ")]


def set_daemon(router: Router, option: str, value: str) -> None:
    text = re.sub(r"\toption {} '.*'\n".format(option), "", router.read("etc/config/flukso"))
    router.write(
        "etc/config/flukso",
        text.replace(
            "settings 'daemon'\n", "settings 'daemon'\n\toption {} '{}'\n".format(option, value)
        ),
    )
    router.service("reload")


def signals(router: Router) -> list[str]:
    path = router.path("var/run/procd/flukso.signals")
    return path.read_text().split() if path.exists() else []


JAIL = ["jail flukso log procfs", "jail reads /etc /tmp /usr/bin/flukso-micropython"]


def test_in_a_jail_where_there_is_one_with_what_the_daemon_needs(installed):
    assert jail(installed) == []
    installed.write("sbin/ujail", '#!/bin/sh\necho "$*" >/tmp/tried\n', 0o755)
    os.mknod(installed.path("dev/spidev0.0"), 0o600 | stat.S_IFCHR, os.makedev(153, 0))
    installed.service("restart")
    assert jail(installed) == [*JAIL, "jail writes /var/run/flukso /dev/spidev0.0"]
    tried = installed.read("tmp/tried")
    assert (
        "-U flukso" in tried
        and "-r /etc -r /tmp -r /usr/bin/flukso-micropython -w /var/run/flukso -- /usr/bin/flukso "
        "version"
        in tried
    )
    set_daemon(installed, "jail", "0")
    assert jail(installed) == [] and signals(installed) == ["TERM"]


def test_runs_without_a_jail_and_says_so_when_ujail_does_not_work(installed):
    installed.write("sbin/ujail", "#!/bin/sh\nexit 1\n", 0o755)
    installed.service("restart")
    assert jail(installed) == [] and "user flukso" in installed.definition()
    assert (
        "daemon.warn flukso: ujail does not work here: the daemon runs without a jail"
        in installed.log()
    )


def test_starts_anew_in_another_jail_only_when_that_has_more(installed):
    installed.write("sbin/ujail", "#!/bin/sh\n", 0o755)
    installed.service("restart")
    set_daemon(installed, "upload_interval", "60")
    assert signals(installed) == []
    set_daemon(installed, "flash_dir", "/etc/flukso/buffer")
    set_daemon(installed, "delta_pipe", "/var/run/spid/delta")
    installed.path("tmp/run/spid").mkdir()
    assert (
        signals(installed) == ["TERM"]
        and jail(installed)[-1] == "jail writes /var/run/flukso /etc/flukso/buffer"
    )
    set_daemon(installed, "enabled", "0")
    set_daemon(installed, "enabled", "1")
    assert signals(installed) == ["TERM"]
    os.mknod(installed.path("dev/spidev0.0"), 0o600 | stat.S_IFCHR, os.makedev(153, 0))
    installed.run(
        "env", "ACTION=add", "DEVNAME=spidev0.0", "sh", "-c", ". /etc/hotplug.d/spidev/50-flukso"
    )
    assert signals(installed) == ["TERM"] * 2
    assert (
        jail(installed)[-1]
        == "jail writes /var/run/flukso /dev/spidev0.0 /etc/flukso/buffer /var/run/spid"
    )


def test_no_lan_api_no_announcement(installed):
    text = installed.read("etc/config/flukso").replace(
        "enable_lan_branch '1'", "enable_lan_branch '0'"
    )
    installed.write("etc/config/flukso", text)
    installed.service("reload")
    assert not [line for line in installed.definition() if line.startswith("data")]


def test_a_change_of_the_file_reaches_the_service_by_its_trigger(installed):
    text = installed.read("etc/config/flukso").replace("wan_branch '1'", "wan_branch '0'")
    installed.write("etc/config/flukso", text)
    installed.run("reload_config", "flukso")
    assert "wan_branch '0'" in installed.read("var/run/flukso/config")


BAD = [  # id, what the file becomes, what is said
    ("syntax", "config settings 'main\n", "flukso:1: "),
    (
        "values",
        "config settings 'daemon'\n\toption lan_port 'x'\n\toption spi_mode '7'\n",
        "flukso:2: lan_port",
    ),
]


@pytest.mark.parametrize("text, said", [pytest.param(*row[1:], id=row[0]) for row in BAD])
def test_a_bad_file_is_said_and_the_good_copy_serves_on(installed, text, said):
    good = installed.read("var/run/flukso/config")
    before = installed.definition()
    right = installed.read("etc/config/flukso")
    installed.write("etc/config/flukso", text)
    installed.service("reload")
    assert (
        "daemon.err flukso: the configuration is not taken over: " in installed.log()
        and said in installed.log()
    )
    assert said in installed.read("var/run/flukso/config.errors")
    assert installed.read("var/run/flukso/config") == good
    assert installed.definition() == before
    installed.write("etc/config/flukso", right)
    installed.service("reload")
    assert (
        not installed.path("var/run/flukso/config.errors").exists()
        and installed.definition() == before
    )


def test_a_bad_file_at_the_boot_does_not_end_the_metering(installed):
    os.mknod(installed.path("dev/spidev1.0"), 0o600 | stat.S_IFCHR, os.makedev(153, 0))
    text = installed.read("etc/config/flukso").replace(
        "spi_mode '0'", "spi_mode '0'\n\toption bus 'spidev:/dev/spidev1.0'"
    )
    installed.write("etc/config/flukso", text)
    installed.service("restart")
    good, before = installed.read("var/run/flukso/config"), installed.definition()
    shutil.rmtree(installed.path("var/run"))
    installed.path("dev/spidev1.0").chmod(0o600)
    installed.write("etc/config/flukso", "config settings 'main\n")
    installed.service("boot")
    assert installed.read("var/run/flukso/config").strip() == good.strip()
    assert owner(installed.path("var/run/flukso/config")) == (4168, 4168, 0o600)
    assert "the last good configuration is used" in installed.log()
    assert installed.definition() == before
    assert owner(installed.path("dev/spidev1.0")) == (0, 4168, 0o660)


def test_the_remembered_copy_is_written_when_it_changed_only_and_resets_nothing(installed):
    kept = installed.path("etc/flukso/config.good")
    assert owner(kept) == (0, 0, 0o600)
    before = kept.stat().st_mtime_ns
    text = installed.read("etc/config/flukso").replace("reset_counters '0'", "reset_counters '1'")
    installed.write("etc/config/flukso", text)
    installed.service("restart")
    assert "reset_counters '1'" in installed.read("var/run/flukso/config")
    assert "reset_counters '1'" not in kept.read_text() and kept.stat().st_mtime_ns == before


COPIES = ("etc/flukso/config.good", "etc/flukso/config.good.2")


def boot(router: Router) -> None:
    """Start as after a power cut: what was in RAM is gone."""
    shutil.rmtree(router.path("var/run"))
    router.service("boot")


DAMAGE = [  # id, which file, what is left of it, what is said
    (
        "empty",
        "etc/config/flukso",
        lambda text: "",
        "/etc/config/flukso is empty: the last good configuration is used and put back",
    ),
    (
        "settings",
        "etc/config/flukso",
        lambda text: text[: text.index("config sensor")],
        "has none of its sensors",
    ),
    ("zeros", "etc/config/flukso", lambda text: "\0" * len(text), "/etc/config/flukso is empty"),
    (
        "cut",
        "etc/config/flukso",
        lambda text: text[: text.rindex("enable")],
        "/etc/config/flukso breaks off",
    ),
    (
        "system",
        "etc/config/system",
        lambda text: "",
        "/etc/config/system is empty: device, key and version are put back",
    ),
    (
        "half",
        "etc/config/system",
        lambda text: text[: text.index("key")],
        "/etc/config/system is damaged: key is put back, what could be read is kept",
    ),
]


@pytest.mark.parametrize("name, left, said", [pytest.param(*row[1:], id=row[0]) for row in DAMAGE])
def test_a_file_that_a_power_cut_damaged_is_mended(historic, name, left, said):
    flukso, system = historic.read("etc/config/flukso"), historic.read("etc/config/system")
    rendered, before = historic.read("var/run/flukso/config"), historic.definition()
    copies = [historic.path(path).read_bytes() for path in COPIES]
    historic.write(name, left(historic.read(name)))
    boot(historic)
    assert "daemon.warn flukso: " in historic.log() and said in historic.log()
    assert historic.read("var/run/flukso/config") == rendered and historic.definition() == before
    assert historic.read("etc/config/flukso") == flukso
    assert config.parse(flukso, historic.read("etc/config/system")) == config.parse(flukso, system)
    assert [historic.path(path).read_bytes() for path in COPIES] == copies


def test_notes_over_several_lines_and_an_option_of_them_are_read(historic):
    text = HISTORIC_SYSTEM + "\toption notes 'meter in the cellar\nkey at the neighbours'\n"
    historic.write("etc/config/system", text)
    historic.write(
        "etc/config/flukso",
        "\ufeff"
        + HISTORIC.replace(
            "option type 'water'", "option type 'water'\n\toption function 'hall\ntap'"
        ),
    )
    boot(historic)
    assert (
        not historic.path("var/run/flukso/config.errors").exists()
        and historic.read("etc/config/system") == text
    )
    settings = config.parse(historic.read("var/run/flukso/config"))
    assert (
        settings.device == "fedcba9876543210fedcba9876543210"
        and settings.sensors[1].function == "hall\ntap"
    )
    assert "user flukso" in historic.definition()  # the shell's own reader took it too


@pytest.mark.parametrize(
    "wish",
    [
        "    option reset_counters '1'",
        "\toption 'reset_counters' '1'",
        '\toption "reset_counters" "yes" # now',
    ],
)
def test_a_wish_to_reset_is_forgotten_however_it_is_spelt(historic, wish):
    historic.write("etc/config/flukso", HISTORIC.replace("\toption reset_counters '0'", wish))
    historic.service("reload")
    assert config.parse(historic.read("var/run/flukso/config")).reset_counters == 1
    historic.write("etc/config/flukso", "config settings 'main\n")
    boot(historic)
    assert config.parse(historic.read("var/run/flukso/config")).reset_counters == 0
    assert all(
        config.parse(historic.read(path), HISTORIC_SYSTEM).reset_counters == 0 for path in COPIES
    )


def test_flash_that_cannot_be_written_is_said_and_stops_nothing(installed):
    shutil.rmtree(installed.path("etc/flukso"))
    installed.write("etc/flukso", "in the way of the folder")
    installed.service("restart")
    said = "config.good cannot be written: flash is full or read-only"
    assert said in installed.log() and said in installed.read("var/run/flukso/config.flash")
    assert "user flukso" in installed.definition()
    installed.path("etc/flukso").unlink()
    installed.service("reload")
    assert (
        not installed.path("var/run/flukso/config.flash").exists()
        and installed.path("etc/flukso/config.good").exists()
    )


def test_reset_counters_acts_once(installed):
    text = installed.read("etc/config/flukso").replace("reset_counters '0'", "reset_counters '1'")
    installed.write("etc/config/flukso", text)
    installed.service("reload")
    assert "reset_counters '0'" in installed.read("etc/config/flukso")
    assert "reset_counters '1'" in installed.read("var/run/flukso/config")


def test_the_packaged_certificate_is_the_one_that_debian_ships(feed):
    shipped = (
        check.check(package(feed, "flukso")).files["/etc/ssl/certs/flukso.ca.crt"].data.decode()
    )
    debian = Path("/usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt").read_text()
    assert shipped.endswith(debian)


def test_the_runtime_reads_the_packaged_certificate(installed):
    program = (
        "from flukso.ports import micropython as p; p.open_https('https://x.example/', "
        "'/etc/ssl/certs/flukso.ca.crt', p.system_clock())"
    )
    installed.run("flukso-micropython", "-X", "heapsize=256k", "-c", program + "; print('read')")


def test_the_runtimes_own_test_passes(installed, feed):
    script = Path(__file__).parents[2] / "package/flukso-micropython/test.sh"
    shutil.copy(script, installed.path("tmp/test.sh"))
    installed.run(
        "sh",
        "/tmp/test.sh",
        "flukso-micropython",
        check.check(package(feed, "flukso-micropython")).version,
    )
    installed.run("sh", "/tmp/test.sh", "flukso-micropython", "9.9.9-r1", status=1)


@pytest.mark.parametrize("place", [0.3, 0.9])
def test_a_corrupted_package_changes_nothing(router, feed, place):
    original = package(feed, "flukso-micropython")
    damaged = router.path("tmp/flukso-damaged.ipk")
    data = bytearray(original.read_bytes())
    data[int(len(data) * place)] ^= 0x55
    damaged.write_bytes(data)
    assert "damaged" in router.run("opkg", "install", "/tmp/flukso-damaged.ipk", status=255)
    assert not router.path("usr/bin/flukso").exists()
    assert "flukso-micropython" not in router.run("opkg", "list-installed")
    router.install(original)
    assert "flukso-micropython" in router.run("opkg", "list-installed")

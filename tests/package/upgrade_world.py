# SPDX-License-Identifier: GPL-3.0-or-later
"""A router with small packages of our names, a signed feed, a server, a board, and a time of its
own: what flukso-upgrade meets, without waiting.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.package.managers import MANAGERS
from tests.package.router import Router

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "package/flukso-upgrade/files"
ROUTERS = ROOT / "package/flukso/files"
_MAKEFILE = (FILES.parent / "Makefile").read_text()
PROGRAM = "".join(
    (FILES / (part + ".sh")).read_text()
    for part in _MAKEFILE.split("PARTS:=")[1].split("\n")[0].split()
)
OLD, NEW, NEWER = "0.1.0-r1", "0.2.0-r1", "0.3.0-r1"
RUNTIME, SERVICE, FIRMWARE = "flukso-micropython", "flukso", "flukso-firmware"
KEYRING, UPGRADE = "flukso-keyring", "flukso-upgrade"
BOARD_OLD, BOARD_NEW = "0.1.0", "0.2.0"  # the firmware in the packages
DEVICE = "fedcba98765432100123456789abcdef"
SENSOR = "0123456789abcdef0123456789abcde0"
RUN_S = 120

CONFIG = """config settings 'main'
config settings 'daemon'
\toption wan_base_url 'https://server.example/'
config upgrade 'upgrade'
\toption enable '1'
config flash 'flash'
\toption auto '1'
"""
# What stands for the daemon's service: it looks after the board, and begins anew to upload.
INIT = """#!/bin/sh /etc/rc.common
START=95
USE_PROCD=1
start_service() {
	[ ! -x /usr/bin/flukso-flash ] || /usr/bin/flukso-flash auto
	rm -f /tmp/uploaded
	procd_open_instance daemon
	procd_set_param command /usr/bin/flukso
	procd_close_instance
}
"""
FLASH = """#!/bin/sh
image=$(cut -d - -f 1 /usr/share/flukso/flukso-firmware.version)
[ "$1" = update ] || [ "$image" \\> "$(cat /world/board)" ] || exit 0
echo "$image" >/world/board
"""
# /status as the daemon has it, and what each version that is installed breaks: PACKAGE VERSION WHAT
# in /world/faults.
STATUS = """#!/bin/sh
broken() {
	local package version what
	while read -r package version what; do
		[ "$what" != "$1" ] ||
			[ "$(cat /usr/share/flukso/$package.version 2>/dev/null)" != "$version" ] ||
			return 0
	done </world/faults
	return 1
}
IFS=. read -r now rest </proc/uptime
[ -e /var/run/procd/flukso ] && grep -q '^daemon .* whole$' /usr/bin/flukso-micropython &&
	/usr/bin/flukso >/dev/null || exit 1
! broken lan || exit 1
age=1 killed=0 uploaded=null
counter=$(($(cat /world/counter) + 1)) && echo $counter >/world/counter
! broken board && [ "$(cat /world/bus)" = up ] || age=null
! broken dies || killed=$((now / 60))
! broken counter || counter=3
[ "$(cat /world/server)" != 200 ] || broken upload || echo $now >/tmp/uploaded
[ ! -e /tmp/uploaded ] || uploaded=$((now - $(cat /tmp/uploaded)))
[ "$age" != null ] || counter=null
echo "{\\"version\\":\\"0\\",\\"board\\":{\\"firmware\\":\\"$(cat /world/board)\\",\\"polls\\":1,"\\
"\\"last_poll_age\\":$age,\\"error\\":null},"\\
"\\"sensors\\":[{\\"number\\":1,\\"id\\":\\"SENSOR\\",\\"value_age\\":1,\\"counter\\":$counter,\\"resets\\":0}],"\\
"\\"upload\\":{\\"interval\\":300,\\"last_ok_age\\":$uploaded,\\"acknowledged\\":1},\\"errors\\":{\\"killed\\":$killed}}"
""".replace("SENSOR", SENSOR)
# As uclient-fetch: its exit status, and what it says of an answer that is no good one.
WGET = """#!/bin/sh
out=-
while [ $# -gt 0 ]; do
	case $1 in
	-T) shift ;;
	-O) shift && out=$1 ;;
	-*) ;;
	*) url=$1 ;;
	esac
	shift
done
case $url in
http://127.0.0.1:8080/status) answer=$(/world/status) || exit 4; echo "$answer" ;;
https://server.example/)
	case $(cat /world/server) in
	200) ;;
	dead) exit 4 ;;
	*) echo "HTTP error $(cat /world/server)" >&2; exit 8 ;;
	esac
	;;
http://feed.example/*)
	[ "$(cat /world/line)" = up ] || exit 4
	file=/feeds/${url#http://feed.example/}
	[ -e "$file" ] || { echo "HTTP error 404" >&2; exit 8; }
	if [ "$out" = - ]; then cat "$file"; else cp "$file" "$out"; fi
	;;
*) exit 4 ;;
esac
"""
# Time goes on by sleeping; what is to happen at its time lies in /world/events/SECONDS.
SLEEP = """#!/bin/sh
IFS=. read -r now rest </proc/uptime
now=$((now + $1))
echo "$now.00 0.00" >/proc/uptime
for event in /world/events/*; do
	[ -e "$event" ] && [ "${event##*/}" -le "$now" ] || continue
	. "$event"
	rm -f "$event"
done
exit 0
"""
DF = """#!/bin/sh
echo "Filesystem 1024-blocks Used Available Capacity Mounted on"
case $2 in /etc/*) free=$(cat /world/flash) ;; *) free=$(cat /world/ram) ;; esac
echo "dev 9 9 $free 9% /"
"""
DATE = """#!/bin/sh
case $1 in +%H) cat /world/hour ;; *) echo "2026-03-01 02:00" ;; esac
"""
# Debian's busybox prefers its own applets to what lies in PATH, unlike OpenWrt's, and has no flock.
BORROWED = {"sh": "dash", "flock": "flock"}
PROGRAMS = {"wget": WGET, "sleep": SLEEP, "df": DF, "date": DATE}
PLENTY_KB = "9000"


def contents(name: str, version: str, program: str) -> dict[str, tuple[str, int]]:
    """What the small package of this name has in it: text and mode by path."""
    files = {"usr/share/flukso/{}.version".format(name): (version + "\n", 0o644)}
    if name == RUNTIME:
        files["usr/bin/flukso-micropython"] = ("daemon {} whole\n".format(version), 0o755)
        files["usr/bin/flukso"] = ("#!/bin/sh\necho {}\n".format(version), 0o755)
    elif name == SERVICE:
        files["etc/init.d/flukso"] = (INIT, 0o755)
        files["etc/config/flukso"] = ("config settings 'daemon'\n", 0o600)
        for part in ("router", "routers"):
            place = "usr/share/flukso/" + {"router": "router.sh"}.get(part, part)
            files[place] = ((ROUTERS / ("flukso." + part)).read_text(), 0o644)
    elif name == FIRMWARE:
        files["usr/bin/flukso-flash"] = (FLASH, 0o755)
    elif name == UPGRADE:
        files["usr/sbin/flukso-upgrade"] = (program, 0o755)
        files["etc/init.d/flukso-upgrade"] = ((FILES / "flukso-upgrade.init").read_text(), 0o755)
    return files


def pack(folder: Path, manager, name: str, version: str, program: str = "", more: str = "") -> Path:
    """Write the small package into the folder; with a further file `more`."""
    files = contents(name, version, program or PROGRAM)
    if more:
        files[more] = ("", 0o644)
    path: Path = folder / manager.file_name(name, version)
    manager.pack(path, name, version, files, ["/etc/config/flukso"] if name == SERVICE else [])
    return path


class Feed:
    """A signed feed below the folder; packages are added, and the whole is signed anew."""

    def __init__(self, folder: Path, manager=MANAGERS["opkg"]):
        self.packages, self.out = folder / "packed", folder / "feeds"
        self.packages.mkdir(parents=True, exist_ok=True)
        self.manager = manager
        self.key = manager.key()

    def add(self, name: str, version: str, **how: str) -> Path:
        path = pack(self.packages, self.manager, name, version, **how)
        self.sign()
        return path

    def sign(self) -> None:
        self.manager.sign(self.key, self.packages, self.out)


class World:
    """The router of one test, with the old packages installed."""

    def __init__(self, root: Path, feed: Feed, names=(RUNTIME, SERVICE), program: str = ""):
        self.feed, self.router, self.manager = feed, Router(root), feed.manager
        for name, borrowed in BORROWED.items():
            self.router.borrow(name, borrowed)
        for name, text in PROGRAMS.items():
            self.router.path("bin/" + name).unlink(missing_ok=True)
            self.router.write("bin/" + name, text, 0o755)
        for name, text in {
            "server": "200", "line": "up", "bus": "up", "board": BOARD_OLD, "counter": "100",
            "flash": PLENTY_KB, "ram": PLENTY_KB, "hour": "03", "faults": "",
        }.items():  # fmt: skip
            self.set(name, text)
        self.router.write("world/status", STATUS, 0o755)
        self.router.path("world/events").mkdir()
        self.router.write("proc/uptime", "1000.00 0.00\n")
        self.router.write(
            "var/run/flukso/config", "config system\n\toption device '{}'\n".format(DEVICE)
        )
        self.router.path("tmp/lock").mkdir()
        self.manager.prepare(self.router)
        self.manager.trust(self.router, feed.key)
        self.serve()
        with tempfile.TemporaryDirectory() as folder:
            for name in (*names, UPGRADE):
                path = pack(Path(folder), self.manager, name, OLD, program=program)
                shutil.copy(path, self.router.path("tmp") / path.name)
                self.manager.install(self.router, "/tmp/" + path.name)
                self.router.path("tmp/" + path.name).unlink()
        self.router.write("etc/config/flukso", CONFIG)
        self.router.service("start")
        self.run("/etc/init.d/flukso-upgrade", "start")
        self.run("/world/status")

    def set(self, name: str, text: str) -> None:
        self.router.write("world/" + name, text + "\n")

    def fault(self, *lines: str) -> None:
        """What versions break: `PACKAGE VERSION lan|board|upload|dies|counter`."""
        self.router.write("world/faults", "".join(line + "\n" for line in lines))

    def at(self, seconds: int, command: str) -> None:
        """Run the command in the router so many seconds from now."""
        self.router.write("world/events/{}".format(self.uptime() + seconds), command + "\n")

    def uptime(self) -> int:
        return int(self.router.read("proc/uptime").split(".")[0])

    def serve(self) -> None:
        """Put the feed where the router fetches it, and note whether its signature is right."""
        shutil.rmtree(self.router.path("feeds"), ignore_errors=True)
        shutil.copytree(self.feed.out, self.router.path("feeds"))
        self.manager.note_right(self.router, self.feed.key, self.feed.out)

    def run(self, *words: str, status: int = 0) -> str:
        return self.router.run(*words, status=status)

    def upgrade(self) -> str:
        """What `flukso-upgrade now` comes to, run to its end; returns the log's new lines."""
        before = len(self.router.log())
        self.run("flukso-upgrade", "now")
        self.procd()
        return self.router.log()[before:]

    def commands(self) -> list[list[str]]:
        """What procd is to run of the upgrade's service now: no command, or one."""
        definition = self.router.path("var/run/procd/flukso-upgrade")
        lines = definition.read_text().splitlines() if definition.exists() else []
        return [line.split()[1:] for line in lines if line.startswith("command ")]

    def procd(self, rounds: int = 3) -> None:
        """Run the service as procd would, until it has ended itself."""
        for _ in range(rounds):
            commands = self.commands()
            if not commands:
                return
            self.start(commands[0]).wait(RUN_S)
        raise AssertionError("it does not end\n" + self.router.log())

    def hourly(self) -> None:
        """What root's crontab does, in an hour that is not this device's."""
        self.set("hour", "12")
        path = self.router.path("etc/crontabs/root")
        for line in path.read_text().splitlines() if path.exists() else []:
            self.run("sh", "-c", line.split(None, 5)[5] + "; true")
        self.procd()

    def start(self, words: list[str]) -> subprocess.Popen:
        """Start the command in the router, as the service would."""
        return subprocess.Popen(
            self.router.command(*words),
            stdin=subprocess.DEVNULL,
            env=self.router.environment,
        )

    def boot(self) -> None:
        """What the power's return does: RAM is empty, and the services that are enabled start."""
        tmp = self.router.path("tmp")
        shutil.rmtree(tmp)
        (tmp / "lock").mkdir(parents=True)
        self.router.write("proc/uptime", "30.00 0.00\n")
        self.router.path("var/run/flukso").mkdir(parents=True)
        for link in sorted(self.router.path("etc/rc.d").glob("S*")):
            script = "/etc/init.d/" + link.name[3:]
            if self.router.path(script).exists():
                self.run("sh", "-c", "{} boot || true".format(script))
        self.procd()

    def version(self, name: str = RUNTIME) -> str:
        """The version that is installed, whole, and known to the manager as this one."""
        version: str = self.manager.version(self.router, name)
        for place, (text, _) in contents(name, version, PROGRAM).items():
            if place != "etc/config/flukso" and name != UPGRADE:
                assert self.router.read(place) == text, (name, version, place)
        return version

    def works(self) -> bool:
        """Say whether the daemon runs and answers."""
        return '"version"' in self.run("sh", "-c", "/world/status || true")

    def report(self) -> str:
        """The last upgrade's, without its time."""
        path = self.router.path("etc/flukso/upgrade/report")
        return path.read_text().strip().split(" ", 2)[2] if path.exists() else ""

    def left(self) -> list[str]:
        """What is there of an upgrade under way: nothing, once it has ended."""
        folder = self.router.path("etc/flukso/upgrade")
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
        lasting = ("report", "refused")
        return [
            name
            for name in names
            if not name.endswith("." + self.manager.ending) and name not in lasting
        ]

    def ended(self) -> bool:
        return not self.left()

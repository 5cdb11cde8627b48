# SPDX-License-Identifier: GPL-3.0-or-later
"""A router in QEMU with our packages on it, its board in the simulator, its server beside it; and
the figures of its daemon.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from flukso.backlog import Store
from tools.fakes.server import Server
from tools.harness import ROOT, ca
from tools.harness.bus import Control
from tools.harness.chain import DEVICE, KEY, SENSORS, SETTINGS_TEXT, sensor_text
from tools.harness.processes import free_port
from tools.harness.simulator import start_fluksosim
from tools.qemu.initramfs import Initramfs
from tools.qemu.machine import GATEWAY, Machine

OVERLAY = ROOT / "tests/package/router"  # opkg, rc.common and procd, emulated
HERE = ROOT / "tools/qemu"
CACHE = Path(os.environ.get("FLUKSO_QEMU_CACHE", ROOT / ".cache/qemu"))  # as build.sh has it
PACKAGES = ("flukso-micropython", "flukso")
MEM_MB = {"mips": 16, "mipsel": 64}  # Debian's kernel for mipsel needs more than a small router has
PRESENT = ("kmod-spi-dev", "avrdude")  # on every OpenWrt router, without a part in this
WATTS = (1000, 2000, 3000)
SAVED = "/root/buffer.bin"
TICKS = 100  # a second, in /proc/PID/stat
STATE = "/var/run/flukso"
CACERT = "/etc/ssl/certs/flukso.ca.crt"
MINUTE = "/sensor/{}?version=1.0&interval=minute&unit=watt"
LAN = "\toption enable_lan_branch '1'\n\toption lan_port '8080'\n\toption bus 'tty:/dev/ttyS1'\n"
# Starts the service; says when, when the LAN API showed a reading, and when the daemon had begun:
# all in s of the guest's clock.
FIRST_READING = (
    "now() {{ cut -d' ' -f1 /proc/uptime; }}; began=$(now); /etc/init.d/flukso start; "
    "until wget -q -O - 'http://127.0.0.1:8080{}' 2>/dev/null | grep -q ',[0-9]'; do sleep 0.1; "
    "done; "
    "echo $began $(now) $(cut -d' ' -f22 /proc/$(pidof flukso-micropython)/stat)"
).format(MINUTE.format(SENSORS[0]))


def make_packages(arch: str, out: Path) -> list[Path]:
    """The .ipk files that this router gets, as `make ipk` makes them."""
    subprocess.run([ROOT / "package/flukso-micropython/build.sh", "--release", arch], check=True)
    program = ROOT / ".cache/micropython" / arch / "flukso-micropython"
    name = {"mips": "mips_24kc", "mipsel": "mipsel_24kc"}[arch]
    words: list = [
        sys.executable,
        ROOT / "tools/ipk.py",
        "build",
        "--out",
        out,
        "--arch",
        "{}={}".format(name, program),
    ]
    subprocess.run(
        [*words, *["package/" + package for package in PACKAGES]],
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    return [next(out.glob(package + "_*.ipk")) for package in PACKAGES]


def applets(busybox: Path, arch: str) -> list[str]:
    listed = subprocess.run(
        ["qemu-{}-static".format(arch), busybox, "--list"],
        capture_output=True,
        text=True,
        check=True,
    )
    # the overlay has a log of its own
    return [name for name in listed.stdout.split() if name not in ("busybox", "logger")]


def base_system(
    arch: str, parts: Path, cacert: bytes, server_url: str, interval_s: int
) -> Initramfs:
    """A router as it was before our packages came: base system, network names, and a historic
    configuration.
    """
    root = Initramfs()
    for name in (
        "proc",
        "sys",
        "dev",
        "tmp",
        "root",
        "etc/uci-defaults",
        "usr/lib/opkg/info",
        "lib/modules",
    ):
        root.folder(name)
    root.character_device("dev/console", 5, 1)
    root.link("var", "tmp")
    root.file("init", (HERE / "init.sh").read_bytes(), 0o755)
    root.file("bin/busybox", (parts / "busybox").read_bytes(), 0o755)
    for name in applets(parts / "busybox", arch):
        root.link("bin/" + name, "busybox")
    for module in sorted((parts / "modules").glob("*.ko")):
        root.file("lib/modules/" + module.name, module.read_bytes())
    root.tree(OVERLAY)
    for name in PRESENT:
        root.file(
            "usr/lib/opkg/info/{}.control".format(name),
            "Package: {}\nVersion: 1\n".format(name).encode(),
        )
    root.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    root.file("etc/group", b"root:x:0:\n")
    root.file("etc/hosts", "127.0.0.1 localhost\n{} {}\n".format(GATEWAY, ca.HOST).encode())
    root.file("etc/config/system", b"config system\n\toption hostname 'flukso'\n")
    root.file("etc/config/flukso", configuration(server_url, interval_s).encode())
    root.file(CACERT, cacert)
    return root


def configuration(server_url: str, interval_s: int) -> str:
    text = SETTINGS_TEXT.format(
        device=DEVICE,
        key=KEY,
        hw_minor=1,
        url=server_url,
        cacert=CACERT,
        interval=interval_s,
        state=STATE,
    )
    return text.replace("\toption enable_lan_branch '0'\n", LAN) + "".join(
        sensor_text(number) for number in (1, 2, 3)
    )


class Router:
    """Everything runs once this is made; `install` puts our packages on it."""

    def __init__(
        self,
        arch: str,
        folder: Path,
        *,
        mem_mb: int | None = None,
        interval_s: int = 10,
        week: Store,
    ):
        subprocess.run([HERE / "build.sh", arch], check=True)
        self.arch, self.mem_mb = arch, mem_mb or MEM_MB[arch]
        parts = CACHE / arch
        certificates = ca.make(folder / "ca")
        self.packages = make_packages(arch, folder / "ipk")
        self.lan_port = free_port()
        self.server = Server(certificates / "good.pem", {DEVICE: KEY})
        url = "https://{}:{}/".format(ca.HOST, self.server.port)
        root = base_system(arch, parts, (certificates / "ca.crt").read_bytes(), url, interval_s)
        for package in self.packages:
            root.file("root/" + package.name, package.read_bytes())
        self.week = week  # what an outage left; `restore` gives it to the daemon
        root.file(SAVED, week.dump())
        (folder / "initramfs").write_bytes(root.packed())
        options = ["--speed", "1", "--eeprom", folder / "eeprom.bin"]
        options += ["--listen", "unix:{}/bus".format(folder)]
        options += ["--control", "unix:{}/control".format(folder)]
        self.board = start_fluksosim(*options)
        control = Control("unix:{}/control".format(folder))
        for index, watt in enumerate(WATTS):
            control.ask("clamp {} {}".format(index, watt))
        control.close()
        self.machine = Machine(
            arch,
            parts / "vmlinux",
            folder / "initramfs",
            mem_mb=self.mem_mb,
            serial=folder / "bus",
            lan_port=self.lan_port,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.machine.close()
        self.board.kill()
        self.server.close()

    def install(self) -> str:
        """What opkg said; the service runs afterwards."""
        said = "".join(
            self.machine.run("opkg install /root/{}".format(package.name), 120)
            for package in self.packages
        )
        self.machine.run("rm /root/*.ipk")
        return said

    def first_reading_s(self) -> tuple[float, float]:
        """Start the service anew; guest seconds to the first reading on the LAN API: from there,
        and from the daemon's own start.
        """
        self.machine.run("/etc/init.d/flukso stop", 120)
        began, shown, daemon = re.findall(r"[\d.]+", self.machine.run(FIRST_READING, 150))[-3:]
        return round(float(shown) - float(began), 2), round(float(shown) - float(daemon) / TICKS, 2)

    def restore(self) -> None:
        """Start the service anew with the week's readings as its saved buffer."""
        self.machine.run("/etc/init.d/flukso stop", 120)
        self.machine.run(
            "cp {0} {1} && chown flukso:flukso {1}".format(SAVED, STATE + "/buffer.bin")
        )
        self.machine.run("/etc/init.d/flukso start", 60)

    def ask(self, path: str) -> str:
        """What the LAN API answers on this machine's forwarded port."""
        with urllib.request.urlopen(
            "http://127.0.0.1:{}{}".format(self.lan_port, path), timeout=20
        ) as answer:
            return answer.read().decode()

    def watts(self, index: int) -> list:
        return json.loads(self.ask(MINUTE.format(SENSORS[index])))

    def memory(self) -> dict[str, int]:
        """The daemon's memory in kB, by the names of /proc/PID/status."""
        text = self.machine.run("cat /proc/$(pidof flukso-micropython)/status")
        found = {
            name: int(value)
            for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)
        }
        assert "VmHWM" in found, text + self.log()
        return found

    def maps(self) -> list[tuple[str, int]]:
        """Resident kB of each part of the daemon's memory, as the kernel names them."""
        text = self.machine.run("cat /proc/$(pidof flukso-micropython)/smaps")
        parts = re.findall(
            r"^[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \S+ *([^\n]*)\n.*?^Rss: +(\d+) kB",
            text,
            re.MULTILINE | re.DOTALL,
        )
        return [("{} {}".format(mode, name or "anonymous"), int(kb)) for mode, name, kb in parts]

    def log(self) -> str:
        return self.machine.run("cat /var/log/messages")

    def uploaded(self) -> bool:
        """Whether the server holds readings of every sensor, all in good form."""
        return (
            all(self.server.held(id_) for id_ in SENSORS[: len(WATTS)])
            and not self.server.store.violations
        )

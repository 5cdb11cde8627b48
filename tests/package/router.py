# SPDX-License-Identifier: GPL-3.0-or-later
"""A router's file system here: busybox ash, emulated opkg, rc.common and procd (router/), the
big-endian runtime under qemu.
"""

import os
import shutil
import stat
import subprocess
from pathlib import Path

from tests.package.system_log import SystemLog

HERE = Path(__file__).resolve().parent
OVERLAY = HERE / "router"
QEMU = Path("/usr/bin/qemu-mips-static")
BUSYBOX = Path("/bin/busybox")
RUNTIME = "usr/bin/flukso-micropython"
# What is on every OpenWrt router and has no part in the tests.
PRESENT = ("kmod-spi-dev", "avrdude")
DEVICES = {"null": (1, 3), "zero": (1, 5), "urandom": (1, 9), "random": (1, 8)}
RUN_S = 120
# A shell cannot trap what was ignored when it began, as under nohup.
HANG_UP = ["env", "--default-signal=HUP"]
ROOT_COMMAND = [] if os.geteuid() == 0 else ["sudo", "-n"]


class Router:
    """A root file system below `root`; everything runs in it by chroot."""

    def __init__(self, root: Path, execute: bool = False):
        self.root = root
        self.environment = {
            "PATH": "/bin:/sbin:/usr/bin:/usr/sbin",
            "PROCD_EXEC": "1" if execute else "0",
        }
        for folder in (
            "bin",
            "sbin",
            "dev",
            "etc/config",
            "etc/init.d",
            "etc/uci-defaults",
            "tmp",
            "usr/lib/opkg/info",
            "usr/sbin",
            "proc",
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "var").symlink_to("tmp")
        shutil.copy(BUSYBOX, root / "bin/busybox")
        for applet in subprocess.run(
            [BUSYBOX, "--list"], capture_output=True, text=True, check=True
        ).stdout.split():
            if not (root / "bin" / applet).exists():
                (root / "bin" / applet).symlink_to("busybox")
        shutil.copytree(OVERLAY, root, dirs_exist_ok=True)
        (root / "bin/logger").unlink()
        (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/ash\n")
        (root / "etc/group").write_text("root:x:0:\n")
        for name, (major, minor) in DEVICES.items():
            os.mknod(root / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
        for name in PRESENT:
            self.write(
                "usr/lib/opkg/info/{}.control".format(name),
                "Package: {}\nVersion: 1\n".format(name),
            )
        # Of the daemon, which only then runs.
        self.system_log = (
            SystemLog(root / "dev/log", root / "tmp/log/messages") if execute else None
        )
        self.write("etc/config/system", "config system\n\toption hostname 'OpenWrt'\n", 0o644)

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def write(self, name: str, text: str, mode: int = 0o600) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)
        self.path(name).chmod(mode)

    def read(self, name: str) -> str:
        return self.path(name).read_text()

    def borrow(self, name: str, program: str) -> None:
        """Put this machine's program, and the libraries it needs, under this name."""
        found = shutil.which(program)
        assert found is not None, program
        said = subprocess.run(["ldd", found], capture_output=True, text=True, check=True).stdout
        for word in (found, *[word for word in said.split() if word.startswith("/")]):
            place = self.path("bin/" + name if word == found else word)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            shutil.copy(word, place)

    def log(self) -> str:
        return self.read("var/log/messages") if self.path("var/log/messages").exists() else ""

    def command(self, *words: str) -> list:
        """What runs these words in the router."""
        return [*ROOT_COMMAND, *HANG_UP, "chroot", self.root, *words]

    def run(self, *words: str, status: int = 0) -> str:
        """What the command prints; it must end with this status."""
        done = subprocess.run(
            self.command(*words),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=RUN_S, env=self.environment, umask=0o022,
        )  # fmt: skip
        assert done.returncode == status, "{}: {}\n{}".format(words, done.returncode, done.stdout)
        return done.stdout

    def install(self, *packages: Path, status: int = 0) -> str:
        """Install packages with the emulated opkg, one by one; the MIPS runtime is then made to run
        under qemu.
        """
        said = ""
        for package in packages:
            shutil.copy(package, self.root / "tmp" / package.name)
            said += self.run("opkg", "install", "/tmp/" + package.name, status=status)
            if package.name.startswith("flukso-micropython"):
                self.emulate()
        return said

    def emulate(self) -> None:
        """A processor of this machine cannot run the package's program: a script of the same name
        starts qemu with it.
        """
        shutil.copy(QEMU, self.root / "usr/sbin/qemu-mips")
        self.path(RUNTIME).rename(self.path(RUNTIME + ".mips"))
        text = '#!/bin/sh\nexec /usr/sbin/qemu-mips -cpu 24Kc /{} "$@"\n'.format(RUNTIME + ".mips")
        self.write(RUNTIME, text, 0o755)

    def service(self, action: str, status: int = 0) -> str:
        return self.run("/etc/init.d/flukso", action, status=status)

    def definition(self) -> list[str]:
        """What the init handed to procd, a line for each call; file contents as one line."""
        lines = self.read("var/run/procd/flukso").splitlines()
        return [line for line in lines if not line.startswith("content ")]

    def close(self) -> None:
        if self.path("etc/init.d/flukso").exists():
            self.service("stop")
        if self.system_log is not None:
            self.system_log.close()

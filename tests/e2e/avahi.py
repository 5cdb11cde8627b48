# SPDX-License-Identifier: GPL-3.0-or-later
"""avahi-browse with an Avahi and a D-Bus of its own, for a process that is root of its own network
and mount namespace.
"""

import contextlib
import os
import subprocess
import time
from pathlib import Path

from tools.harness.processes import DIES_WITH_US

BUS = "unix:path=/run/bus"
BUS_CONFIG = """<busconfig><listen>{}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""
AVAHI_CONFIG = (
    "[server]\nuse-ipv6=no\n[wide-area]\nenable-wide-area=no\n[publish]\ndisable-publishing=yes\n"
)
# Avahi gives its folder to its user, but root may be the only one in our user namespace
USERS = {
    "/etc/passwd": "root:x:0:0::/:/bin/sh\navahi:x:0:0::/:/bin/sh\n",
    "/etc/group": "root:x:0:\navahi:x:0:\n",
}
LIFE_S = 30  # of one avahi-browse


@contextlib.contextmanager
def avahi():
    """Yield browse(kind, limit_s): the fields of the first service that avahi-browse resolves, None
    when there is none in time.
    """
    with contextlib.ExitStack() as mounts:
        mount(mounts, "/run", "-t", "tmpfs", "tmpfs")  # ours alone: this mount namespace
        Path("/run/bus.conf").write_text(BUS_CONFIG.format(BUS))
        Path("/run/avahi.conf").write_text(AVAHI_CONFIG)
        for file, line in USERS.items():
            names = Path("/run", Path(file).name)
            names.write_text(line)
            mount(mounts, file, "--bind", str(names))
        with _daemons(dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=BUS)) as browse:
            yield browse


def mount(stack: contextlib.ExitStack, where: str, *what: str) -> None:
    """Mount it until the stack is closed."""
    subprocess.run(["mount", *what, where], check=True)
    stack.callback(subprocess.run, ["umount", "--lazy", where], check=True)


@contextlib.contextmanager
def _daemons(environment):
    programs = []
    try:
        programs.append(
            subprocess.Popen(
                [*DIES_WITH_US, "dbus-daemon", "--config-file=/run/bus.conf", "--nofork"]
            )
        )
        _await(Path("/run/bus"))
        command = [
            *DIES_WITH_US,
            "avahi-daemon",
            "-f",
            "/run/avahi.conf",
            "--no-drop-root",
            "--no-chroot",
            "--no-rlimits",
        ]
        programs.append(subprocess.Popen(command, env=environment))
        _await(Path("/run/avahi-daemon/pid"))
        yield lambda kind, limit_s: _browse(kind, limit_s, environment)
    finally:
        for program in reversed(programs):
            program.terminate()
            program.wait(10)


def _await(path, limit_s=20):
    deadline = time.monotonic() + limit_s
    while not path.exists():
        if time.monotonic() > deadline:
            raise RuntimeError("no {}".format(path))
        time.sleep(0.05)


def _browse(kind, limit_s, environment):
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        command = ["avahi-browse", "--resolve", "--parsable", "--terminate", kind]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LIFE_S
        )
        for line in done.stdout.splitlines():
            if line.startswith("="):
                return line.split(";")
        time.sleep(0.2)
    return None

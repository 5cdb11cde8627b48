# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed service at work: procd's part is emulated, everything else is what a router gets,
big endian under qemu. In real time.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from tests.package.conftest import package
from tests.package.router import Router
from tests.runtime.test_release import ask
from tools.harness.chain import DEVICE, KEY, SENSORS
from tools.harness.processes import free_port
from tools.harness.simulator import start_fluksosim

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
USER = 4168
TMP_SIZE = "4m"  # of the router's RAM disk
CONFIG = """config system
\toption device '{device}'
\toption key '{key}'
config settings 'main'
config settings 'daemon'
\toption bus 'unix:/board/bus'
\toption wan_base_url '{url}'
\toption cacert '/etc/ssl/certs/flukso.ca.crt'
\toption upload_interval '10'
\toption save_interval '10'
\toption lan_port '{port}'
config sensor '1'
\toption id '{id}'
\toption type 'electricity'
\toption class 'analog'
\toption voltage '230'
\toption current '50'
\tlist port '1'
\toption enable '1'
"""


class Meter:
    """A router with the packages, a board that may come later, and a server."""

    def __init__(self, root, server, certificates):
        root.mkdir()
        (root / "tmp").mkdir()
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=" + TMP_SIZE, "tmpfs", root / "tmp"], check=True
        )
        self.router = Router(root, execute=True)
        self.port, self.board = free_port(), None
        self.config = CONFIG.format(
            device=DEVICE, key=KEY, url=server.url, port=self.port, id=SENSORS[0]
        )
        self.router.write("etc/hosts", "127.0.0.1 localhost\n", 0o644)
        self.router.write("etc/config/flukso", self.config)
        (root / "etc/ssl/certs").mkdir(parents=True)
        shutil.copy(certificates / "ca.crt", root / "etc/ssl/certs/flukso.ca.crt")
        (root / "board").mkdir()

    def install(self, feed):
        self.router.install(package(feed, "flukso-micropython"), package(feed, "flukso"))
        for left in self.router.path("tmp").glob("*.ipk"):
            left.unlink()

    def plug(self):
        folder = self.router.path("board")
        (folder / "trace.csv").write_text("ts,watt\n0,3600\n100000,3600\n")
        options = ["--speed", "1", "--listen", "unix:{}/bus".format(folder)]
        options += ["--trace", folder / "trace.csv", "--eeprom", folder / "eeprom.bin"]
        self.board = start_fluksosim(*options)
        (folder / "bus").chmod(0o666)

    def status(self):
        return json.loads(ask(self.port, "/status"))

    def until(self, what, timeout_s=90):
        """Wait until what(status) holds, and return that status."""
        deadline, last = time.monotonic() + timeout_s, None
        while time.monotonic() < deadline:
            try:
                last = self.status()
                if what(last):
                    return last
            except (OSError, ValueError):
                pass  # it is not up
            time.sleep(0.5)
        raise AssertionError("{}\n{}".format(last, self.router.log()))

    def pid(self) -> int:
        return int(self.router.read("var/run/procd/flukso.child"))

    def close(self):
        self.router.close()
        if self.board is not None:
            self.board.kill()
        subprocess.run(["umount", "-l", self.router.path("tmp")], check=True)


@pytest.fixture
def meter(tmp_path, feed, server, certificates):
    made = Meter(tmp_path / "router", server, certificates)
    try:
        made.install(feed)
        yield made
    finally:
        made.close()


def test_the_service_runs_and_each_trouble_is_said_and_passes(meter, server):
    # no board: said, and taken up when it comes
    assert meter.until(lambda found: found["board"]["error"])["board"]["firmware"] is None
    assert re.search(
        r"^daemon\.warn flukso\[\d+\]: the board does not answer", meter.router.log(), re.M
    )
    assert (
        re.search(r"^daemon\.info flukso\[\d+\]: started", meter.router.log(), re.M)
        and "daemon.err" not in meter.router.log()
    )
    meter.plug()
    meter.until(
        lambda found: found["board"]["error"] is None and found["sensors"][0]["counter"] is not None
    )
    assert os.stat("/proc/{}".format(meter.pid())).st_uid == USER
    meter.until(lambda found: found["upload"]["acknowledged"])

    # a configuration with errors: said, the old one goes on
    polls = meter.status()["board"]["polls"]
    meter.router.write(
        "etc/config/flukso", meter.config.replace("upload_interval '10'", "upload_interval 'often'")
    )
    meter.router.run("reload_config", "flukso")
    assert (
        "upload_interval"
        in meter.until(lambda found: found["errors"]["config"])["errors"]["config"]
    )
    meter.until(lambda found: found["board"]["polls"] > polls + 2)
    assert "daemon.err flukso: the configuration is not taken over" in meter.router.log()

    # the OOM killer, while it is wrong: restarted, with the good configuration
    meter.until(lambda found: meter.router.path("var/run/flukso/buffer.bin").exists())
    before = meter.pid()
    os.kill(before, signal.SIGKILL)
    found = meter.until(lambda found: found["uptime"] < 30 and found["upload"]["acknowledged"])
    assert meter.pid() != before and "upload_interval" in found["errors"]["config"]
    meter.router.write("etc/config/flukso", meter.config)
    meter.router.run("reload_config", "flukso")
    meter.until(lambda found: found["errors"]["config"] is None)

    # /tmp is full: said, the old file stays whole, saved again when there is room
    saved = meter.router.path("var/run/flukso/buffer.bin").read_bytes()
    filler = meter.router.path("tmp/filler")
    with filler.open("wb") as file, pytest.raises(OSError):
        while True:
            file.write(bytes(65536))
            file.flush()
    assert meter.until(lambda found: found["errors"]["save"])["errors"]["save"]
    assert meter.router.path("var/run/flukso/buffer.bin").read_bytes()[:4] == saved[:4]
    filler.unlink()
    meter.until(lambda found: found["errors"]["save"] is None)

    # the end: the last readings are uploaded, nothing was lost or contradicted
    counter = meter.status()["sensors"][0]["counter"]
    meter.router.service("stop")
    held = server.held(SENSORS[0])
    assert held[-1][1] >= counter > 0 and not server.store.violations and not server.store.conflicts
    assert not os.path.exists("/proc/{}".format(before))

# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong on a router: each is said, nothing is lost, and the daemon goes on when the cause
is gone. The release build.
"""

import json
import os
import signal
import subprocess

import pytest

from flukso import backlog
from tests.package.router import ROOT_COMMAND
from tests.runtime.conftest import FROZEN
from tests.runtime.test_release import WITH_LAN, ask
from tests.runtime.test_spidev import DEVICE, wires  # noqa: F401
from tools.harness.chain import SENSORS
from tools.harness.interpreters import environment
from tools.harness.processes import free_port

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def router(household, release):
    """A household on the release build, its board the historic one's model, and the port of its LAN
    API.
    """
    chain = household(digits=22)
    chain.command, chain.env = [*release, *FROZEN], {"MICROPYPATH": ".frozen"}
    port = free_port()
    chain.configure(extra=WITH_LAN.format(port))
    chain.clamp(3600)
    return chain, port


def test_a_configuration_with_errors_is_listed_and_ends_it(router):
    chain, _ = router
    (chain.folder / "flukso").write_text(
        "config sensor '1'\n\toption id 'short'\nconfig settings 'daemon'\n\toption lan_port 'x'\n"
    )
    command = [*chain.command, "daemon", "--config", str(chain.folder / "flukso")]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(**chain.env), timeout=30
    )
    assert done.returncode == 2
    assert "flukso:2:" in done.stderr and "flukso:4:" in done.stderr, done.stderr


def status(port):
    return json.loads(ask(port, "/status"))


def test_a_configuration_that_becomes_wrong_is_said_and_the_old_one_goes_on(router, server):
    chain, port = router
    chain.start()
    chain.run(5)
    right = (chain.folder / "flukso").read_text()
    (chain.folder / "flukso").write_text(
        right + "config settings daemon\n\toption upload_interval 'often'\n"
    )
    chain.daemon.signal(signal.SIGHUP)
    chain.run_until(lambda: status(port)["errors"]["config"], 30)
    assert "upload_interval" in status(port)["errors"]["config"]
    assert (
        "the configuration is not taken over: " in chain.log() and "upload_interval" in chain.log()
    )
    chain.run_until(lambda: server.held(SENSORS[0]), 60)
    (chain.folder / "flukso").write_text(right)
    chain.daemon.signal(signal.SIGHUP)
    chain.run_until(lambda: status(port)["errors"]["config"] is None, 30)
    assert chain.stop() == 0


def test_a_board_that_does_not_answer_until_it_does(router, server):
    chain, port = router
    chain.start()
    chain.run(5)
    chain.control.ask("cut")
    chain.run(5)
    assert chain.log().count("the board does not answer") == 1
    assert status(port)["board"]["error"]
    chain.control.ask("power")
    chain.run_until(lambda: status(port)["board"]["error"] is None, 60)
    assert "the board answers again" in chain.log()
    chain.run_until(lambda: server.held(SENSORS[0]), 60)
    assert chain.stop() == 0


def test_no_spi_device_until_it_comes(household, server, spifake_runtime, wires, tmp_path):  # noqa: F811
    env, _ = wires
    chain = household(digits=22)
    chain.command = [*spifake_runtime, "-m", "flukso"]
    chain.env = environment(**env, FLUKSO_SPI_BUS="unix:" + str(tmp_path / "plugged"))
    real, chain.board.bus_url = chain.board.bus_url, "spidev:" + DEVICE
    port = free_port()
    chain.configure(extra=WITH_LAN.format(port))
    chain.clamp(3600)
    chain.start()
    chain.run(5)
    assert DEVICE in chain.log() and chain.log().count("does not answer") == 1
    assert DEVICE in ask(port, "/status")
    os.symlink(real.partition(":")[2], tmp_path / "plugged")
    chain.run_until(lambda: server.held(SENSORS[0]), 60)
    assert "answers again" in chain.log() and status(port)["board"]["error"] is None
    assert chain.stop() == 0
    assert server.held(SENSORS[0])[-1][1] == chain.counters()[0]


def test_a_folder_that_cannot_be_written_is_said_and_recovered_from(router, server):
    chain, port = router
    (chain.folder / "state").write_text("in the way")
    chain.configure(extra=WITH_LAN.format(port) + "\toption save_interval '10'\n")
    chain.start()
    chain.run(25)
    assert "could not be saved" in chain.log()
    assert status(port)["errors"]["save"]
    chain.run_until(lambda: server.held(SENSORS[0]), 60)
    (chain.folder / "state").unlink()
    chain.run_until((chain.folder / "state" / "buffer.bin").exists, 60)
    chain.run_until(
        lambda: (
            status(port)["errors"] == {"config": None, "save": None, "flash": None, "killed": 0}
        ),
        60,
    )
    assert chain.stop() == 0


@pytest.fixture
def ram_disk(tmp_path):
    """A folder of 64 KiB, as /tmp of a router is bounded."""
    folder = tmp_path / "ram"
    folder.mkdir()
    subprocess.run(
        [*ROOT_COMMAND, "mount", "-t", "tmpfs", "-o", "size=64k,mode=0777", "tmpfs", folder],
        check=True,
    )
    yield folder
    subprocess.run([*ROOT_COMMAND, "umount", "-l", folder], check=True)


def test_a_full_ram_disk_keeps_the_saved_file_whole_and_is_recovered_from(router, server, ram_disk):
    chain, port = router
    chain.configure(extra=WITH_LAN.format(port) + "\toption save_interval '10'\n", state=ram_disk)
    server.down()
    chain.start()
    chain.run_until((ram_disk / "buffer.bin").exists, 60)
    filler = ram_disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(bytes(4096))
    chain.run_until(lambda: status(port)["errors"]["save"], 60)
    assert "could not be saved" in chain.log()
    assert len(backlog.load((ram_disk / "buffer.bin").read_bytes())) >= 1
    filler.unlink()
    chain.run_until(lambda: status(port)["errors"]["save"] is None, 60)
    server.up()
    assert chain.stop() == 0


def test_flash_that_cannot_be_written_is_said_and_recovered_from(router):
    chain, port = router
    noted = chain.folder / "flukso.flash"  # as the service writes it
    noted.write_text("config.good cannot be written: flash is full or read-only\n")
    chain.start()
    chain.run(3)
    assert (
        status(port)["errors"]["flash"]
        == "config.good cannot be written: flash is full or read-only"
    )
    noted.unlink()
    chain.daemon.signal(signal.SIGHUP)
    chain.run_until(lambda: status(port)["errors"]["flash"] is None, 30)
    assert chain.stop() == 0


def test_the_oom_killer_costs_nothing_that_was_saved(router, server):
    chain, port = router
    chain.configure(extra=WITH_LAN.format(port) + "\toption save_interval '10'\n")
    server.down()
    chain.start()
    chain.run(60)
    assert status(port)["errors"]["killed"] == 0
    chain.kill()
    server.up()
    chain.start()
    chain.run(2)
    assert (
        status(port)["errors"]["killed"] == 1 and "the daemon was killed, or crashed" in chain.log()
    )
    chain.run_until(lambda: server.held(SENSORS[0]), 120)
    chain.rest()
    assert chain.stop() == 0
    held = server.held(SENSORS[0])
    assert held[-1][1] == chain.counters()[0] and len(held) >= 2
    assert not server.store.conflicts and not server.store.violations
    chain.start()
    chain.run(2)
    assert status(port)["errors"]["killed"] == 1 and chain.log().count("the daemon was killed") == 1
    assert chain.stop() == 0


def test_a_clock_of_1970_is_said_and_nothing_is_lost_when_it_is_set(router, server):
    chain, port = router
    right_s = chain.now_s()
    chain.control.ask("wall 1000")
    server.misbehave("status", at="instead", status=404, path="/device/")  # else its time would do
    chain.start()
    chain.pass_time(120)
    assert server.held(SENSORS[0]) == [] and all(
        request.path.startswith("/device/") for request in server.requests
    )
    assert status(port)["clock"]["believed"] is False
    assert chain.log().count("the clock is not set: readings are kept") == 1
    chain.control.ask("wall {}".format(right_s + 130))
    chain.control.ask("ntp 1")
    chain.run_until(lambda: server.held(SENSORS[0]), 120)
    assert status(port)["clock"]["believed"] is True and "the clock was set" in chain.log()
    chain.rest()
    assert chain.stop() == 0
    held = server.held(SENSORS[0])
    assert held[0][0] <= right_s + 40 and held[-1][1] == chain.counters()[0]
    assert all(right_s - 5 <= stamp <= right_s + 400 for stamp, _ in held)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A generation 1 household: the UART board's own firmware, heard over a pseudo-terminal, on either
runtime.
"""

import json
import subprocess
import urllib.request

import pytest

from tools.harness import ROOT
from tools.harness.bus import Control
from tools.harness.chain import DEVICE, KEY, WALL_S
from tools.harness.interpreters import interpreter
from tools.harness.processes import Program, free_port
from tools.harness.simulator import UART_FIRMWARE, start_fluksosim
from tools.harness.wait import wait_until

# the terminal carries bytes in real time: a busy machine must not look like a board whose clock
# leaps
SPEED = 5
STEP_S = 0.2
CONFIG = """config system
\toption device '{device}'
\toption key '{key}'
config settings daemon
\toption wan_base_url '{url}'
\toption cacert '{cacert}'
\toption upload_interval '10'
\toption state_dir '{folder}/state'
\toption bus 'uart:{folder}/tty'
\toption lan_port '{port}'
"""
SENSOR = (
    "config sensor '{0}'\n\toption id '{0:032x}'\n\toption class '{1}'\n\tlist port "
    "'{0}'\n\toption enable '1'\n"
)


@pytest.fixture
def board(tmp_path):
    """The firmware in fluksosim; its sensors have ids 1 to 4, as an erased EEPROM gives them."""
    subprocess.run(
        ["make", "-s", "-C", ROOT / "avr", "firmware", "BOARD=uart"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    control_url = "unix:{}/control".format(tmp_path)
    where = [
        "--uart",
        "pty:{}/tty".format(tmp_path),
        "--control",
        control_url,
        "--wall",
        str(WALL_S),
    ]
    sim = start_fluksosim("--board", "uart", "--speed", str(SPEED), *where, image=UART_FIRMWARE)
    control = Control(control_url)
    yield control
    control.close()
    sim.kill()


def status(port):
    with urllib.request.urlopen("http://127.0.0.1:{}/status".format(port), timeout=10) as answer:
        return json.load(answer)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_power_and_pulses_reach_server_and_lan(board, server, certificates, tmp_path, runtime):
    port = free_port()
    text = CONFIG.format(
        device=DEVICE,
        key=KEY,
        url=server.url,
        cacert=certificates / "ca.crt",
        folder=tmp_path,
        port=port,
    )
    (tmp_path / "flukso").write_text(text + SENSOR.format(1, "analog") + SENSOR.format(3, "pulse"))
    board.ask("clamp 0 3600")
    command, environment = interpreter(runtime)
    clock = "sim:unix:{}/control".format(tmp_path)
    daemon = Program(
        [*command, "daemon", "--config", tmp_path / "flukso", "--clock", clock],
        env=environment,
        cwd=ROOT,
    )
    try:
        daemon.wait_for_line("started")
        board.ask("advance 25")  # the board says nothing in its first 20 s
        board.ask("pulse 0 30 1000000 30000")
        wait_until(lambda: status(port)["sensors"][1]["value"] is not None, trouble=daemon.log)
        analog, pulse = status(port)["sensors"]
        assert abs(analog["value"] - 3600) <= 4
        assert abs(pulse["value"] - 3600) <= 40, "two pulses a second apart, by the board's clock"
        wait_until(lambda: status(port)["sensors"][1]["counter"] == 30, trouble=daemon.log)
        board.ask("clamp 0 0")
        counter = board.counters()[0]  # nothing is counted any more
        wait_until(lambda: status(port)["sensors"][0]["counter"] == counter, trouble=daemon.log)
        daemon.signal(15)
        assert daemon.wait() == 0, daemon.log()
        held = [server.held("{:032x}".format(number)) for number in (1, 3)]
        assert held[0][-1][1] == counter > 20 and held[1][-1][1] == 30
        assert not server.store.violations and not server.store.conflicts
    finally:
        daemon.kill()

# SPDX-License-Identifier: GPL-3.0-or-later
"""`flukso board calibrate` on the whole chain: a clamp of a wrong constant counts as the utility
meter does afterwards.
"""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from tools.harness import ROOT
from tools.harness.chain import SENSORS
from tools.harness.interpreters import interpreter
from tools.harness.processes import free_port
from tools.harness.terminal import CTRL_C, Terminal

LAN = (
    "config settings daemon\n\toption enable_lan_branch '1'\n\toption lan_port '{}'\nconfig "
    "flash flash\n\toption init '{}'\n"
)
TRUE, WRONG = 5163.5, 5266.77  # the clamp that the simulator hangs up, and 2 % more
METER_WH = 14930200.0  # what the utility meter shows at the beginning
INIT = """#!/bin/sh
# As the package's: the owner's file is checked, and the daemon's copy made of it.
cd {root} || exit
{python} -m flukso provision --config {folder}/owner --copies {folder}/copies \\
    --runtime {folder}/flukso || exit
echo "$1" >>{folder}/calls
[ "$1" != reload ] || kill -HUP "$(cat {folder}/pid)"
"""


class Meter:
    """A utility meter beside the board's clamps: it shows what they carried, down to its last
    digit.
    """

    def __init__(self, chain, digits):
        self.chain, self.digits = chain, digits
        self.begin_wh = sum(chain.control.energy_wh())

    def wh(self) -> float:
        return METER_WH + sum(self.chain.control.energy_wh()) - self.begin_wh

    def reading(self) -> str:
        step = 10 ** (3 - self.digits)
        return "{:.{}f}".format(self.wh() // step * step / 1000, self.digits)


def clamp_text(number: int, constant: float) -> str:
    lines = [
        "config sensor '{}'  # the owner's own words".format(number),
        "\toption id '{}'".format(SENSORS[number - 1]),
    ]
    lines += ["\toption class 'analog'", "\toption type electricity", "\toption function 'grid'"]
    lines += [
        "\toption constant '{}'".format(constant),
        "\tlist port '{}'".format(number),
        "\toption enable 1",
        "",
    ]
    return "\n".join(lines)


def configure(chain, clamps, extra="") -> None:
    chain.sensors = ()
    chain.configure(
        extra=extra + "".join(clamp_text(number, constant) for number, constant in clamps)
    )
    chain.sensors = tuple(number for number, _ in clamps)


def command(chain, *words, runtime="cpython", program=None):
    start, env = program or interpreter(runtime)
    words = [
        *start,
        "board",
        "calibrate",
        *words,
        "--config",
        chain.folder / "owner",
        "--clock",
        "sim:" + chain.board.control_url,
    ]
    return [str(word) for word in words], {**os.environ, "PYTHONPATH": str(ROOT), **env}


def calibrate(chain, *words, **which) -> subprocess.CompletedProcess:
    line, env = command(chain, *words, **which)
    return subprocess.run(
        line,
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def calm(chain) -> None:
    """No load for a minute: then it does not matter how long somebody takes from the meter to the
    keyboard.
    """
    chain.rest()
    chain.run(62)


def stated(text: str) -> tuple[float, float]:
    """Change and uncertainty in percent, as they were proposed."""
    found = re.search(r"change by ([+-][0-9.]+) % ± ([0-9.]+) %", text)
    assert found, text
    return float(found[1]), float(found[2])


def start(chain, clamps) -> int:
    """Start the daemon as a service would; return the LAN's port."""
    init = chain.folder / "init"
    init.write_text(INIT.format(folder=chain.folder, root=ROOT, python=sys.executable))
    init.chmod(0o755)
    port = free_port()
    configure(chain, clamps, LAN.format(port, init))
    (chain.folder / "flukso").rename(chain.folder / "owner")
    subprocess.run([init, "start"], check=True, stdout=subprocess.DEVNULL)
    chain.start()
    (chain.folder / "pid").write_text(str(chain.daemon.pid))
    calm(chain)
    return port


def constant_of(port) -> str:
    with urllib.request.urlopen("http://127.0.0.1:{}/status".format(port), timeout=5) as answer:
        return json.loads(answer.read())["sensors"][0]["constant"]


@pytest.mark.parametrize("runtime", ["cpython", "micropython"])
def test_a_clamp_of_a_wrong_constant_counts_right_afterwards(household, runtime):
    chain = household(runtime=runtime)
    port = start(chain, [(1, WRONG)])
    meter = Meter(chain, 3)
    done = calibrate(chain, "grid", "--reading", meter.reading(), runtime=runtime)
    assert done.returncode == 0 and "kept, with the counter" in done.stdout, done.stderr
    chain.clamp(9000)
    chain.run(20)
    calm(chain)
    early = calibrate(chain, "grid", "--reading", meter.reading(), "--yes", runtime=runtime)
    assert early.returncode == 1 and "kWh more are needed" in early.stdout, early.stderr
    chain.clamp(9000)
    chain.run(200)
    calm(chain)
    before = (chain.folder / "owner").read_text()
    done = calibrate(chain, "1", "--reading", meter.reading(), "--yes", runtime=runtime)
    assert done.returncode == 0, done.stdout + done.stderr
    change, plus = stated(done.stdout)
    assert abs(change / 100 - (TRUE / WRONG - 1)) <= plus / 100 and plus < 0.4
    constant = re.search(r"constant 5266.77 -> ([0-9.]+)", done.stdout)[1]
    assert (chain.folder / "owner").read_text() == before.replace(
        "constant '5266.77'", "constant '{}'".format(constant)
    )
    assert (chain.folder / "calls").read_text() == "start\nreload\n"
    chain.run_until(lambda: float(constant_of(port)) == float(constant), 10)
    assert "went from 5266.77 to {}".format(constant) in calibrate(chain, runtime=runtime).stdout
    assert "constant '{}'".format(constant) in (chain.folder / "copies/config.good").read_text()

    begin, begin_wh = chain.counters()[0], meter.wh()
    chain.clamp(11000)
    chain.run(300)
    chain.rest()
    energy_wh, counted = meter.wh() - begin_wh, chain.counters()[0] - begin
    assert energy_wh > 900
    assert abs(counted - energy_wh) <= 1 + energy_wh * plus / 100, (counted, energy_wh, plus)
    assert chain.stop() == 0, chain.log()


def test_three_phases_have_one_factor_and_the_owner_is_asked(household):
    chain = household(more=["--clamp", "230:50"] * 3)
    port = start(chain, [(number, 5060.23) for number in (1, 2, 3)])
    meter = Meter(chain, 2)
    assert calibrate(chain, "grid", "--reading", meter.reading()).returncode == 0
    for number, watt in ((1, 11_000), (2, 8_000), (3, 5_000)):
        chain.clamp(watt, number)
    chain.run(300)
    calm(chain)
    alone = calibrate(chain, "1", "--reading", meter.reading())
    assert alone.returncode == 1 and "sensors 1 + 2 + 3" in alone.stderr
    before = (chain.folder / "owner").read_text()
    answers = (
        (CTRL_C, "[y/N]", 130, "cpython"),
        (CTRL_C, "[y/N]", -signal.SIGINT, "micropython"),
        (b"n\n", "not set", 0, "micropython"),
        (b"y\n", "the service was reloaded", 0, "cpython"),
    )
    for answer, last, status, runtime in answers:
        assert (chain.folder / "owner").read_text() == before
        line, env = command(chain, "grid", "--reading", meter.reading(), runtime=runtime)
        changed = [
            "{}={}".format(name, value)
            for name, value in env.items()
            if os.environ.get(name) != value
        ]
        with Terminal(["env", *changed, *line], ROOT) as terminal:
            terminal.read_until("[y/N]", 20)
            terminal.press(answer)
            lines = terminal.finish(20)
            assert last in lines[-1] and terminal.status == status, lines
    change, plus = stated("\n".join(lines))
    assert abs(change / 100 - (TRUE / 5060.23 - 1)) <= plus / 100 and plus <= 1
    chain.run_until(lambda: constant_of(port) != "5060.230", 10)
    counted, begun_wh = sum(chain.counters()[:3]), meter.wh()
    for number in (1, 2, 3):
        chain.clamp(11_000, number)
    chain.run(100)
    chain.rest()
    energy_wh, counted = meter.wh() - begun_wh, sum(chain.counters()[:3]) - counted
    assert abs(counted - energy_wh) <= 3 + energy_wh * plus / 100, (counted, energy_wh, plus)

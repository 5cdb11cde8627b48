# SPDX-License-Identifier: GPL-3.0-or-later
"""The path down to ioctl: /dev/spidev* is a fake that ends in the simulator; mode, speed and gaps
are what the board needs.
"""

import re
import subprocess
import sys

import pytest

from tests.runtime.test_daemon import on
from tools.harness import ROOT
from tools.harness.chain import SENSORS
from tools.harness.interpreters import CACHE, environment

DEVICE = "/dev/spidev0.0"
GAP_MIN_US = 250  # docs/design/protocols.md §1
SPEED_MAX_HZ = 921_000
pytestmark = pytest.mark.timeout(120)
MESSAGE = re.compile(r"message mode=(\d+) parts=(\d+) bytes=(\d+) speed=(\d+) bits=(\d+) gap=(\d+)")


@pytest.fixture
def wires(tmp_path):
    """The environment of the fake device, but for the bus, and the file it logs to."""
    node, log = tmp_path / "spidev0.0", tmp_path / "spi.log"
    node.touch()
    return {"FLUKSO_SPI_NODE": str(node), "FLUKSO_SPI_LOG": str(log)}, log


@pytest.fixture(scope="session")
def preload():
    """The fake as a shared object, for CPython's real spidev."""
    library = CACHE / "spi_fake.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    source = ROOT / "tests" / "runtime" / "spi_fake.c"
    subprocess.run(
        ["cc", "-DPRELOAD", "-shared", "-fPIC", "-Wall", "-Werror", "-O1", "-o", library, source],
        check=True,
    )
    return str(library)


def through_device(chain, env):
    """Let the daemon use the device instead of the simulator's socket."""
    chain.env = {**chain.env, **env, "FLUKSO_SPI_BUS": chain.board.bus_url}
    chain.board.bus_url = "spidev:" + DEVICE
    return chain


def messages(log):
    return [
        tuple(int(value) for value in MESSAGE.match(line).groups())
        for line in log.read_text().splitlines()
        if line[:1] == "m"
    ]


def polls_and_uploads(chain, server):
    chain.clamp(3000)
    chain.start()
    chain.run(40)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    held = server.held(SENSORS[0])
    assert held[-1][1] == chain.counters()[0] > 0


def test_our_module_makes_the_gaps_in_the_kernel(household, server, spifake_runtime, wires):
    env, log = wires
    chain = through_device(on(spifake_runtime, household()), env)
    polls_and_uploads(chain, server)
    sent = messages(log)
    assert sent
    for mode, parts, count, speed, bits, gap in sent:
        assert (mode, bits) == (0, 8)
        assert 0 < speed <= SPEED_MAX_HZ
        assert parts == count <= 255  # one byte each
        assert gap >= GAP_MIN_US
    assert max(message[1] for message in sent) > 1


def test_the_python_package_goes_byte_by_byte(household, preload, wires):
    env, log = wires
    chain = household()
    chain.clamp(3000)
    chain.run(5)
    chain.leave()
    command = [sys.executable, "-m", "flukso", "board", "counters", "--bus", "spidev:" + DEVICE]
    env = environment(**env, LD_PRELOAD=preload, FLUKSO_SPI_BUS=chain.board.bus_url)
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT, timeout=60)
    assert str(chain.counters()[0]) in done.stdout.split(), done
    sent = messages(log)
    assert sent
    for mode, parts, count, speed, bits, _ in sent:
        assert (mode, parts, count, bits) == (0, 1, 1, 8)
        assert 0 < speed <= SPEED_MAX_HZ


def test_a_configured_mode_reaches_the_device(household, spifake_runtime, wires):
    env, log = wires
    chain = on(spifake_runtime, household())
    text = (
        (chain.folder / "flukso")
        .read_text()
        .replace("config settings daemon\n", "config settings daemon\n\toption spi_mode '2'\n")
    )
    (chain.folder / "flukso").write_text(text)
    through_device(chain, env)
    chain.start()
    chain.run(2)
    chain.stop()
    assert {message[0] for message in messages(log)} == {2}


def snippet(runtime, code, **env):
    return subprocess.run(
        [*runtime, "-c", code], capture_output=True, text=True, env=environment(**env), timeout=20
    )


@pytest.fixture
def held_device(wires):
    """A process that holds the lock on the device."""
    env, _ = wires
    code = (
        "import fcntl,sys,time; f=open(sys.argv[1],'r+'); fcntl.lockf(f,fcntl.LOCK_EX); "
        "print('held',flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, env["FLUKSO_SPI_NODE"]], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


TRANSFER = """
import asyncio
from flukso.ports import micropython_bus
micropython_bus.LOCK_EVERY_MS = 20
bus = micropython_bus.open_bus('spidev:/dev/spidev0.0', None)
try:
    print(asyncio.run(bus.transfer(b'\\0', 250)))
except OSError as error:
    print('refused:', error)
"""


def test_a_second_process_says_who_holds_the_device(household, spifake_runtime, wires, held_device):
    env, _ = wires
    done = snippet(spifake_runtime, TRANSFER, **env, FLUKSO_SPI_BUS=household().board.bus_url)
    assert done.stdout.startswith(
        "refused: /dev/spidev0.0 is held by process {} (".format(held_device.pid)
    ), done


def test_no_device_is_a_bus_error(runtime, tmp_path):
    done = snippet(runtime, TRANSFER.replace("/dev/", str(tmp_path) + "/"))
    assert done.stdout.startswith("refused: {}/spidev0.0".format(tmp_path)), done


REFUSALS = [
    "d.xfer_gap(b'', 250)",
    "d.xfer_gap(bytes(256), 250)",
    "d.xfer_gap(b'a', 65536)",
    "d.xfer_gap(b'a', -1)",
    "d.xfer2([])",
    "d.xfer2(bytes(4097))",
    "d.xfer2([256])",
    "setattr(d, 'mode', 256)",
    "setattr(d, 'max_speed_hz', 0)",
]


@pytest.mark.parametrize("call", REFUSALS)
def test_the_module_refuses_what_the_kernel_cannot_do(household, spifake_runtime, wires, call):
    env, log = wires
    code = "import spidev\nd = spidev.SpiDev()\nd.open(0, 0)\n"
    code += "try:\n    {}\nexcept (ValueError, OverflowError):\n    print('refused')".format(call)
    done = snippet(spifake_runtime, code, **env, FLUKSO_SPI_BUS=household(digits=22).board.bus_url)
    assert done.stdout == "refused\n", done
    assert not messages(log)


def test_the_module_has_the_interface_of_the_package(household, spifake_runtime, preload, wires):
    env, _ = wires
    code = (
        "import spidev\nd = spidev.SpiDev()\nd.open(0, 0)\nprint(d.mode, d.bits_per_word, "
        "d.max_speed_hz)\n"
        "d.mode = 0\nd.max_speed_hz = 500000\nd.bits_per_word = 8\nprint(d.mode, d.bits_per_word, "
        "d.max_speed_hz, type(d.fileno()))\n"
        "print(d.xfer2([0]))\nd.close()\nd.close()\ntry:\n    d.xfer2([0])\nexcept OSError:\n    "
        "print('closed')\n"
    )
    board = household(digits=22).board
    ours = snippet(spifake_runtime, code, **env, FLUKSO_SPI_BUS=board.bus_url)
    package = snippet(
        [sys.executable], code, **env, FLUKSO_SPI_BUS=board.bus_url, LD_PRELOAD=preload
    )
    assert ours.stdout == package.stdout and ours.stdout.endswith("closed\n"), (ours, package)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Big-endian MIPS without a floating-point unit, under qemu: the pure modules' vectors, then the
whole daemon. `make qemu`.
"""

import json
import subprocess

import pytest

from flukso import uci
from tests.e2e import test_calibrate as owner
from tests.runtime.clients import Client
from tests.runtime.conftest import FROZEN
from tests.runtime.test_release import WITH_LAN
from tests.runtime.test_spidev import (
    GAP_MIN_US,
    SPEED_MAX_HZ,
    messages,
    polls_and_uploads,
    through_device,
    wires,  # noqa: F401
)
from tools.fakes.server import Server
from tools.harness import ROOT
from tools.harness.chain import SENSORS
from tools.harness.interpreters import CACHE, environment
from tools.harness.processes import free_port

pytestmark = pytest.mark.timeout(600)
DEVICE, KEY = "d" * 32, "0" * 32
DEAR = ("check_buffer",)  # years of readings take minutes under qemu
CHECKS = [
    pytest.param(path.stem, marks=pytest.mark.slow if path.stem in DEAR else ())
    for path in sorted((ROOT / "tests/daemon/mpy").glob("check_*.py"))
]


def run(command, *words):
    done = subprocess.run(
        [*command, *words], capture_output=True, text=True, env=environment(), timeout=300, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_is_a_static_soft_float_program(mips):
    header = subprocess.run(
        ["readelf", "-h", "-A", "-l", mips[3]], capture_output=True, text=True, check=True
    ).stdout
    for mark in ("big endian", "Soft float", "MIPS32\n"):
        assert mark in header, header
    assert "INTERP" not in header
    assert run(mips, "-c", "import sys; print(sys.byteorder, 0.5 + 0.25)") == "big 0.75\n"


def test_the_vectors_hold(mips_tests):
    assert int(run(mips_tests, "tests/daemon/mpy/replay.py", str(ROOT))) > 200


@pytest.mark.parametrize("check", CHECKS)
def test_the_pure_modules_hold(mips_tests, check):
    assert " 0 failed" in run(mips_tests, "tests/daemon/mpy/run.py", check)


GOOD = "config settings main\n\toption wan_base_url http://192.0.2.1/\n"
NONSENSE = {  # what a torn flash or an editor may leave, as long as a file may be
    "bytes": bytes(1 + 7 * n * n % 255 for n in range(uci.FILE_MAX)),
    "options": (GOOD + "".join("\toption n{} 1\n".format(n) for n in range(2000))).encode()[
        : uci.FILE_MAX
    ],
    "sections": b"config sensors\n" * (uci.FILE_MAX // 15),
    "quotes": (GOOD + "".join("\toption n{} 'x\n\n'\n".format(n) for n in range(2000))).encode()[
        : uci.FILE_MAX
    ],
    "one error": (
        GOOD + "\toption stray\nbad\n" + "".join("\toption n{} 1\n".format(n) for n in range(500))
    ).encode(),
    "too long": b"config sensor\n" * uci.FILE_MAX,
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_of_any_kind_is_named_in_a_routers_heap(mips, tmp_path, kind):
    path = tmp_path / "flukso"
    path.write_bytes(NONSENSE[kind])
    done = subprocess.run(
        [*mips, *FROZEN, "config", "check", str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 2, done.stderr
    assert "memory" not in done.stdout + done.stderr and str(path) not in done.stderr


REFUSED = [
    ("foreign", "not signed"),
    ("wrong-host", "another host"),
    ("expired", "expired"),
    ("future", "not valid yet"),
]


@pytest.mark.parametrize("kind, words", REFUSED)
def test_refuses_the_certificate_and_sends_nothing(mips_tests, pki, kind, words):
    with (
        Server(pki / (kind + ".pem"), {DEVICE: KEY}) as server,
        Client(mips_tests, server.url, pki / "ca.crt") as client,
    ):
        said = client.post(30)
        assert said["kind"] == "refused-certificate" and words in said["text"], said
        assert server.requests == []


def test_the_daemon_uploads_and_serves_the_lan(household, server, mips):
    chain = household(sensors=(1, 2, 3))
    chain.command = [*mips, *FROZEN]
    chain.env = {"MICROPYPATH": ".frozen"}
    port = free_port()
    chain.configure(extra=WITH_LAN.format(port))
    for number in (1, 2, 3):
        chain.clamp(1000 * number, number)
    chain.start()
    chain.run(70)
    url = "http://127.0.0.1:{}/sensor/{}?version=1.0&interval=minute&unit=watt".format(
        port, SENSORS[1]
    )
    rows = json.loads(
        subprocess.run(
            ["curl", "-sSf", "-m", "20", url], capture_output=True, text=True, check=True
        ).stdout
    )
    assert len(rows) == 60 and abs(rows[-2][1] - 2000) < 30
    chain.rest()
    assert chain.stop() == 0, chain.log()
    counters = chain.counters()
    for index in range(3):
        assert server.held(SENSORS[index])[-1][1] == counters[index] > 0
    assert not server.store.violations


def test_the_path_down_to_ioctl(household, server, mips_spifake, wires):  # noqa: F811
    env, log = wires
    chain = household()
    chain.command, chain.env = [*mips_spifake, "-m", "flukso"], environment()
    polls_and_uploads(through_device(chain, env), server)
    sent = messages(log)
    assert sent
    for mode, parts, count, speed, bits, gap in sent:
        assert (mode, bits) == (0, 8) and parts == count <= 255
        assert gap >= GAP_MIN_US and 0 < speed <= SPEED_MAX_HZ


def test_fits_into_the_routers_flash(mips):
    packed = subprocess.run(
        ["gzip", "-9", "-n", "-c", CACHE / "mips" / "flukso-micropython"],
        capture_output=True,
        check=True,
    ).stdout
    assert len(packed) <= 480_000


def test_a_clamp_is_calibrated_within_a_router_s_heap(household, mips):
    chain = household()
    owner.start(chain, [(1, owner.WRONG)])
    meter = owner.Meter(chain, 3)
    program = [*mips, *FROZEN], {"MICROPYPATH": ".frozen"}
    done = owner.calibrate(chain, "grid", "--reading", meter.reading(), program=program)
    assert done.returncode == 0, done.stderr
    chain.clamp(9000)
    chain.run(200)
    owner.calm(chain)
    done = owner.calibrate(chain, "1", "--reading", meter.reading(), "--yes", program=program)
    change, plus = owner.stated(done.stdout)
    assert (
        done.returncode == 0
        and abs(change / 100 - (owner.TRUE / owner.WRONG - 1)) <= plus / 100 < 0.01
    ), done.stderr

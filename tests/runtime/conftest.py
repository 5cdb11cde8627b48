# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtimes under test, built when first asked for."""

import re

import pytest

from tests.runtime.clients import Client, Here
from tools.harness import ROOT
from tools.harness.ca import make
from tools.harness.interpreters import CACHE, build, x86_runtime


def started(command: str) -> tuple[str, list[str]]:
    """How a command of the packages starts the runtime: the heap's size, and the options that run
    the frozen program.
    """
    found = re.search(
        r"heapsize=(\S+) (-c) '(.*?)'", (ROOT / "package" / command).read_text(), re.DOTALL
    )
    assert found, command
    return found[1], [found[2], found[3]]


ROUTER_HEAP, FROZEN = started("flukso-micropython/files/flukso")


@pytest.fixture(scope="session")
def runtime() -> list[str]:
    return x86_runtime()


@pytest.fixture(scope="session")
def spifake_runtime() -> list[str]:
    return x86_runtime("micropython-spifake")


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return make(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def release() -> list[str]:
    """The x86 build with the daemon frozen into it, with a router's heap."""
    build("--release", "x86")
    # objects are twice as large
    return [
        str(CACHE / "x86" / "flukso-micropython"),
        "-X",
        "heapsize=512k",
    ]


@pytest.fixture(scope="session", params=["4Kc", "24Kc"])
def mips(request) -> list[str]:
    """The big-endian build with the daemon frozen into it, on a processor without a floating-point
    unit.
    """
    build("--release", "mips")
    return [
        "qemu-mips-static",
        "-cpu",
        request.param,
        str(CACHE / "mips" / "flukso-micropython"),
        "-X",
        "heapsize={}".format(ROUTER_HEAP),
    ]


@pytest.fixture(scope="session")
def mips_tests() -> list[str]:
    """The big-endian build that also reads the tree's own modules."""
    build("mips")
    return [
        "qemu-mips-static",
        "-cpu",
        "4Kc",
        str(CACHE / "mips" / "micropython"),
        "-X",
        "heapsize=2m",
    ]


@pytest.fixture(scope="session")
def mips_spifake() -> list[str]:
    build("mips")
    return [
        "qemu-mips-static",
        "-cpu",
        "24Kc",
        str(CACHE / "mips" / "micropython-spifake"),
        "-X",
        "heapsize=2m",
    ]


@pytest.fixture(params=["cpython", "micropython"])
def connect(request):
    """(url, CA file) -> a client of either interpreter."""
    if request.param == "cpython":
        return Here
    runtime = request.getfixturevalue("runtime")
    return lambda url, ca: Client(runtime, url, ca)

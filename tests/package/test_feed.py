# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the feed's other packages works: the sources with their own spidev, the firmware, the
folder as a feed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flukso.flash import image
from flukso.version import VERSION
from tests.package.conftest import FOLDERS, IPK, ipk, package
from tests.runtime.test_spidev import DEVICE, SPEED_MAX_HZ, messages, preload, wires  # noqa: F401
from tools import prebuilt
from tools.harness import ROOT
from tools.openwrt import check

LAID = "/usr/lib/flukso/"


def laid_out(path: Path, folder: Path) -> Path:
    """The data of a package below the folder."""
    for name, member in check.check(path).files.items():
        target = folder / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(member.data)
        target.chmod(member.mode)
    return folder


@pytest.fixture
def sources(feed, tmp_path):
    return laid_out(package(feed, "flukso-python3"), tmp_path / "root")


def python(root: Path, *words: str, **env: str) -> subprocess.CompletedProcess:
    """This machine's python3 as the package starts it, with what it brings before what PyPI
    brought.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(root / LAID.lstrip("/")),
        "PYTHONDONTWRITEBYTECODE": "1",
        **env,
    }
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=root,
        timeout=60,
    )


def test_the_sources_are_whole_and_without_the_other_port(sources):
    names = {
        path.relative_to(sources / LAID.lstrip("/")).as_posix()
        for path in (sources / LAID.lstrip("/")).rglob("*.py")
    }
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "flukso").rglob("*.py")}
    assert names - {"spidev.py"} == {n for n in ours if "/micropython" not in n}
    assert python(sources, "-m", "flukso", "version").stdout == VERSION + "\n"
    where = python(
        sources,
        "-c",
        "import flukso.daemon, flukso.lan, spidev; print(flukso.__file__, spidev.__file__)",
    )
    assert [Path(name).is_relative_to(sources) for name in where.stdout.split()] == [True] * 2, (
        where
    )


def test_the_command_does_what_the_package_says(sources):
    text = (sources / "usr/bin/flukso").read_text()
    assert "PYTHONPATH={} ".format(LAID.rstrip("/")) in text and "python3 -P -m flukso" in text


def test_its_spidev_reaches_the_device_as_pypis_does(household, sources, preload, wires):  # noqa: F811
    env, log = wires
    chain = household()
    chain.clamp(3000)
    chain.run(5)
    chain.leave()
    env = {**env, "LD_PRELOAD": preload, "FLUKSO_SPI_BUS": chain.board.bus_url}
    done = python(sources, "-m", "flukso", "board", "counters", "--bus", "spidev:" + DEVICE, **env)
    assert str(chain.counters()[0]) in done.stdout.split(), done
    sent = messages(log)
    assert sent
    for mode, parts, count, speed, bits, _ in sent:
        assert (mode, parts, count, bits) == (0, 1, 1, 8) and 0 < speed <= SPEED_MAX_HZ


NUMBERS = [  # machine, direction, number, size, the value in its kernel's headers
    ("x86_64", "WRITE", 0, 32, 0x40206B00),
    ("x86_64", "WRITE", 1, 1, 0x40016B01),
    ("x86_64", "READ", 4, 4, 0x80046B04 - (1 << 32)),
    ("mips", "WRITE", 0, 32, 0x80206B00 - (1 << 32)),
    ("mips", "WRITE", 1, 1, 0x80016B01 - (1 << 32)),
    ("mips", "READ", 4, 4, 0x40046B04),
]


@pytest.mark.parametrize("machine, direction, number, size, value", NUMBERS)
def test_the_numbers_of_its_ioctls_are_the_machines(
    sources, machine, direction, number, size, value
):
    code = (
        "import os; os.uname = lambda: os.uname_result(('','','','',{!r})); import spidev; "
        "print(spidev._number(spidev.{}, {}, {}))"
    )
    done = python(sources, "-c", code.format(machine, direction, number, size))
    assert done.stdout == "{}\n".format(value), done


def test_the_packaged_firmware_is_intact_and_of_each_board(feed):
    files = check.check(package(feed, "flukso-firmware")).files
    for board in ("spi", "uart"):
        assert (
            image.load(files["/usr/share/flukso/flukso-{}.hex".format(board)].data).board == board
        )
        assert files["/usr/share/flukso/flukso-{}.eep".format(board)].data.startswith(b":")


def test_the_kept_firmware_is_of_these_sources_and_what_the_compiler_makes_of_them():
    assert prebuilt.problems() == []


def test_the_firmware_is_packaged_where_there_is_no_compiler_for_the_board(tmp_path, feed):
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in ("/usr/bin", "/bin"):
        for program in Path(folder).iterdir():
            if not program.name.startswith("avr-") and not (tools / program.name).exists():
                (tools / program.name).symlink_to(program)
    words = [*IPK, "build", "--out", str(tmp_path / "out"), "package/flukso-firmware"]
    subprocess.run(words, check=True, cwd=ROOT, env={**os.environ, "PATH": str(tools)})
    assert (
        package(tmp_path / "out", "flukso-firmware").read_bytes()
        == package(feed, "flukso-firmware").read_bytes()
    )


@pytest.fixture
def kept(tmp_path):
    """A copy of the package's folder, in which something can be wrong."""
    shutil.copytree(ROOT / "package/flukso-firmware", tmp_path / "package/flukso-firmware")
    shutil.copy(ROOT / "VERSION", tmp_path)
    return tmp_path / "package/flukso-firmware"


def change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


WRONG = [  # id, what is done to the kept files, what is said
    (
        "damaged",
        lambda folder: change(folder / "flukso-uart.hex"),
        "SHA256SUMS.txt: it does not list these files",
    ),
    (
        "missing",
        lambda folder: (folder / "flukso-spi.eep").unlink(),
        "flukso-spi.eep: it is missing",
    ),
    (
        "older",
        lambda folder: (folder / "origin.txt").write_text("sources 0\ncompiler x\n"),
        "made of other sources: `make prebuilt`",
    ),
]


@pytest.mark.parametrize("do, said", [pytest.param(*row[1:], id=row[0]) for row in WRONG])
def test_says_what_is_wrong_with_the_kept_firmware(kept, do, said):
    do(kept / "prebuilt")
    assert any(said in line for line in prebuilt.problems(kept / "prebuilt"))


def test_damaged_firmware_is_not_packaged(kept, tmp_path):
    change(kept / "prebuilt/flukso-spi.hex")
    assert "flukso-spi.hex: FAILED" in ipk("build", "--out", tmp_path / "out", kept, status=1)
    assert not list((tmp_path / "out").glob("*.ipk"))


def test_every_package_folder_is_one_that_a_feed_scan_finds_and_has_a_test():
    folders = {path.parent.name for path in (ROOT / "package").glob("*/Makefile")}
    assert folders == set(FOLDERS)
    for name in folders:
        text = (ROOT / "package" / name / "Makefile").read_text()
        assert (
            "include $(TOPDIR)/rules.mk" in text
            and "$(eval $(call BuildPackage,{}))".format(name) in text
        )
        assert os.access(ROOT / "package" / name / "test.sh", os.X_OK)
        assert "PKG_RELEASE:=" in text and "PKG_LICENSE:=GPL-3.0-or-later" in text

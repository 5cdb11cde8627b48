# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages under test, made as `make ipk` makes them, and a router to install them on."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.package.router import RUNTIME, Router
from tools.harness import ROOT
from tools.harness.interpreters import CACHE, build
from tools.openwrt import archive, check

IPK = [sys.executable, str(ROOT / "tools/ipk.py")]
FOLDERS = (
    "flukso",
    "flukso-micropython",
    "flukso-python3",
    "flukso-firmware",
    "flukso-upgrade",
)


def ipk(*words: str, status: int = 0) -> str:
    done = subprocess.run(
        [*IPK, *[str(word) for word in words]], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def make_packages(out: Path, folders=FOLDERS) -> Path:
    build("--release", "mips")
    program = CACHE / "mips/flukso-micropython"
    ipk(
        "build",
        "--out",
        out,
        "--arch",
        "mips_24kc={}".format(program),
        *["package/" + name for name in folders],
    )
    return out


@pytest.fixture(scope="session")
def feed(tmp_path_factory) -> Path:
    """A folder with every package of the feed, for big-endian MIPS."""
    return make_packages(tmp_path_factory.mktemp("feed"))


@pytest.fixture
def router(tmp_path):
    made = Router(tmp_path / "router")
    yield made
    made.close()


def package(feed: Path, name: str) -> Path:
    """The one file of this package."""
    (found,) = feed.glob(name + "_*.ipk")
    return found


def repacked(path: Path, folder: Path, version: str, text: str = "", program: bytes = b"") -> Path:
    """The same package with a later version, in the folder; with `text` its /etc/config/flukso is
    another one, with `program` its runtime.
    """
    others = {"/etc/config/flukso": text.encode(), "/" + RUNTIME: program}
    found = check.check(path)
    fields = [
        (name, value)
        for name, value in found.fields.items()
        if name not in ("Version", "Installed-Size", "Description")
    ]
    later = folder / "{}_{}_{}.ipk".format(found.name, version, found.arch)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for place, member in found.files.items():
            target = root / place.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(others.get(place) or member.data)
            target.chmod(member.mode)
        fields.append(("Version", version))
        after = found.scripts.get("postinst-pkg", "")
        later.write_bytes(
            archive.package(
                fields, found.fields["Description"], found.conffiles, root, postinst=after
            )
        )
    return later


@pytest.fixture
def installed(router, feed):
    router.install(package(feed, "flukso-micropython"), package(feed, "flukso"))
    return router

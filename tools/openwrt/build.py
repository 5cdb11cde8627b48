# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a feed folder's own Makefile in the stub of OpenWrt's build system beside this file, and
packs what it lays out.
"""

import os
import pathlib
import subprocess
import tempfile

from tools.openwrt import archive, check

TOPDIR = pathlib.Path(__file__).resolve().parent
RUNTIME = "flukso-micropython"  # built by its own build.sh; here its ready program is packed
MAKE_S = 600  # the firmware of both boards takes a minute
FIELDS = (
    "Package", "Version", "Depends", "Provides", "Conflicts",
    "License", "LicenseFiles", "Section", "Require-User", "URL", "Maintainer", "Architecture",
)  # fmt: skip


class BuildError(ValueError):
    """A package that could not be made: the last words of what failed."""


def build(
    folders: list[pathlib.Path],
    out: pathlib.Path,
    programs: dict[str, str],
    epoch: int = archive.EPOCH,
) -> list[pathlib.Path]:
    """Write the folders' packages into out and return their paths. Raises BuildError.

    programs: architecture -> static runtime.
    """
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for folder in folders:
        if folder.name != RUNTIME:
            paths += _build(folder, out, "", "", epoch)
        elif not programs:
            raise BuildError(
                "{}: give the program of each architecture, e.g. --arch mips_24kc=PROGRAM".format(
                    folder
                )
            )
        for arch in sorted(programs) if folder.name == RUNTIME else ():
            paths += _build(folder, out, arch, programs[arch], epoch)
    return paths


def _build(folder, out, arch, program, epoch):
    if not (folder / "Makefile").is_file():
        raise BuildError("{}: no Makefile here".format(folder))
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        laid = scratch / "out"
        laid.mkdir()
        settings = {
            "TOPDIR": TOPDIR,
            "BUILD_DIR": scratch / "build",
            "OUT": laid,
        }
        if program:
            settings["PKG_BUILD_DIR_READY"] = settings["PKG_BUILD_DIR"] = _lay_program(
                scratch / "ready", program
            )
        _make(folder, settings)
        return [_pack(path, out, arch, epoch) for path in sorted(laid.glob("*.fields"))]


def _lay_program(folder, program):
    """The program where the Makefile's own build would leave it."""
    place = folder / "ports/unix/build-variant"
    place.mkdir(parents=True)
    (place / RUNTIME).symlink_to(pathlib.Path(program).resolve(strict=True))
    return folder


def _make(folder, settings):
    words = [
        "make",
        "-s",
        "-C",
        str(folder),
        *["{}={}".format(name, value) for name, value in settings.items()],
    ]
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    }
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=MAKE_S, env=kept, umask=0o022
    )
    if done.returncode:
        raise BuildError(
            "{}: {}".format(
                folder, "\n".join((done.stdout + done.stderr).strip().split("\n")[-20:])
            )
        )


def _fields(text):
    return dict(line.split(": ", 1) for line in text.split("\n") if ": " in line)


def _depends(words):
    """OpenWrt's DEPENDS as opkg's: `+name` selects it too; `@SYMBOL` is the build's alone."""
    return ", ".join(
        word.lstrip("+") for word in words.split() if not word.lstrip("+").startswith("@")
    )


def _pack(path, out, arch, epoch):
    root = path.with_suffix("")
    fields = _fields(path.read_text())
    if not fields["Architecture"].strip():
        fields["Architecture"] = arch
    for name in ("Depends", "Provides", "Conflicts"):
        fields[name] = _depends(fields[name])
    listed = path.with_suffix(".conffiles").read_text().split()
    conffiles = [name for name in listed if (root / name.lstrip("/")).is_file()]
    _keep(root, fields["Package"], [name for name in listed if name not in conffiles])
    description = "{}\n{}".format(
        fields["Title"], path.with_suffix(".description").read_text().rstrip("\n")
    )
    script = path.with_suffix(".postinst")
    postinst = script.read_text() if script.exists() else ""
    data = archive.package(
        [(name, fields.get(name, "").strip()) for name in FIELDS],
        description,
        conffiles,
        root,
        epoch,
        postinst,
    )
    target = out / "{}_{}_{}.ipk".format(
        fields["Package"], fields["Version"], fields["Architecture"]
    )
    target.write_bytes(data)
    check.check(target)
    return target


def _keep(root, package, names):
    """What is not shipped but survives sysupgrade, as OpenWrt's build lists it."""
    if names:
        place = root / "lib/upgrade/keep.d"
        place.mkdir(parents=True)
        (place / package).write_text("".join(name + "\n" for name in names))

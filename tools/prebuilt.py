# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the boards' firmware as it is packaged, so that a machine that builds packages needs no
avr-gcc.

prebuilt.py update    takes what `make firmware` built (`make prebuilt` does both)
prebuilt.py check     says what is wrong with what is kept: damaged, of other sources, or not what
                      the same compiler made here
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys

from flukso.flash import ihex, image

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEPT = ROOT / "package/flukso-firmware/prebuilt"
BUILT = ROOT / "avr/build"
SUMS, ORIGIN = "SHA256SUMS.txt", "origin.txt"
FILES = {
    "flukso-{}.{}".format(board, kind): "{}/flukso.{}".format(board, kind)
    for board in ("spi", "uart")
    for kind in ("hex", "eep")
}
# What the images are made of; everything else in avr/ is tests and the simulator.
SOURCES = (
    "avr/Makefile",
    "avr/core/*.[ch]",
    "avr/hw/*.[ch]",
    "avr/host/make_eep.c",
    "tools/descriptor.py",
)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sources(root: pathlib.Path = ROOT) -> str:
    """One SHA-256 over the names and contents of the sources."""
    found = sorted(path for pattern in SOURCES for path in root.glob(pattern))
    lines = [
        "{}  {}\n".format(digest(path.read_bytes()), path.relative_to(root).as_posix())
        for path in found
    ]
    return digest("".join(lines).encode())


def compiler() -> str:
    """The versions of the programs that make the image, one line; "" when there are none."""
    if shutil.which("avr-gcc") is None:
        return ""
    words = (["avr-gcc", "-dumpversion"], ["avr-ld", "--version"])
    said = [
        subprocess.run(line, capture_output=True, text=True, check=True).stdout.split("\n")[0]
        for line in words
    ]
    return "avr-gcc {}, {}".format(*said)


def origin() -> str:
    return "sources {}\ncompiler {}\n".format(sources(), compiler())


def sums(folder: pathlib.Path) -> str:
    return "".join("{}  {}\n".format(digest((folder / name).read_bytes()), name) for name in FILES)


def update(kept: pathlib.Path = KEPT, built: pathlib.Path = BUILT) -> None:
    kept.mkdir(exist_ok=True)
    for name, source in FILES.items():
        shutil.copyfile(built / source, kept / name)
    (kept / SUMS).write_text(sums(kept))
    (kept / ORIGIN).write_text(origin())


def problems(kept: pathlib.Path = KEPT, built: pathlib.Path = BUILT) -> list[str]:
    """A sentence for each thing that is wrong with what is kept."""
    found = []
    missing = [name for name in (*FILES, SUMS, ORIGIN) if not (kept / name).is_file()]
    if missing:
        return ["{}: it is missing: `make prebuilt`".format(name) for name in missing]
    if (kept / SUMS).read_text() != sums(kept):
        found.append("{}: it does not list these files".format(SUMS))
    for name in FILES:
        if name.endswith(".hex"):
            try:
                image.load((kept / name).read_bytes())
            except (image.ImageError, ihex.HexError) as error:
                found.append("{}: {}".format(name, error))
    said = dict(line.split(" ", 1) for line in (kept / ORIGIN).read_text().splitlines())
    if said.get("sources") != sources():
        found.append("the images were made of other sources: `make prebuilt`")
    elif said.get("compiler") == compiler():
        for name, source in FILES.items():
            if (built / source).exists() and (kept / name).read_bytes() != (
                built / source
            ).read_bytes():
                found.append(
                    "{}: it is not what `make firmware` builds: `make prebuilt`".format(name)
                )
    return found


def main(words: list[str]) -> int:
    if words == ["update"]:
        update()
    elif words != ["check"]:
        print(__doc__, file=sys.stderr)
        return 2
    found = problems()
    for line in found:
        print("prebuilt.py: {}".format(line), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

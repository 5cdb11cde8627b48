# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays out a signed feed of OpenWrt packages: packages/ARCH for each architecture, the public key,
its package, the lines for an owner.

feed.py --key KEY.PEM [--also KEY.PUB]... [--url URL] [--out DIR] PACKAGES

PACKAGES: the folder that `make ipk` fills; docs/guide/openwrt.md says more.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile

from tools.openwrt import archive, check, usign

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALL = "all"  # the architecture of packages that run on any
KEYRING = "flukso-keyring"
KEYS = "etc/opkg/keys"
PUBLIC = "flukso-feed.pub"
OWNER = "owner.txt"
LINES = (
    "wget -O /tmp/{public} {url}/{public} && opkg-key add /tmp/{public}\n"
    'echo "src/gz flukso {url}/packages/$(. /etc/openwrt_release; echo $DISTRIB_ARCH)"'
    " >>/etc/opkg/customfeeds.conf\n"
    "opkg update && opkg install flukso {keyring}\n"
)


class FeedError(ValueError):
    """Why no feed can be made: a sentence."""


def read_key(path: pathlib.Path):
    """The key to sign with. Raises FeedError, also for one that lies in this repository or that
    others may read.
    """
    if path.resolve().is_relative_to(ROOT):
        raise FeedError(
            "{}: a key does not belong into the repository; keep it elsewhere".format(path)
        )
    if path.stat().st_mode & 0o077:
        raise FeedError("{}: others may read it; chmod 600".format(path))
    with path.open("rb") as file:
        data = file.read(usign.PEM_MAX + 1)
    try:
        return usign.load(data)
    except usign.SigningKeyError as error:
        raise FeedError("{}: {}".format(path, error)) from None


def replace(path: pathlib.Path, data: bytes) -> None:
    """Write the file as a whole: who fetches it meanwhile has the old or the new one."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.chmod(0o644)
    os.replace(fresh, path)


def read_public(path: pathlib.Path) -> tuple[str, bytes]:
    """The number and the bytes of a public key's file. Raises FeedError."""
    data = path.read_bytes()
    try:
        return usign.number_of(data).hex(), data
    except usign.SigningKeyError as error:
        raise FeedError("{}: {}".format(path, error)) from None


def keyring(keys: dict[str, bytes], version: str) -> bytes:
    """The package that brings public keys to where opkg looks for them."""
    fields = [
        ("Package", KEYRING),
        ("Version", version),
        ("License", "GPL-3.0-or-later"),
        ("Section", "base"),
        ("Architecture", ALL),
    ]
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name) / KEYS
        place.mkdir(parents=True)
        for number, public in keys.items():
            (place / number).write_bytes(public)
            (place / number).chmod(0o644)
        return archive.package(
            fields, "The public keys of this feed of Flukso packages", [], pathlib.Path(name)
        )


def lay_out(
    key, others: dict[str, bytes], packages: pathlib.Path, out: pathlib.Path, url: str
) -> dict[str, int]:
    """Write the feed into out and return the number of packages for each architecture. Raises
    FeedError, check.IpkError.

    others: further public keys of the keyring, by number. Packages of earlier versions that lie
    there stay, and stay listed: a router can go back to one.
    """
    found = [check.check(path) for path in sorted(packages.glob("*.ipk"))]
    arches = sorted({package.arch for package in found} - {ALL})
    if not arches:
        raise FeedError(
            "{}: no package for an architecture here; `make ipk` makes them".format(packages)
        )
    version = next(package.version for package in found if package.arch != ALL)
    ring = keyring({**others, usign.number(key).hex(): usign.public_file(key)}, version)
    counts = {}
    for arch in arches:
        folder = out / "packages" / arch
        folder.mkdir(parents=True, exist_ok=True)
        for package in found:
            if package.arch in (arch, ALL):
                shutil.copyfile(package.path, folder / package.path.name)
        replace(folder / "{}_{}_{}.ipk".format(KEYRING, version, ALL), ring)
        listed = [check.check(path) for path in sorted(folder.glob("*.ipk"))]
        archive.write_index(folder, listed)
        replace(
            folder / "Packages.sig", usign.signature_file(key, (folder / "Packages").read_bytes())
        )
        counts[arch] = len(listed)
    replace(out / PUBLIC, usign.public_file(key))
    replace(out / OWNER, LINES.format(url=url.rstrip("/"), public=PUBLIC, keyring=KEYRING).encode())
    return counts


def main(words: list[str] | None = None) -> int:
    """The entry point; exit status 0 done, 1 no feed was made."""
    parser = argparse.ArgumentParser(
        prog="feed.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--key", required=True, metavar="KEY.PEM", help="the Ed25519 key to sign with"
    )
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="KEY.PUB",
        help="a further public key for the keyring, the next one for instance",
    )
    parser.add_argument(
        "--url",
        default="http://HOST",
        help="where the folder will be served, for the owner's lines",
    )
    parser.add_argument(
        "--out", default="dist/feed", metavar="DIR", help="where the feed goes; default dist/feed"
    )
    parser.add_argument("packages", metavar="PACKAGES")
    options = parser.parse_args(words)
    out = pathlib.Path(options.out)
    try:
        key = read_key(pathlib.Path(options.key))
        others = dict(read_public(pathlib.Path(name)) for name in options.also)
        counts = lay_out(key, others, pathlib.Path(options.packages), out, options.url)
    except OSError as error:
        print(
            "feed.py: {}{}".format(
                "{}: ".format(error.filename) if error.filename else "", error.strerror or error
            ),
            file=sys.stderr,
        )
        return 1
    except (FeedError, check.IpkError) as error:
        print("feed.py: {}".format(error), file=sys.stderr)
        return 1
    for arch, count in counts.items():
        print(
            "{}: {} packages, signed by key {}".format(
                out / "packages" / arch, count, usign.number(key).hex()
            )
        )
    print(
        "\nFor the owner of a router ({}):\n\n{}".format(out / OWNER, (out / OWNER).read_text()),
        end="",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

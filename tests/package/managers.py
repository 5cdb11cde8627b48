# SPDX-License-Identifier: GPL-3.0-or-later
"""The two package managers as flukso-upgrade meets them: what their packages, feeds, keys and
settings are made of, on a router with the emulated opkg or apk.

FLUKSO_APK names a real apk 3 (with mkpkg and mkndx), which then makes the packages and the feed,
and stands in the router.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tests.package.router import HERE, Router
from tests.package.test_signed_feed import verified
from tools import feed as feed_tool
from tools.openwrt import archive, usign

URL = "http://feed.example/packages/mips_24kc"
FOLDER = "packages/mips_24kc"
REAL_APK = os.environ.get("FLUKSO_APK", "")
Files = dict[str, tuple[str, int]]  # text and mode by path


def lay(files: Files, root: Path) -> None:
    for place, (text, mode) in files.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)


def ipk(name: str, version: str, files: Files, conffiles: list[str]) -> bytes:
    """The package as opkg, and the emulated apk, take it."""
    arch = "mips_24kc" if name == "flukso-micropython" else "all"
    fields = [("Package", name), ("Version", version), ("License", "GPL"), ("Architecture", arch)]
    with tempfile.TemporaryDirectory() as root:
        lay(files, Path(root))
        made: bytes = archive.package(fields, "A small " + name, conffiles, Path(root))
    return made


class Opkg:
    """24.10 and older."""

    name = "opkg"
    ending = "ipk"
    index = "Packages.sig"

    @staticmethod
    def key():
        return ed25519.Ed25519PrivateKey.generate()

    @staticmethod
    def file_name(name: str, version: str) -> str:
        arch = "mips_24kc" if name == "flukso-micropython" else "all"
        return "{}_{}_{}.ipk".format(name, version, arch)

    @staticmethod
    def pack(path: Path, name: str, version: str, files: Files, conffiles: list[str]) -> None:
        path.write_bytes(ipk(name, version, files, conffiles))

    def sign(self, key, packages: Path, out: Path) -> None:
        """As `make feed`, without its keyring: that has the newest runtime's version."""
        shutil.rmtree(out, ignore_errors=True)
        feed_tool.lay_out(key, {}, packages, out, "http://feed.example")
        for ring in (out / FOLDER).glob("flukso-keyring_*"):
            ring.unlink()
        for ring in packages.glob("flukso-keyring_*"):
            shutil.copy(ring, out / FOLDER)
        listed = [feed_tool.check.check(path) for path in sorted((out / FOLDER).glob("*.ipk"))]
        archive.write_index(out / FOLDER, listed)
        message = (out / FOLDER / "Packages").read_bytes()
        (out / FOLDER / self.index).write_bytes(usign.signature_file(key, message))

    @staticmethod
    def prepare(router: Router) -> None:
        router.write("etc/opkg.conf", "lists_dir ext /var/opkg-lists\noption check_signature\n")
        router.write("etc/opkg/customfeeds.conf", "src/gz flukso {}\n".format(URL))
        router.path("etc/opkg/keys").mkdir()

    @staticmethod
    def trust(router: Router, key) -> None:
        name = "etc/opkg/keys/" + usign.number(key).hex()
        router.path(name).write_bytes(usign.public_file(key))

    def note_right(self, router: Router, key, out: Path) -> None:
        """Note for the emulated opkg-key that the feed's signature is right, if it is."""
        index = (out / FOLDER / "Packages").read_bytes()
        signature = (out / FOLDER / self.index).read_bytes()
        if verified(usign.public_file(key), signature, index):
            sums = [hashlib.sha256(data).hexdigest() for data in (index, signature)]
            with router.path("etc/opkg/right").open("a") as file:
                file.write("{} {} {}\n".format(*sums, usign.number(key).hex()))

    @staticmethod
    def install(router: Router, path: str) -> None:
        router.run("opkg", "install", path)

    @staticmethod
    def remove(router: Router, name: str) -> None:
        router.run("opkg", "remove", name)

    @staticmethod
    def version(router: Router, name: str) -> str:
        said = router.run("opkg", "status", name)
        (version,) = [line[9:] for line in said.splitlines() if line.startswith("Version: ")]
        return version

    @staticmethod
    def spoiled(index: bytes) -> bytes:
        """The signature (of apk, the index that has it) with another value."""
        return index[:-8] + b"AAAAAA=="

    @staticmethod
    def lose_key_with(router: Router, file: str, text: str) -> None:
        """Have the keys be wrong while the file is this text."""
        program = router.path("usr/sbin/opkg-key")
        program.rename(router.path("usr/sbin/opkg-key.real"))
        line = '[ "$(cat {})" = {} ] || exec /usr/sbin/opkg-key.real "$@"\nexit 1\n'
        router.write("usr/sbin/opkg-key", "#!/bin/sh\n" + line.format(file, text), 0o755)

    @staticmethod
    def check_nothing(router: Router) -> None:
        """Have the manager check no signatures."""
        router.write("etc/opkg.conf", "lists_dir ext /var/opkg-lists\n")


class Apk:
    """25.12 and later."""

    name = "apk"
    ending = "apk"
    index = "packages.adb"

    @staticmethod
    def key():
        return ec.generate_private_key(ec.SECP256R1())

    @staticmethod
    def file_name(name: str, version: str) -> str:
        return "{}-{}.apk".format(name, version)

    @staticmethod
    def pack(path: Path, name: str, version: str, files: Files, conffiles: list[str]) -> None:
        if not REAL_APK:
            path.write_bytes(ipk(name, version, files, conffiles))
            return
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "files"
            listed = "".join("/{}\n".format(place) for place in sorted(files))
            about = {"lib/apk/packages/{}.list".format(name): (listed, 0o644)}
            if conffiles:
                text = "".join(line + "\n" for line in conffiles)
                about["lib/apk/packages/{}.conffiles".format(name)] = (text, 0o644)
            lay(files | about, root)
            words = [REAL_APK, "mkpkg", "--files", root, "--output", path]
            for field in ("name:" + name, "version:" + version, "license:GPL", "arch:noarch",
                          "description:A small " + name):  # fmt: skip
                words += ["--info", field]
            for kind, text in Apk.scripts(name).items():
                script = Path(folder) / kind
                script.write_text(text)
                words += ["--script", "{}:{}".format(kind, script)]
            subprocess.run(words, check=True)

    @staticmethod
    def scripts(name: str) -> dict[str, str]:
        """As OpenWrt's package-pack.mk makes them (openwrt-25.12)."""
        start = "#!/bin/sh\n"
        body = ". /lib/functions.sh\nexport root= pkgname={}\n{{}}\n".format(name)
        return {
            "post-install": start + body.format("default_postinst"),
            "post-upgrade": start + "export PKG_UPGRADE=1\n" + body.format("default_postinst"),
            "pre-deinstall": start + body.format("default_prerm"),
        }

    def sign(self, key, packages: Path, out: Path) -> None:
        shutil.rmtree(out, ignore_errors=True)
        folder = out / FOLDER
        folder.mkdir(parents=True)
        for path in packages.glob("*.apk"):
            shutil.copy(path, folder)
        paths = sorted(folder.glob("*.apk"))
        if not REAL_APK:
            (folder / self.index).write_bytes(self.emulated_index(key, paths))
            return
        with tempfile.TemporaryDirectory() as name:
            private = Path(name) / "key.pem"
            private.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            words = [
                REAL_APK,
                "mkndx",
                "--allow-untrusted",
                "--compression",
                "none",
                "--sign-key",
                private,
            ]
            subprocess.run(
                [*words, "--output", folder / self.index, *paths], check=True, capture_output=True
            )

    @staticmethod
    def emulated_index(key, paths: list[Path]) -> bytes:
        text = ""
        for path in paths:
            found = feed_tool.check.check(path)
            text += "Package: {}\nVersion: {}\nArchitecture: {}\nInstalled-Size: {}\n".format(
                found.name, found.version, found.arch, found.fields["Installed-Size"]
            )
            data = path.read_bytes()
            text += "Size: {}\nSHA256sum: {}\nFilename: {}\n\n".format(
                len(data), hashlib.sha256(data).hexdigest(), path.name
            )
        public = Apk.public(key)
        proof = hashlib.sha256(public + text.encode()).hexdigest()
        return "{} {}\n{}".format(Apk.key_name(key), proof, text).encode()

    @staticmethod
    def public(key) -> bytes:
        return key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @staticmethod
    def key_name(key) -> str:
        return hashlib.sha256(Apk.public(key)).hexdigest()[:8] + ".pem"

    @staticmethod
    def prepare(router: Router) -> None:
        router.path("bin/opkg").unlink()
        shutil.copytree(HERE / "router25", router.root, dirs_exist_ok=True)
        router.write("etc/apk/repositories", "{}/packages.adb\n".format(URL), 0o644)
        router.write("etc/apk/arch", "noarch\nmips_24kc\n", 0o644)
        router.write("etc/apk/world", "", 0o644)
        for folder in ("etc/apk/keys", "lib/apk/db", "lib/apk/packages"):
            router.path(folder).mkdir(parents=True)
        if REAL_APK:
            router.path("bin/apk").unlink()
            router.borrow("apk", REAL_APK)
            router.run("apk", "add", "--initdb")

    @staticmethod
    def trust(router: Router, key) -> None:
        router.path("etc/apk/keys/" + Apk.key_name(key)).write_bytes(Apk.public(key))

    @staticmethod
    def note_right(router: Router, key, out: Path) -> None:
        pass

    @staticmethod
    def install(router: Router, path: str) -> None:
        """Install a file, and want it as `apk add NAME` would have it."""
        router.run("apk", "add", "--network=no", "--allow-untrusted", path)
        world = [line.split("><")[0] for line in router.read("etc/apk/world").splitlines()]
        router.write("etc/apk/world", "".join(line + "\n" for line in sorted(world)), 0o644)

    @staticmethod
    def remove(router: Router, name: str) -> None:
        router.run("apk", "--network=no", "del", name)

    @staticmethod
    def version(router: Router, name: str) -> str:
        said = router.run(
            "apk", "--network=no", "query", "--installed", "--fields", "version", name
        )
        (version,) = [line[9:] for line in said.splitlines() if line.startswith("Version: ")]
        return version

    @staticmethod
    def spoiled(index: bytes) -> bytes:
        """A byte of the real signature, or of the list that the emulated one is of."""
        return index[:-20] + bytes([index[-20] ^ 1]) + index[-19:]

    @staticmethod
    def lose_key_with(router: Router, file: str, text: str) -> None:
        router.path("bin/apk").rename(router.path("bin/apk.real"))
        line = '[ "$(cat {})" != {} ] || set -- --keys-dir /nowhere "$@"\nexec /bin/apk.real "$@"\n'
        router.write("bin/apk", "#!/bin/sh\n" + line.format(file, text), 0o755)

    @staticmethod
    def check_nothing(router: Router) -> None:
        router.write("etc/apk/config", "allow-untrusted\n", 0o644)


MANAGERS = {"opkg": Opkg(), "apk": Apk()}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an .ipk and finds what opkg would take silently and get wrong (docs/guide/openwrt.md)."""

import pathlib
import re
from collections import namedtuple

from tools.openwrt import tar

FORMAT = b"2.0\n"
FILE_MAX = 32 * 1024 * 1024  # bytes of an .ipk: no router that we know has more flash
PARTS = ("debian-binary", "control.tar.gz", "data.tar.gz")
NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*\Z")
VERSION = re.compile(r"[0-9][A-Za-z0-9.+~]*(-[A-Za-z0-9.+~]+)?\Z")
CANDIDATE = re.compile(r"[^~](rc|alpha|beta|pre)[0-9]*(-|\Z)")
ARCH = re.compile(r"[a-z0-9_][a-z0-9_.-]*\Z")
DEPEND = re.compile(r"[a-z0-9][a-z0-9.+-]*( \((=|<=|>=|<<|>>) [^ ()]+\))?\Z")
FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\Z")
NEEDED = ("Package", "Version", "Architecture", "Description")
RELATIONS = (
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Provides",
    "Conflicts",
    "Replaces",
)
SCRIPTS = ("preinst", "postinst", "postinst-pkg", "prerm", "prerm-pkg", "postrm")
# No package owns these: the system makes them at its first boot or keeps them in RAM, and opkg
# would overwrite them without a word.
OF_NOBODY = (
    "/dev/", "/overlay/", "/proc/", "/rom/", "/sys/", "/tmp/", "/var/",
    "/etc/board.json", "/etc/config/network", "/etc/config/wireless", "/etc/dropbear/",
    "/etc/rc.d/", "/etc/resolv.conf", "/etc/uhttpd.crt", "/etc/uhttpd.key", "/etc/urandom.seed",
    "/usr/lib/opkg/",
)  # fmt: skip

# fields: of the control file, by name; files: path -> tar.Member, folders left out; conffiles:
# absolute paths; scripts: name -> text
Package = namedtuple(
    "Package", ("path", "name", "version", "arch", "fields", "files", "conffiles", "scripts")
)


class IpkError(ValueError):
    """A package that must not be installed: one sentence a line."""


def _error(problems: list[str]) -> IpkError:
    """An error of these sentences, fit for a terminal whatever names the package has."""
    return IpkError(
        "\n".join([text if text.isprintable() else ascii(text)[1:-1] for text in problems])
    )


def check(path: pathlib.Path) -> Package:
    """The package in the file. Raises IpkError with everything that is wrong with it, OSError when
    it cannot be read.
    """
    if path.stat().st_size > FILE_MAX:
        raise IpkError("it is over {} bytes".format(FILE_MAX))
    parts = _parts(path.read_bytes())
    problems: list[str] = []
    inner = {}
    for name in PARTS[1:]:
        try:
            inner[name] = tar.members(tar.unpack(parts[name]))
        except tar.TarError as error:
            problems.append("{}: {}".format(name, error))
    if problems:
        raise _error(problems)
    control = _control_files(inner["control.tar.gz"], problems)
    fields = _fields(control.get("control", ""), problems)
    files = _data(inner["data.tar.gz"], problems)
    conffiles = _conffiles(control.get("conffiles", ""), files, problems)
    scripts = {name: control[name] for name in SCRIPTS if name in control}
    _scripts(scripts, files, problems)
    if problems:
        raise _error(problems)
    names = [fields[name] for name in NEEDED[:3]]
    return Package(path, *names, fields, files, conffiles, scripts)


def _parts(data: bytes) -> dict[str, bytes]:
    """The three files of the outer archive; nothing else may be in it."""
    if data[:8] == b"!<arch>\n":
        raise IpkError("it is an ar archive (a .deb?); an .ipk is one gzip stream of a tar")
    try:
        outer = tar.members(tar.unpack(data))
    except tar.TarError as error:
        raise IpkError(str(error)) from None
    found: dict[str, bytes] = {}
    problems = []
    for member in outer:
        name = member.name.removeprefix("./")
        if name not in PARTS or member.kind != "file":
            problems.append("{} does not belong into an .ipk".format(member.name))
        elif name in found:
            problems.append("{} is there twice".format(name))
        found[name] = member.data
    problems += ["there is no {}".format(name) for name in PARTS if name not in found]
    if found.get(PARTS[0], FORMAT) != FORMAT:
        problems.append("debian-binary does not say 2.0")
    if problems:
        raise _error(problems)
    return found


def _control_files(found, problems) -> dict[str, str]:
    texts = {}
    for member in found:
        name = member.name.removeprefix("./").rstrip("/")
        if member.kind == "folder" and not name:
            continue
        if member.kind != "file" or "/" in name:
            problems.append("control.tar.gz: {} does not belong there".format(member.name))
            continue
        if name in texts:
            problems.append("control.tar.gz: {} is there twice".format(name))
        if b"\r" in member.data:
            problems.append("{}: its lines end in CR LF; opkg needs LF".format(name))
        if name in SCRIPTS and member.mode & 0o111 != 0o111:
            problems.append("{}: it cannot be executed (mode {:04o})".format(name, member.mode))
        try:
            texts[name] = member.data.decode("utf-8")
        except UnicodeDecodeError:
            problems.append("{}: it is not UTF-8".format(name))
            texts[name] = ""
    if "control" not in texts:
        problems.append("control.tar.gz: there is no control file")
    return texts


def _fields(text: str, problems) -> dict[str, str]:
    fields: dict[str, str] = {}
    last = ""
    for line in text.rstrip("\n").split("\n") if text else []:
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and last:
            fields[last] += "\n" + line
        elif not colon or not FIELD.match(name):
            problems.append("control: no field is in the line {!r}".format(line[:60]))
        else:
            if name in fields:
                problems.append("control: {} is there twice".format(name))
            fields[name], last = value.strip(), name
    if text:
        problems += [
            "control: there is no {}".format(name) for name in NEEDED if not fields.get(name)
        ]
        _values(fields, problems)
    return fields


def _values(fields, problems):
    for name, form in (("Package", NAME), ("Version", VERSION), ("Architecture", ARCH)):
        if fields.get(name) and not form.match(fields[name]):
            problems.append(
                "control: {} is no {} that opkg compares rightly".format(fields[name], name)
            )
    if CANDIDATE.search(fields.get("Version", "")):
        problems.append(
            "control: {} sorts after its release; write ~ before it, as in 1.0~rc1".format(
                fields["Version"]
            )
        )
    if not fields.get("Installed-Size", "0").isdigit():
        problems.append("control: Installed-Size is no number of bytes")
    for name in RELATIONS:
        for word in fields[name].split(",") if name in fields else ():
            if not word.strip():
                problems.append(
                    "control: {} names no package at one place; opkg crashes on such a "
                    "field".format(name)
                )
            elif not DEPEND.match(word.strip()):
                problems.append(
                    "control: {} has {!r}, which opkg does not read".format(name, word.strip())
                )


def _absolute(name: str) -> str:
    return "/" + name.removeprefix("./").strip("/")


def _plain(name: str) -> bool:
    """Whether the name is one way to say a path below the root, and the only one."""
    parts = name.removeprefix("./").removesuffix("/").split("/")
    return name in ("./", ".") or (name.isprintable() and not {"", ".", ".."} & set(parts))


def _data(found, problems) -> dict[str, tar.Member]:
    files: dict[str, tar.Member] = {}
    for member in found:
        path = _absolute(member.name)
        where = "data.tar.gz: {}: ".format(path)
        if not _plain(member.name):
            problems.append(where + "not a plain path below the root")
        if member.uid or member.gid:
            problems.append(
                where + "it belongs to {}:{}, not to root".format(member.uid, member.gid)
            )
        if member.kind != "link" and member.mode & 0o6002:
            problems.append(
                where + "mode {:04o}: set-id, or writable by everybody".format(member.mode)
            )
        if member.kind == "folder":
            continue
        if path in files:
            problems.append(where + "it is there twice")
        for foreign in OF_NOBODY:
            if path == foreign or (foreign.endswith("/") and path.startswith(foreign)):
                problems.append(where + "it would overwrite what belongs to no package")
        files[path] = member
    problems += _inside_files([_absolute(member.name) for member in found], files)
    return files


def _inside_files(paths, files):
    """A sentence for each path that lies in what is no folder: through a link it would be written
    elsewhere.
    """
    problems = []
    for path in paths:
        above = path.rpartition("/")[0]
        while above and above not in files:
            above = above.rpartition("/")[0]
        if above:
            problems.append("data.tar.gz: {}: {} is no folder".format(path, above))
    return problems


def _conffiles(text: str, files, problems) -> list[str]:
    names = text.split("\n")
    if names.pop():
        problems.append("conffiles: its last line has no end")
    if names != sorted(set(names)):
        problems.append("conffiles: it is not sorted, or names a file twice")
    for name in names:
        if not name.startswith("/") or name != name.strip():
            problems.append("conffiles: {!r} is no absolute path".format(name))
        elif name not in files or files[name].kind != "file":
            problems.append("conffiles: {} is no regular file of the package".format(name))
    return names


def _scripts(scripts, files, problems):
    for name, text in scripts.items():
        if not text.startswith("#!/bin/sh"):
            problems.append("{}: it does not begin with #!/bin/sh".format(name))
    if any(path.startswith("/etc/init.d/") for path in files):
        for name, call in (("postinst", "default_postinst"), ("prerm", "default_prerm")):
            if call not in scripts.get(name, ""):
                problems.append(
                    "{}: without {} its service is neither enabled nor started".format(name, call)
                )


def _excluded(one: Package, other: Package) -> bool:
    """Whether the two are never installed together."""
    for left, right in ((one, other), (other, one)):
        rivals = [
            word.strip().split(" ")[0] for word in left.fields.get("Conflicts", "").split(",")
        ]
        if right.name in rivals:
            return True
    return one.name == other.name


def collisions(packages: list[Package]) -> list[str]:
    """A sentence for each file that two of the packages bring, unless they exclude each other."""
    problems = []
    for index, one in enumerate(packages):
        for other in packages[index + 1 :]:
            for path in sorted(set(one.files) & set(other.files)):
                if not _excluded(one, other):
                    problems.append("{}: {} is in {} too".format(one.path, path, other.path))
    return problems


def overwrites(package: Package, root: pathlib.Path) -> list[str]:
    """A sentence for each file that the package would overwrite in this root file system and that
    no package there owns.
    """
    owned = set()
    for listed in (root / "usr/lib/opkg/info").glob("*.list"):
        owned |= {line.split("\t")[0] for line in listed.read_text().split("\n")}
    kept = set(package.conffiles)
    found = [
        path
        for path in sorted(package.files)
        if path not in kept | owned and (root / path.lstrip("/")).exists()
    ]
    return [
        "{}: {} is there already and belongs to no package".format(package.path, path)
        for path in found
    ]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an .ipk and a feed's index, the same bytes each time (docs/guide/openwrt.md)."""

import gzip
import hashlib
import io
import pathlib
import tarfile

EPOCH = 0  # unix s, of every file in a package unless SOURCE_DATE_EPOCH says otherwise
FORMAT = b"2.0\n"
# of the control files; others are 0644
MODES = {
    "postinst": 0o755,
    "postinst-pkg": 0o755,
    "prerm": 0o755,
}

SCRIPTS = {
    name: """#!/bin/sh
[ "${{IPKG_NO_SCRIPT}}" = "1" ] && exit 0
[ -s ${{IPKG_INSTROOT}}/lib/functions.sh ] || exit 0
. ${{IPKG_INSTROOT}}/lib/functions.sh
default_{} $0 $@
""".format(name)
    for name in ("postinst", "prerm")
}


def packed(data: bytes) -> bytes:
    """gzip without name and time."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=out, mtime=0) as stream:
        stream.write(data)
    return out.getvalue()


def _tar(members: list[tuple[tarfile.TarInfo, bytes]], epoch: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, data in members:
            info.mtime, info.uid, info.gid, info.uname, info.gname = epoch, 0, 0, "", ""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    return info


def _tree(root: pathlib.Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    """Everything below root by name, folders before what is in them."""
    members = [(_member("./", tarfile.DIRTYPE, 0o755), b"")]
    for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).parts):
        name = "./" + path.relative_to(root).as_posix()
        if path.is_symlink():
            info = _member(name, tarfile.SYMTYPE, 0o777)
            info.linkname = str(path.readlink())
            members.append((info, b""))
        elif path.is_dir():
            members.append((_member(name + "/", tarfile.DIRTYPE, 0o755), b""))
        else:
            members.append(
                (_member(name, tarfile.REGTYPE, path.stat().st_mode & 0o7777), path.read_bytes())
            )
    return members


def package(
    fields: list[tuple[str, str]],
    description: str,
    conffiles: list[str],
    root: pathlib.Path,
    epoch: int = EPOCH,
    postinst: str = "",
) -> bytes:
    """The bytes of an .ipk: fields in their order, Installed-Size and Description after them, data
    from the folder root.

    postinst: what the package itself does after its installation; default_postinst runs it before
    it starts services.
    """
    data = _tar(_tree(root), epoch)
    lines = ["{}: {}".format(name, value) for name, value in fields if value]
    lines += ["Installed-Size: {}".format(len(data)), "Description: {}".format(description.strip())]
    control = {"control": "\n".join(lines) + "\n", **SCRIPTS}
    if postinst:
        control["postinst-pkg"] = postinst
    if conffiles:
        control["conffiles"] = "".join(path + "\n" for path in sorted(conffiles))
    members = [(_member("./", tarfile.DIRTYPE, 0o755), b"")]
    for name in sorted(control):
        members.append(
            (_member("./" + name, tarfile.REGTYPE, MODES.get(name, 0o644)), control[name].encode())
        )
    outer = [
        ("./debian-binary", FORMAT),
        ("./data.tar.gz", packed(data)),
        ("./control.tar.gz", packed(_tar(members, epoch))),
    ]
    return packed(
        _tar([(_member(name, tarfile.REGTYPE, 0o644), content) for name, content in outer], epoch)
    )


def write_index(folder: pathlib.Path, packages: list) -> None:
    """Packages and Packages.gz of a folder: each control file, with Filename, Size and SHA256sum
    before its Description.
    """
    text = ""
    for found in packages:
        data = found.path.read_bytes()
        fields = {name: value for name, value in found.fields.items() if name != "Description"}
        fields["Filename"], fields["Size"] = found.path.name, str(len(data))
        fields["SHA256sum"] = hashlib.sha256(data).hexdigest()
        fields["Description"] = found.fields["Description"]
        text += "".join("{}: {}\n".format(name, value) for name, value in fields.items()) + "\n"
    (folder / "Packages").write_text(text, newline="\n")
    (folder / "Packages.gz").write_bytes(packed(text.encode()))

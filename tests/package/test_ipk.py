# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/ipk.py: what it packs, what it refuses, what it lists; with packages that nfpm wrote as the
other opinion.
"""

import gzip
import hashlib
import io
import re
import subprocess
import tarfile

import pytest

from tests.package.conftest import FOLDERS, ipk, make_packages, package
from tools.harness import ROOT
from tools.openwrt import archive, check, tar

FIELDS = [("Package", "small"), ("Version", "1.0-r1"), ("Architecture", "all")]
LONG = "usr/share/" + "long-name-" * 12 + "end"  # over the 100 bytes that a plain header holds
NFPM = ROOT / ".venv/bin/nfpm"


def tree(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)
    return folder


@pytest.fixture
def small(tmp_path):
    """A function that writes a package of a few files and returns its path."""

    def write(fields=FIELDS, conffiles=("/etc/config/small",), **files):
        root = tree(
            tmp_path / "root",
            **(files or {"etc__config__small": "config x\n", "usr__share__small": "x\n"}),
        )
        path = tmp_path / "small.ipk"
        path.write_bytes(archive.package(list(fields), "Something small", list(conffiles), root))
        return path

    return write


def taken_apart(path):
    """The three parts of a package, and those of its inner archives, as tarfile sees them."""
    with tarfile.open(path) as outer:
        return {member.name: outer.extractfile(member).read() for member in outer.getmembers()}


def put_together(parts, path, form=tarfile.GNU_FORMAT):
    with tarfile.open(path, "w:gz", format=form) as outer:
        for name, data in parts:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            outer.addfile(info, io.BytesIO(data))


def repacked(data, change):
    """An inner archive with each (TarInfo, bytes) as change leaves it: a list of such pairs."""
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as old,
        tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as new,
    ):
        for member in old.getmembers():
            content = old.extractfile(member).read() if member.isreg() else b""
            for info, text in change(member, content):
                info.size = len(text)
                new.addfile(info, io.BytesIO(text))
    return out.getvalue()


def rewritten(path, part, change):
    parts = taken_apart(path)
    parts["./{}.tar.gz".format(part)] = repacked(parts["./{}.tar.gz".format(part)], change)
    put_together(parts.items(), path)


def control_changed(old, new):
    def change(member, content):
        if member.name == "./control":
            assert old.encode() in content
            content = content.replace(old.encode(), new.encode())
        return [(member, content)]

    return change


def refused(path):
    with pytest.raises(check.IpkError) as caught:
        check.check(path)
    return str(caught.value)


def test_packs_the_same_bytes_whatever_the_folders_times_and_umask(small, tmp_path):
    first = small().read_bytes()
    (tmp_path / "root/etc/config/small").touch()
    (tmp_path / "root/usr").chmod(0o700)
    assert small().read_bytes() == first


def test_reads_back_what_it_packed(small):
    found = check.check(small())
    assert (found.name, found.version, found.arch) == ("small", "1.0-r1", "all")
    assert found.conffiles == ["/etc/config/small"] and sorted(found.files) == [
        "/etc/config/small",
        "/usr/share/small",
    ]
    assert found.files["/usr/share/small"].data == b"x\n"


def test_has_the_form_that_openwrt_gives(small):
    parts = taken_apart(small())
    assert (
        list(parts) == ["./debian-binary", "./data.tar.gz", "./control.tar.gz"]
        and parts["./debian-binary"] == b"2.0\n"
    )
    with tarfile.open(fileobj=io.BytesIO(parts["./control.tar.gz"])) as inner:
        control = inner.extractfile("./control").read().decode()
        assert {name: inner.getmember("./" + name).mode for name in ("postinst", "prerm")} == {
            "postinst": 0o755,
            "prerm": 0o755,
        }
    assert control.split("\n")[-2].startswith("Description: ")
    assert int(re.search("Installed-Size: ([0-9]+)\n", control).group(1)) == len(
        gzip.decompress(parts["./data.tar.gz"])
    )


def test_keeps_long_names_and_gnu_tar_reads_them(small, tmp_path):
    path = small(conffiles=(), **{LONG.replace("/", "__"): "x"})
    assert "/" + LONG in check.check(path).files
    listed = subprocess.run(
        "tar -xzOf {} ./data.tar.gz | tar -tz".format(path),
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "./" + LONG in listed.stdout.split("\n")


@pytest.mark.parametrize("part", ["debian-binary", "data.tar.gz", "control.tar.gz"])
def test_refuses_a_missing_part(small, part):
    path = small()
    put_together([item for item in taken_apart(path).items() if item[0] != "./" + part], path)
    assert refused(path) == "there is no " + part


@pytest.mark.parametrize("text", [b"2.0", b"2.1\n", b"", b"2.0\r\n"])
def test_refuses_another_format(small, text):
    path = small()
    put_together({**taken_apart(path), "./debian-binary": text}.items(), path)
    assert refused(path) == "debian-binary does not say 2.0"


def test_refuses_an_outer_tar_in_pax_form(small):
    path = small()
    put_together([*taken_apart(path).items(), ("./" + LONG, b"")], path, tarfile.PAX_FORMAT)
    assert "PAX" in refused(path)


def test_refuses_data_in_pax_form(small):
    path, out = small(), io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as pax:
        pax.addfile(tarfile.TarInfo("./" + LONG), io.BytesIO())
    put_together({**taken_apart(path), "./data.tar.gz": out.getvalue()}.items(), path)
    assert refused(path) == "data.tar.gz: it is a PAX tar, whose long names opkg loses"


CONTROLS = [  # id, text of the control file, what stands there instead, what is said
    ("no-version", "Version: 1.0-r1\n", "", "there is no Version"),
    ("no-package", "Package: small\n", "", "there is no Package"),
    ("no-architecture", "Architecture: all\n", "", "there is no Architecture"),
    ("empty-version", "Version: 1.0-r1", "Version:", "there is no Version"),
    ("underscore", "Package: small", "Package: sm_all", "is no Package"),
    ("upper-case", "Package: small", "Package: Small", "is no Package"),
    ("candidate", "Version: 1.0-r1", "Version: 1.0-rc1", "sorts after its release"),
    ("bad-version", "Version: 1.0-r1", "Version: one", "is no Version"),
    ("crlf", "Architecture: all\n", "Architecture: all\r\n", "CR LF"),
    ("twice", "Architecture: all\n", "Architecture: all\nVersion: 2\n", "Version is there twice"),
    ("size", "Installed-Size: ", "Installed-Size: many ", "no number"),
    ("depends", "Architecture: all\n", "Architecture: all\nDepends: +libc\n", "does not read"),
    ("depends-empty", "Architecture: all\n", "Architecture: all\nDepends: \n", "opkg crashes"),
    (
        "conflicts-empty-first",
        "Architecture: all\n",
        "Architecture: all\nConflicts: , libc\n",
        "opkg crashes",
    ),
    (
        "depends-empty-version",
        "Architecture: all\n",
        "Architecture: all\nDepends: libc ()\n",
        "does not read",
    ),
    ("junk", "Architecture: all\n", "Architecture: all\njunk\n", "no field is in the line"),
]


@pytest.mark.parametrize("old, new, said", [pytest.param(*row[1:], id=row[0]) for row in CONTROLS])
def test_refuses_a_control_file(small, old, new, said):
    path = small()
    rewritten(path, "control", control_changed(old, new))
    assert said in refused(path)


CONFFILES = [
    ("missing", b"/etc/config/gone\n", "/etc/config/gone is no regular file"),
    ("relative", b"etc/config/small\n", "no absolute path"),
    ("unsorted", b"/usr/share/small\n/etc/config/small\n", "not sorted"),
    ("twice", b"/etc/config/small\n/etc/config/small\n", "not sorted, or names a file twice"),
    ("folder", b"/etc/config\n", "no regular file"),
    ("no-end", b"/etc/config/small", "has no end"),
]


@pytest.mark.parametrize("text, said", [pytest.param(*row[1:], id=row[0]) for row in CONFFILES])
def test_refuses_conffiles(small, text, said):
    path = small()
    rewritten(
        path,
        "control",
        lambda member, content: [(member, text if member.name == "./conffiles" else content)],
    )
    assert said in refused(path)


def added(name, kind=tarfile.REGTYPE, **attributes):
    def change(member, content):
        more = tarfile.TarInfo(name)
        more.type = kind
        for key, value in attributes.items():
            setattr(more, key, value)
        return (
            [(member, content), (more, b"")]
            if member.name == "./usr/share/small"
            else [(member, content)]
        )

    return change


DATA = [
    ("parent", added("./../../etc/passwd"), "not a plain path"),
    ("absolute", added("/etc/x"), "not a plain path"),
    ("twice", added("./etc/config/small"), "there twice"),
    ("device", added("./usr/null", tarfile.CHRTYPE), "character device"),
    ("hard-link", added("./usr/hard", tarfile.LNKTYPE, linkname="./usr/share/small"), "hard link"),
    ("pipe", added("./usr/pipe", tarfile.FIFOTYPE), "named pipe"),
    ("set-uid", added("./usr/suid", mode=0o4755), "set-id"),
    ("for-everybody", added("./usr/open", mode=0o666), "writable by everybody"),
    ("owner", added("./usr/owned", uid=1000), "belongs to 1000:0"),
    ("network", added("./etc/config/network"), "belongs to no package"),
    ("enabled-link", added("./etc/rc.d/S95small"), "belongs to no package"),
    ("in-ram", added("./tmp/x"), "belongs to no package"),
    ("service-without-scripts", added("./etc/init.d/small"), ""),
]


@pytest.mark.parametrize(
    "change, said", [pytest.param(*row[1:], id=row[0]) for row in DATA if row[2]]
)
def test_refuses_data(small, change, said):
    path = small()
    rewritten(path, "data", change)
    assert said in refused(path)


def test_refuses_a_service_that_nothing_would_enable(small):
    path = small()
    rewritten(path, "data", added("./etc/init.d/small", mode=0o755))
    check.check(path)
    rewritten(
        path,
        "control",
        lambda member, content: (
            [] if member.name in ("./postinst", "./prerm") else [(member, content)]
        ),
    )
    said = refused(path)
    assert "postinst: without default_postinst" in said and "prerm: without default_prerm" in said


def test_refuses_a_script_that_cannot_run(small):
    path = small()

    def change(member, content):
        member.mode = 0o644
        return [(member, content)]

    rewritten(path, "control", change)
    assert "postinst: it cannot be executed" in refused(path)


def test_refuses_every_damaged_or_cut_byte(small):
    path = small()
    data = path.read_bytes()
    good = check.check(path)
    for place in range(0, len(data), 7):
        path.write_bytes(data[:place])
        refused(path)
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        try:
            # bits of gzip that carry nothing: its header's time, the padding of its last byte
            assert check.check(path) == good
        except check.IpkError:
            pass


def test_refuses_what_follows_and_what_unpacks_to_too_much(small, monkeypatch):
    path = small()
    data = path.read_bytes()
    path.write_bytes(data + b"more")
    assert "something follows" in refused(path)
    path.write_bytes(data)
    monkeypatch.setattr(tar, "UNPACKED_MAX", 1000)
    assert "unpacks to more" in refused(path)


def test_refuses_a_debian_package(tmp_path):
    path = tmp_path / "x.ipk"
    path.write_bytes(b"!<arch>\ndebian-binary   ")
    assert "ar archive" in refused(path)


def test_says_everything_at_once_and_exits_with_1(small, capsys):
    path = small()
    rewritten(path, "control", control_changed("Version: 1.0-r1\n", ""))
    rewritten(path, "data", added("./tmp/x"))
    said = ipk("check", path, status=1)
    assert "there is no Version" in said and "/tmp/x: it would overwrite" in said


def test_refuses_two_packages_with_the_same_file_unless_they_exclude_each_other(small, tmp_path):
    one = tmp_path / "one.ipk"
    one.write_bytes(small().read_bytes())
    other = small(fields=[("Package", "other"), *FIELDS[1:]])
    assert "is in" in ipk("check", one, other, status=1)
    small(fields=[("Package", "other"), *FIELDS[1:], ("Conflicts", "small")])
    assert "good" in ipk("check", one, other)


def test_refuses_to_overwrite_files_of_nobody_in_a_given_root(small, tmp_path):
    path, root = small(), tmp_path / "target"
    tree(root, usr__share__small="somebody wrote this")
    assert "/usr/share/small is there already and belongs to no package" in ipk(
        "check", "--root", root, path, status=1
    )
    tree(root, **{"usr__lib__opkg__info__older.list": "/usr/share/small\n"})
    ipk("check", "--root", root, path)


NFPM_CONFIG = """name: other
arch: all
platform: linux
version: 1.2.3
release: 1
maintainer: Me <me@example.org>
description: |
  Something from elsewhere.
  In two lines.
license: MIT
depends: [libc]
contents:
  - {{src: {0}/a, dst: /etc/config/other, type: config}}
  - {{src: {0}/a, dst: /{1}}}
  - {{src: /etc/config/other, dst: /usr/share/other/link, type: symlink}}
"""


@pytest.fixture(scope="session")
def foreign(tmp_path_factory):
    """A package that nfpm wrote."""
    folder = tmp_path_factory.mktemp("nfpm")
    (folder / "a").write_text("config a\n")
    (folder / "nfpm.yaml").write_text(NFPM_CONFIG.format(folder, LONG))
    subprocess.run(
        [NFPM, "package", "-f", folder / "nfpm.yaml", "-p", "ipk", "-t", folder],
        check=True,
        capture_output=True,
    )
    (found,) = folder.glob("*.ipk")
    return found


def test_reads_a_package_that_nfpm_wrote(foreign):
    found = check.check(foreign)
    assert (found.name, found.version, found.arch) == ("other", "1.2.3-1", "all")
    assert found.fields["Depends"] == "libc" and found.conffiles == ["/etc/config/other"]
    assert sorted(found.files) == ["/etc/config/other", "/" + LONG, "/usr/share/other/link"]
    assert (
        found.files["/" + LONG].data == b"config a\n"
        and found.files["/usr/share/other/link"].target == "/etc/config/other"
    )


def test_our_writer_says_of_the_same_files_what_nfpm_says(foreign, tmp_path):
    theirs = check.check(foreign)
    root = tree(
        tmp_path / "root",
        etc__config__other="config a\n",
        **{LONG.replace("/", "__"): "config a\n"},
    )
    (root / "usr/share/other").mkdir()
    (root / "usr/share/other/link").symlink_to("/etc/config/other")
    path = tmp_path / "ours.ipk"
    wanted = [
        (name, theirs.fields[name]) for name in ("Package", "Version", "Depends", "Architecture")
    ]
    path.write_bytes(archive.package(wanted, theirs.fields["Description"], theirs.conffiles, root))
    ours = check.check(path)
    assert ours.conffiles == theirs.conffiles and sorted(ours.files) == sorted(theirs.files)
    for name, member in ours.files.items():
        other = theirs.files[name]
        assert (member.kind, member.target, member.data) == (other.kind, other.target, other.data)
        assert member.kind == "link" or member.mode == other.mode


def test_the_index_lists_what_opkg_needs(feed, tmp_path, foreign):
    for path in [*feed.glob("*.ipk"), foreign]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    ipk("index", tmp_path)
    text = (tmp_path / "Packages").read_text()
    assert (
        gzip.decompress((tmp_path / "Packages.gz").read_bytes()).decode() == text
        and "\r" not in text
    )
    blocks = text.strip("\n").split("\n\n")
    assert len(blocks) == len(FOLDERS) + 1
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line[0] != " ")
        data = (tmp_path / fields["Filename"]).read_bytes()
        assert (
            fields["Size"] == str(len(data))
            and fields["SHA256sum"] == hashlib.sha256(data).hexdigest()
        )
        assert list(fields)[-1] == "Description"


def test_packages_and_index_are_the_same_twice(feed, tmp_path):
    ipk("index", feed)
    again = make_packages(tmp_path / "again")
    ipk("index", again)
    assert sorted(path.name for path in feed.iterdir()) == sorted(
        path.name for path in again.iterdir()
    )
    for path in feed.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_the_feed_is_good_as_a_whole(feed):
    ipk("check", *feed.glob("*.ipk"))
    for name in FOLDERS:
        assert check.check(package(feed, name)).fields["License"].startswith("GPL-3.0-or-later")


def test_the_runtime_fits_the_routers_flash(feed):
    assert package(feed, "flukso-micropython").stat().st_size <= 480_000

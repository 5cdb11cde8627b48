# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an initial root file system for Linux, a gzipped cpio archive (newc), without root."""

import gzip
import stat
from pathlib import Path


class Initramfs:
    """Files, folders, links and device nodes of a root file system, all root's; an entry may be
    replaced by a later one.
    """

    def __init__(self):
        self._entries: dict[str, tuple[int, bytes, tuple[int, int]]] = {}

    def folder(self, path: str, mode: int = 0o755) -> None:
        self._add(path, stat.S_IFDIR | mode, b"")

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self._add(path, stat.S_IFREG | mode, data)

    def link(self, path: str, target: str) -> None:
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, path: str, major: int, minor: int, mode: int = 0o600) -> None:
        self._add(path, stat.S_IFCHR | mode, b"", (major, minor))

    def tree(self, source: Path) -> None:
        """Add all that lies below a folder, with its modes."""
        for path in sorted(source.rglob("*")):
            name = str(path.relative_to(source))
            if path.is_symlink():
                self.link(name, str(path.readlink()))
            elif path.is_dir():
                self.folder(name, path.stat().st_mode & 0o7777)
            else:
                self.file(name, path.read_bytes(), path.stat().st_mode & 0o7777)

    def packed(self) -> bytes:
        """The archive as the kernel's -initrd takes it."""
        names = sorted(self._entries)  # a folder comes before what lies in it
        records = [
            _record(number, name, *self._entries[name]) for number, name in enumerate(names, 1)
        ]
        return gzip.compress(
            b"".join(records) + _record(0, "TRAILER!!!", 0, b"", (0, 0)), 6, mtime=0
        )

    def _add(self, path, mode, data, device=(0, 0)):
        name = path.strip("/")
        parent = name.rpartition("/")[0]
        if parent and parent not in self._entries:
            self.folder(parent)
        self._entries[name] = (mode, data, device)


def _record(number, name, mode, data, device):
    title = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(title), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + title
    return _padded(head) + _padded(data)


def _padded(data):
    return data + bytes(-len(data) % 4)

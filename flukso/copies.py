# SPDX-License-Identifier: GPL-3.0-or-later
"""The last good configuration and the device's identity in flash: two copies, each with a checksum
(docs/guide/daemon.md).
"""

from binascii import crc32
from collections import namedtuple

from flukso import uci

FOLDER = "/etc/flukso"
NAMES = ("config.good", "config.good.2")  # one is whole while the other is written
COPY_MAX = uci.FILE_MAX + 1024  # bytes: head and identity come on top of the file
HEAD = "# the last good /etc/config/flukso; crc32 of what follows: {:08x}\n"
FROM_SYSTEM = "# from /etc/config/system\n"
IDENTITY = ("device", "key", "version")

# flukso: text of the file; identity: name -> text of those in the file `system`, {} when `flukso`
# has its own
Copy = namedtuple("Copy", ("flukso", "identity"))


class Copies:
    """Both copies in a folder."""

    def __init__(self, port, folder: str):
        self.folder = folder
        self.damaged: list = []  # names of those that load() could not believe
        self._port = port
        self._held: dict = {}  # name: bytes

    def load(self) -> "Copy | None":
        """Return the newest Copy that can be believed, None when there is none."""
        newest = None
        for name in NAMES:
            try:
                data = self._port.read_file(self.folder + "/" + name, COPY_MAX)
            except OSError:
                continue
            copy = unpack(data)
            if copy is None:
                self.damaged.append(name)
            else:
                self._held[name] = data
                newest = newest or copy
        return newest

    def keep(self, copy: Copy):
        """Write what differs, one after the other. Raises OSError; then at least one of the old or
        the new ones is whole.
        """
        data = pack(copy)
        for name in NAMES:
            if self._held.get(name) != data:
                self._port.make_folder(self.folder)
                self._port.write_durable(self.folder + "/" + name, data)
                self._held[name] = data

    def put_aside(self, name: str, data: bytes):
        """Keep what a damaged file held, so that somebody may look at it. Raises OSError."""
        self._port.make_folder(self.folder)
        self._port.write_durable("{}/{}.damaged".format(self.folder, name), data)


def pack(copy: Copy) -> bytes:
    """Return the bytes of a copy's file."""
    text = uci.bytes_of(copy.flukso)
    if text[: len(uci.MARK)] == uci.MARK:
        text = text[len(uci.MARK) :]
    if text[-1:] != b"\n":
        text += b"\n"
    if copy.identity:
        text += (FROM_SYSTEM + system_section(copy.identity)).encode()
    return HEAD.format(crc32(text) & 0xFFFFFFFF).encode() + text


def system_section(identity: dict) -> str:
    """Return the section `system` with this identity."""
    lines = [
        "\toption {} {}\n".format(name, uci.quoted(identity[name]))
        for name in IDENTITY
        if name in identity
    ]
    return "config system\n" + "".join(lines)


def unpack(data: bytes) -> "Copy | None":
    """Return what a copy's file holds, None when it is damaged. One without a checksum, as releases
    up to 0.1 wrote it, is believed when it can be read and has a sensor.
    """
    line, _, text = data.partition(b"\n")
    if line[:2] == b"# " and b"crc32" in line:
        if line + b"\n" != HEAD.format(crc32(text) & 0xFFFFFFFF).encode():
            return None
        flukso, _, rest = (
            uci.text_of(text).rpartition(FROM_SYSTEM)
            if FROM_SYSTEM.encode() in text
            else (uci.text_of(text), "", "")
        )
        return Copy(flukso, identity_in(uci.parse(rest, "", [])))
    problems: list = []
    sections = uci.parse(uci.text_of(data), "", problems)
    if (
        problems
        or data[-1:] != b"\n"
        or not [section for section in sections if section.type == "sensor"]
    ):
        return None
    last = sections[-1]
    if last.type != "system" or [name for name in last.order if name not in IDENTITY]:
        return Copy(uci.text_of(data), {})
    return Copy(uci.text_of(data[: data.rfind(b"config", 0, last.end)]), identity_in([last]))


def identity_in(sections: list) -> dict:
    """Return device, key and version as the sections have them; what is not there is left out."""
    identity: dict = {}
    for section in sections:
        for name in IDENTITY:
            if (
                section.type == "system"
                and name not in identity
                and name in section.options
                and section.options[name].text
            ):
                identity[name] = section.options[name].text
    return identity

# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a router by its name: a line of the table that the package brings
(docs/guide/openwrt.md). Pure, for both interpreters.
"""

from collections import namedtuple

PATH = "/usr/share/flukso/routers"
NAME_PATH = "/tmp/sysinfo/board_name"
CPU_PATH = "/proc/cpuinfo"
TABLE_MAX = 16384  # bytes; the package's has 2 KB
NAME_MAX = 64  # bytes of the name's file that are read
CPU_MAX = 16384  # of /proc/cpuinfo; the line stands at its head
FIELDS = 11

# texts as they stand in the table, "" for none; never: the set of GPIO numbers that nobody may
# drive; auto: a bool
Router = namedtuple(
    "Router",
    ("name", "bus", "reset", "sck", "mosi", "miso", "shifter", "never", "lan", "wan", "auto"),
)


class RoutersError(ValueError):
    """A table that cannot be believed for this router."""


def name_of(board: str, cpuinfo: str) -> str:
    """Return the router's name out of OpenWrt's file, or else of /proc/cpuinfo; "" when neither
    tells.
    """
    name = board.partition("\n")[0].strip()
    if name:
        return name
    for line in cpuinfo.split("\n"):
        key, colon, value = line.partition(":")
        if colon and key.strip() == "system type":
            return value.strip().lower().replace(" ", ",")
    return ""


def find(table: str, name: str) -> "Router | None":
    """Return the Router of this name, None for one that is not listed. Raises RoutersError when its
    line is damaged.
    """
    for line in table.split("\n"):
        words = line.split()
        if not name or not words or words[0] != name:
            continue
        if len(words) != FIELDS or words[-1] not in ("0", "1"):
            raise RoutersError(
                "the line of {} in the table of routers is damaged: {} fields".format(
                    name, len(words)
                )
            )
        texts = ["" if word == "-" else word for word in words]
        _, bus, reset, sck, mosi, miso, shifter, never, lan, wan, auto = texts
        return Router(
            name, bus, reset, sck, mosi, miso, shifter, _numbers(never, name), lan, wan, auto == "1"
        )
    return None


def _numbers(text, name):
    """Return the set of numbers that a text like "2-5,9" names."""
    numbers: set = set()
    for part in text.split(",") if text else ():
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not first.isdigit() or not last.isdigit() or int(last) > 999:
            raise RoutersError(
                "the line of {} in the table of routers is damaged: GPIO {}".format(name, part)
            )
        numbers.update(range(int(first), int(last) + 1))
    return numbers

# SPDX-License-Identifier: GPL-3.0-or-later
"""The system log of the emulated router: /dev/log, written to /var/log/messages as OpenWrt's logd
does (tests/vectors/logd.json).
"""

import re
import socket
import threading
from pathlib import Path

DATAGRAM_MAX = 1023  # bytes that logd keeps of one
TIME_LEN = 16  # of "Dec  1 10:43:54 "; logd leaves out so many wherever the last is a space
FACILITIES = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news"]
LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]


def line_of(datagram: bytes) -> str:
    """What logd makes of it, without the date that it puts before."""
    text = datagram[:DATAGRAM_MAX].rstrip(b" \n").replace(b"\n", b" ")
    priority = 0
    found = re.match(rb"<(\d*)>", text)
    if found:
        priority, text = int(found[1]), text[found.end() :]
    if text[TIME_LEN - 1 : TIME_LEN] == b" ":
        text = text[TIME_LEN:]
    return "{}.{} {}".format(
        FACILITIES[priority >> 3], LEVELS[priority & 7], text.decode("utf-8", "replace")
    )


class SystemLog:
    """Reads the socket until it is closed."""

    def __init__(self, path: Path, messages: Path):
        self._messages = messages
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            datagram = self._socket.recv(65536)
            if not datagram:
                return
            self._messages.parent.mkdir(parents=True, exist_ok=True)
            with self._messages.open("a") as file:
                file.write(line_of(datagram) + "\n")

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython's log: stderr, or the system log once that is asked for."""

import os
import socket
import sys
import time

from flukso.ports import syslog

_system_log: list = []  # filled by log_to_syslog


def log_to_syslog():
    """Send the log to the system log from now on; to stderr where there is none."""
    _system_log.append(syslog.Syslog(_connect_log, time.localtime, "flukso", os.getpid()))


def _connect_log():
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(syslog.PATH)
    except OSError:
        sock.close()
        raise
    return sock


def log(level: str, text: str):
    """Write one line of the log; never fails."""
    line = "".join([char if char >= " " else "?" for char in text])
    if _system_log and _system_log[0].write(level, line.encode("utf-8", "replace").decode()):
        return
    try:
        sys.stderr.write("flukso: {}: {}\n".format(level, line))
        sys.stderr.flush()
    except OSError:
        return

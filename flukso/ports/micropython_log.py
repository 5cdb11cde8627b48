# SPDX-License-Identifier: GPL-3.0-or-later
"""MicroPython's log: stderr, or the system log once that is asked for."""

import posix
import socket
import sys
import time

from flukso.ports.micropython_streams import unix_address

_system_log = []  # filled by log_to_syslog


def log_to_syslog():
    """Send the log to the system log from now on; to stderr where there is none."""
    from flukso.httpdate import utc
    from flukso.ports import syslog

    _system_log.append(
        syslog.Syslog(_connect_log, lambda: utc(int(time.time())), "flukso", posix.getpid())
    )


def _connect_log():
    from flukso.ports import syslog

    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(unix_address(syslog.PATH))
    except OSError:
        sock.close()
        raise
    return sock


def log(level: str, text: str):
    """Write one line of the log; never fails."""
    line = "".join([char if char >= " " else "?" for char in text])
    if _system_log and _system_log[0].write(level, line):
        return
    try:
        sys.stderr.write("flukso: {}: {}\n".format(level, line))
    except OSError:
        return

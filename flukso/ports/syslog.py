# SPDX-License-Identifier: GPL-3.0-or-later
"""The system log, reached by datagrams in the form of syslog(3), so that each line keeps its level.
Nothing here waits.
"""

from flukso.httpdate import MONTHS

PATH = "/dev/log"
DAEMON = 3 << 3  # the facility
LEVELS = {"debug": 7, "info": 6, "notice": 5, "warning": 4, "err": 3, "crit": 2}
LINE_MAX = 900  # bytes of a line's text: OpenWrt's logd keeps 1,023 of a datagram
EAGAIN = 11  # on every Linux


def datagram(level: str, name: str, pid: int, when, text: str) -> bytes:
    """Return a line as the log takes it; when: (year, month, day, hour, minute, second, …).

    The time is the log's own affair, but logd leaves out 16 bytes wherever the sixteenth is a
    space, so they must be there.
    """
    month = MONTHS[3 * when[1] - 3 : 3 * when[1]]
    head = "<{}>{} {:2d} {:02d}:{:02d}:{:02d} {}[{}]: ".format(
        DAEMON | LEVELS[level], month, when[2], when[3], when[4], when[5], name, pid
    )
    return head.encode() + text.encode()[:LINE_MAX]


class Syslog:
    """A way to the system log. What it cannot take at once is dropped, counted, and said before the
    next line that it takes.
    """

    def __init__(self, connect, now, name: str, pid: int):
        """connect() -> a connected datagram socket that does not block, or OSError; now() -> a time
        as datagram() wants it.
        """
        self._connect = connect
        self._now = now
        self._name = name
        self._pid = pid
        self._socket = None
        self._dropped = 0

    def write(self, level: str, text: str) -> bool:
        """Hand over a line. Returns False when there is no system log: the caller has the line
        still.
        """
        if self._dropped:
            lost = "the system log was full: {} lines before this one were dropped".format(
                self._dropped
            )
            if self._send("warning", lost) == "sent":
                self._dropped = 0
        state = self._send(level, text)
        if state == "full":
            self._dropped += 1
        return state != "none"

    def _send(self, level, text):
        """Return sent, full or none. A log that was started anew is found again."""
        line = datagram(level, self._name, self._pid, self._now(), text)
        for _ in range(2):
            try:
                sock = self._socket or self._connect()
                self._socket = sock
                sock.send(line)
                return "sent"
            except OSError as error:
                if error.errno == EAGAIN:
                    return "full"
                self.close()
        return "none"

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

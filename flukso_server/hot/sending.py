# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches whether a client takes what is sent to it."""

import socket
import struct

from flukso_server.hot import limits

# tcpi_unacked, tcpi_bytes_acked and tcpi_notsent_bytes of <linux/tcp.h>
_TCP_INFO = struct.Struct("24xI92xQ16xI")


class SendWatch:
    """Remembers how much a client had taken at the last look, and when that last grew."""

    def __init__(self, now: float):
        self._moved_at = now  # when the client last took something, or had nothing to take
        self._taken = 0  # bytes, at the last look
        self._closing_since: float | None = None

    def nothing_waits(self, now: float) -> None:
        """Note, without asking the kernel, that the client has nothing to take."""
        self._moved_at = now

    def is_stuck(self, transport, now: float) -> bool:
        """Return True if nothing has gone out for UNSENT_S, or a close has waited for CLOSE_S."""
        waiting, taken = _progress(transport)
        if not waiting or taken != self._taken:
            self._moved_at = now
        self._taken = taken
        if self._closing_since is None and transport.is_closing():
            self._closing_since = now
        late = self._closing_since is not None and self._closing_since < now - limits.CLOSE_S
        return late or self._moved_at < now - limits.UNSENT_S


def _progress(transport) -> tuple[bool, int]:
    """Return whether bytes are on their way to the client, and how many it has acknowledged.

    The kernel knows: the transport's own buffer does not tell what TLS has passed on.
    """
    connection = transport.get_extra_info("socket")
    try:
        unacknowledged, taken, unsent = _TCP_INFO.unpack(
            connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        )
    except (OSError, ValueError, AttributeError, struct.error):
        return False, 0  # it is closed, which uvloop reports by a ValueError
    return bool(unacknowledged or unsent), taken

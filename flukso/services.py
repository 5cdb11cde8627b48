# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemon offers on its own machine: LAN API, mDNS, the board's UART on a socket, the
historic delta pipe.
"""

from flukso import discovery
from flukso.messages import trouble

RETRY_S = 60  # a port or path that was taken is tried again


class Services:
    """Starts what the settings ask for, and again what could not be started. None of them can stop
    the daemon.
    """

    def __init__(self, daemon):
        self._daemon = daemon
        self._running = {}  # name: (what it was started with, object with close())
        self._said = {}  # name: the trouble that was logged
        self._retry_at = None
        self.lan = None
        self.pipe = None  # the historic delta pipe, when it is offered
        self.uart = False  # whether the board's UART is wanted on a socket

    async def start(self, mono: float):
        """Bring what runs in line with the settings; called again after a reload and when due()."""
        settings = self._daemon.settings
        self.uart = bool(settings.uart_socket)
        found = discovery.service(settings)
        await self._bring("LAN API", settings.lan and (settings.lan_port,), self._start_lan)
        announced = self.lan is not None and (found.name, found.port, tuple(found.txt))
        await self._bring("mDNS", announced, lambda: self._daemon.port.announce(found))
        await self._bring("UART socket", settings.uart_socket, self._start_uart)
        await self._bring("delta pipe", settings.delta_pipe, self._start_pipe)
        self._retry_at = mono + RETRY_S

    def due(self, mono: float) -> bool:
        """Say whether start() should be called again."""
        return self._retry_at is not None and mono >= self._retry_at

    async def _bring(self, name, wanted, start):
        """Start, restart or stop one service; wanted is false, or what it is started with."""
        before = self._running.get(name)
        if before is not None and before[0] == wanted:
            return
        if before is not None:
            await self._stop(name)
        if not wanted:
            return
        try:
            self._running[name] = (wanted, await start())
            self._said.pop(name, None)
        except (OSError, ImportError, AttributeError, ValueError) as error:
            text = "{} cannot be offered: {}".format(name, trouble(error))
            if self._said.get(name) != text:
                self._daemon.log("warning", text)
            self._said[name] = text

    async def _start_lan(self):
        from flukso.lan import Lan

        lan = Lan(self._daemon)
        self.lan = self._daemon.lan = lan
        try:
            await lan.start(self._daemon.settings.lan_port)
        except OSError:
            self.lan = None
            raise
        return lan

    async def _start_uart(self):
        return await self._daemon.port.serve_unix(
            self._daemon.settings.uart_socket, self._daemon.rs485.serve
        )

    async def _start_pipe(self):
        self.pipe = self._daemon.port.open_pipe(self._daemon.settings.delta_pipe)
        return self.pipe

    async def _stop(self, name):
        service = self._running.pop(name)[1]
        if name == "LAN API":
            self.lan = None
        elif name == "delta pipe":
            self.pipe = None
        ended = service.close()
        if ended is not None:
            await ended

    async def close(self):
        await self._daemon.rs485.close()
        for name in ("mDNS", "LAN API", "UART socket", "delta pipe"):
            if name in self._running:
                await self._stop(name)


def delta_line(ts: int, deltas: tuple) -> bytes:
    """Return the historic line (docs/design/protocols.md §6): unix s, then index from 0, counter
    and extra of each sensor.
    """
    words = [str(ts)]
    for delta in deltas:
        if delta.counter is not None and delta.extra is not None:
            words += [str(delta.sensor), str(delta.counter), str(delta.extra)]
    return (" ".join(words) + "\n").encode()

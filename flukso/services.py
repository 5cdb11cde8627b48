# SPDX-License-Identifier: GPL-3.0-or-later
"""Offers things on the daemon's own machine; each is a Service.

The LAN API, mDNS, the board's UART on a socket, the historic delta pipe.
"""

from flukso import discovery
from flukso.messages import trouble

RETRY_S = 60  # a port or path that was taken is tried again


class Service:
    """One thing that is offered. A subclass knows if it is wanted, starts it and closes it."""

    name = ""  # in the log

    def __init__(self, daemon):
        self._daemon = daemon
        self._failure = ""  # that was logged last
        self.running = None  # what it was started with, None while it is not

    def wanted(self, settings):
        """Return what it is to be started with, anything false when it is not wanted."""
        raise NotImplementedError

    async def start(self, settings) -> None:
        """Begin. Raises OSError, ImportError, AttributeError or ValueError when it cannot."""
        raise NotImplementedError

    async def close(self) -> None:
        """End what start() began."""
        raise NotImplementedError

    async def follow(self, settings) -> None:
        """Start, start anew or close it, as the settings want; a failure is logged once."""
        wanted = self.wanted(settings) or None
        if wanted == self.running:
            return
        await self.end()
        if wanted is None:
            return
        try:
            await self.start(settings)
        except (OSError, ImportError, AttributeError, ValueError) as error:
            text = "{} cannot be offered: {}".format(self.name, trouble(error))
            if text != self._failure:
                self._daemon.log("warning", text)
            self._failure = text
        else:
            self.running = wanted
            self._failure = ""

    async def end(self) -> None:
        """Close it if it runs."""
        if self.running is not None:
            self.running = None
            await self.close()


class LanApi(Service):
    """The LAN API, which the daemon knows as `lan`."""

    name = "LAN API"

    def wanted(self, settings):
        return settings.lan and (settings.lan_port,)

    async def start(self, settings):
        from flukso.lan import Lan

        self._daemon.lan = Lan(self._daemon)
        await self._daemon.lan.start(settings.lan_port)

    async def close(self):
        await self._daemon.lan.close()


class Mdns(Service):
    """The announcement of the LAN API, while that runs."""

    name = "mDNS"

    def __init__(self, daemon, lan_api):
        super().__init__(daemon)
        self._lan_api = lan_api

    def wanted(self, settings):
        if self._lan_api.running is None:
            return None
        service = discovery.service(settings)
        return service.name, service.port, tuple(service.txt)

    async def start(self, settings):
        self._announcement = await self._daemon.port.announce(discovery.service(settings))

    async def close(self):
        await self._announcement.close()


class UartSocket(Service):
    """The board's UART on a Unix socket."""

    name = "UART socket"

    def wanted(self, settings):
        return settings.uart_socket

    async def start(self, settings):
        port, rs485 = self._daemon.port, self._daemon.rs485
        self._server = await port.serve_unix(settings.uart_socket, rs485.serve)

    async def close(self):
        self._server.close()


class DeltaPipe(Service):
    """A named pipe for the historic lines."""

    name = "delta pipe"

    def wanted(self, settings):
        return settings.delta_pipe

    async def start(self, settings):
        self._pipe = self._daemon.port.open_pipe(settings.delta_pipe)

    async def close(self):
        self._pipe.close()

    def write(self, ts: int, deltas: tuple) -> None:
        """Write a poll's deltas, if there are any; nobody has to read them. Only while it runs."""
        if deltas:
            self._pipe.write(delta_line(ts, deltas))


class Services:
    """All services of a Daemon. None of them can stop it."""

    def __init__(self, daemon):
        lan_api = LanApi(daemon)
        self.delta_pipe = DeltaPipe(daemon)
        self._all = (lan_api, Mdns(daemon, lan_api), UartSocket(daemon), self.delta_pipe)
        self._retry_at = None

    async def follow(self, settings, mono: float) -> None:
        """Bring what runs in line with the settings; called again after a reload and when due()."""
        for service in self._all:
            await service.follow(settings)
        self._retry_at = mono + RETRY_S

    def due(self, mono: float) -> bool:
        """Return whether what could not be started should be tried again."""
        return self._retry_at is not None and mono >= self._retry_at

    async def close(self) -> None:
        for service in reversed(self._all):
            await service.end()


def delta_line(ts: int, deltas: tuple) -> bytes:
    """Return the historic line (docs/design/protocols.md §6): unix s, then index from 0, counter
    and extra of each sensor.
    """
    words = [str(ts)]
    for delta in deltas:
        if delta.counter is not None and delta.extra is not None:
            words += [str(delta.sensor), str(delta.counter), str(delta.extra)]
    return (" ".join(words) + "\n").encode()

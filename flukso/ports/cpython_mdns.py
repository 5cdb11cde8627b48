# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython's mDNS: announces the LAN API with zeroconf."""

import asyncio
import socket

from zeroconf import NonUniqueNameException, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

CLOSE_S = 3.0  # saying goodbye must not hold up the end


class Announcement:
    """The announced service; close() is a coroutine and takes it back."""

    def __init__(self, zeroconf, info):
        self._zeroconf = zeroconf
        self._info = info

    async def close(self):
        try:
            await asyncio.wait_for(self._goodbye(), CLOSE_S)
        except (OSError, asyncio.TimeoutError):
            pass

    async def _goodbye(self):
        await (await self._zeroconf.async_unregister_service(self._info))
        await self._zeroconf.async_close()


def service_info(service) -> ServiceInfo:
    """Return a discovery.Service as zeroconf's record, with every address of this machine."""
    kind = service.type + ".local."
    return ServiceInfo(
        kind,
        "{}.{}".format(service.name, kind),
        port=service.port,
        properties=dict(service.txt),
        server=service.host + ".local.",
        addresses=addresses(),
    )


def addresses() -> list[bytes]:
    """Return the IPv4 addresses of this machine, loopback only when there is no other."""
    import ifaddr

    own = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    outside = [ip for ip in own if not ip.startswith("127.")]
    return [socket.inet_aton(ip) for ip in outside or own]


async def announce(service) -> Announcement:
    """Announce a discovery.Service until it is closed. Raises OSError where there is no network for
    it.
    """
    zeroconf = AsyncZeroconf()
    info = service_info(service)
    try:
        await zeroconf.async_register_service(info, allow_name_change=True)
    except (OSError, NonUniqueNameException) as error:
        await zeroconf.async_close()
        raise OSError("mDNS: {}".format(error or "the name is taken")) from None
    return Announcement(zeroconf, info)

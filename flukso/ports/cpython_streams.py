# SPDX-License-Identifier: GPL-3.0-or-later
"""CPython's byte streams to sockets."""

import asyncio


def connector(url: str):
    """Return a coroutine function that connects to unix:PATH or tcp:HOST:PORT and gives (reader,
    writer); ValueError for other URLs.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "unix" and rest:
        return lambda: asyncio.open_unix_connection(rest)
    host, _, port = rest.rpartition(":")
    if scheme != "tcp" or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("{} is neither unix:PATH nor tcp:HOST:PORT".format(url))
    return lambda: asyncio.open_connection(host, int(port))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Listens on a TCP port for both interpreters: on IPv6 and IPv4 where the machine has both, else on
what it has.
"""

import asyncio
import socket
import sys

IPPROTO_IPV6, IPV6_V6ONLY = 41, 26  # on every Linux; MicroPython does not name them
ANY = (("::", socket.AF_INET6), ("0.0.0.0", socket.AF_INET))  # the first takes IPv4 clients too


async def serve_tcp(port: int, handler, backlog: int):
    """Return a listening asyncio server; handler(reader, writer) is a coroutine function. Raises
    OSError when the port is taken.
    """
    sock = _bound(port)
    if sys.implementation.name != "micropython":
        return await asyncio.start_server(handler, sock=sock, backlog=backlog)
    from asyncio.stream import Server  # type: ignore[import-not-found]  # its start_server() knows no IPv6

    sock.listen(backlog)
    sock.setblocking(False)
    server = Server()
    server.task = asyncio.create_task(server._serve(sock, handler, None))
    await asyncio.sleep(0)  # _serve() must have begun before close()
    return server


def _bound(port):
    """Return a socket that holds the port at every address of this machine."""
    error = OSError("no network")
    for host, family in ANY:
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as failed:  # a kernel without IPv6
            error = failed
            continue
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0)
            sock.bind(socket.getaddrinfo(host, port)[0][-1])
            return sock
        except OSError as failed:
            error = failed
            sock.close()
    raise error

# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a LAN API that is served in the test's process."""

import asyncio

from flukso.lan import Lan
from tests.daemon.lan_house import House


def serve(client, house=None, server=None):
    """Run a client coroutine against a LAN API on a free port; it gets the port."""

    async def run():
        home = house or House()
        home.lan = server or Lan(home)
        inner = home.lan._server if server is None else server
        await home.lan.start(0) if server is None else await server.start(0)
        port = inner._server.sockets[0].getsockname()[1]
        try:
            return await asyncio.wait_for(client(port), 20)
        finally:
            await home.lan.close()

    return asyncio.run(run())


async def read_answer(reader):
    """Return (status, headers, body) of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {
        line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head[1:] if line
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(head[0].split(" ")[1]), headers, body


async def ask(port, *requests):
    """Send raw requests over one connection; returns the answers until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    try:
        for request in requests:
            writer.write(request)
            answers.append(await read_answer(reader))
    finally:
        writer.close()
    return answers


def raw(target, method="GET", version="1.1", *more):
    return "\r\n".join(
        ["{} {} HTTP/{}".format(method, target, version), "Host: localhost", *more, "", ""]
    ).encode()


def get(target, *more, house=None, method="GET"):
    return serve(lambda port: ask(port, raw(target, method, "1.1", *more)), house)[0]

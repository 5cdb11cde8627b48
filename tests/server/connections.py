# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections of the hot path's protocol without a network: a client and an application that do
what a test says.
"""

import asyncio
import json
import sys

import uvicorn
from uvicorn.server import ServerState

from flukso_server.hot.http_connection import DeviceProtocol


class Transport(asyncio.Transport):
    """What was written, and a client that takes as much of it as the test says."""

    def __init__(self):
        super().__init__()
        self.out, self.taken, self.unsent, self.closing, self.aborted, self.reading = (
            b"",
            0,
            0,
            False,
            False,
            True,
        )

    def write(self, data):
        self.out += data

    def getsockopt(self, level, name, size):
        """TCP_INFO, as <linux/tcp.h> has it; the transport is its own socket."""
        if self.aborted:
            raise ValueError("negative file descriptor")  # as uvloop's
        info = bytearray(size)
        info[120:128] = self.taken.to_bytes(8, sys.byteorder)
        info[144:148] = self.unsent.to_bytes(4, sys.byteorder)
        return bytes(info)

    def close(self):
        self.closing = True

    def abort(self):
        self.closing = self.aborted = True

    def is_closing(self):
        return self.closing

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def get_extra_info(self, name, default=None):
        return self if name == "socket" else default

    def getsockname(self):
        return ("127.0.0.1", 80)

    def getpeername(self):
        return ("127.0.0.1", 12345)

    def answers(self) -> list[tuple[int, dict]]:
        """(status, body) of each answer; names and lengths are as historic daemons read them."""
        found, rest = [], self.out
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            first, *lines = head.split(b"\r\n")
            length = int(dict(line.split(b": ", 1) for line in lines)[b"Content-Length"])
            found.append((int(first.split()[1]), json.loads(rest[:length] or b"{}")))
            rest = rest[length:]
        return found


class App:
    """Reads each request's body, then waits until it may answer."""

    def __init__(self):
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.told_gone = 0

    async def __call__(self, scope, receive, send):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.told_gone += 1
                return
            if not message.get("more_body"):
                break
        await self.may_answer.wait()
        if scope["path"] == "/stream":
            assert (await receive())["type"] == "http.disconnect"
            self.told_gone += 1
            return
        await self.answer(send)

    async def answer(self, send):
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", b"0")]}
        )
        await send({"type": "http.response.body", "body": b""})


class Quick(App):
    """Takes every small upload at once, and leaves it to the test to answer."""

    def store_upload(self, connection, post):
        return True


def played(play, app_class=App):
    """Run play(connect, app) in an event loop; connect() gives (protocol, transport)."""

    async def run():
        app = app_class()
        config = uvicorn.Config(
            app, http=DeviceProtocol, lifespan="off", log_config=None, ws="none"
        )
        config.load()
        config.loaded_app = app  # without uvicorn's wrappers, which have no `store_upload`
        state = ServerState()

        def connect():
            transport = Transport()
            protocol = DeviceProtocol(config, server_state=state, app_state={})
            protocol.connection_made(transport)
            return protocol, transport

        await play(connect, app)
        DeviceProtocol.sweeper.stop()

    asyncio.run(run())


async def turn():
    for _ in range(5):
        await asyncio.sleep(0)


def later(protocol, seconds: float) -> None:
    protocol.age(protocol.loop.time() + seconds)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the daemon that runs on this machine what it shows the LAN (docs/guide/lan.md)."""

import asyncio
import json

from flukso import http

LIMIT_S = 5.0
CHUNK = 4096


class StatusError(OSError):
    """Somebody listens there, and does not tell; its text is a sentence."""

    def __str__(self):
        return str(self.args[0])


async def fetch(port, lan_port: int, target: str = "/status"):
    """Return the JSON document behind this target, None when nobody listens on this port. Raises
    StatusError.
    """
    try:
        streams = await asyncio.wait_for(
            port.connector("tcp:127.0.0.1:{}".format(lan_port))(), LIMIT_S
        )
    except (OSError, asyncio.TimeoutError):
        return None
    try:
        return await asyncio.wait_for(_ask(streams, lan_port, target), LIMIT_S)
    except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
        raise StatusError(
            "what listens on port {} is no daemon that tells: {}".format(
                lan_port, str(error) or "no answer in time"
            )
        )
    finally:
        streams[1].close()


async def _ask(streams, lan_port, target):
    reader, writer = streams
    writer.write(
        http.encode_request(
            "GET", "127.0.0.1:{}".format(lan_port), target, {"Connection": "close"}, b""
        )
    )
    await writer.drain()
    answer = await http.AnswerReader(lambda: reader.read(CHUNK)).answer()
    if answer.status != 200:
        raise StatusError("it answers {}".format(answer.status))
    return json.loads(answer.body.decode())

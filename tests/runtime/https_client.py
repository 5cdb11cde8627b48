# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on MicroPython: asks an HTTPS server as the daemon does, by JSON lines on standard input;
one JSON line each as answer.

python: https_client.py URL CA KEY; the first line says what is wrong with the CA file.
{"timeout_s": 5}    the Answer, or kind and text of the HttpsError, and how many turns the event
                    loop had meanwhile
{"do": "fds"}       how many descriptors are open, and bytes of heap in use
{"do": "close"}
"""

import asyncio
import gc
import json
import os
import sys

from flukso.digest import x_digest
from flukso.https import HttpsError
from flukso.ports import load

port = load()
SENSOR = "a" * 32
TICK_MS = 10


async def watch(turns):
    while True:
        await asyncio.sleep_ms(TICK_MS)
        turns[0] += 1


async def post(https, command, key):
    path = command.get("path", "/sensor/" + SENSOR)
    body = command["body"].encode()
    digest = x_digest(key, body)
    headers = {
        "Content-Type": "application/json",
        "X-Version": "1.0",
        "User-Agent": "Fluksometer v210",
        "X-Digest": digest,
    }
    turns = [0]
    watcher = asyncio.create_task(watch(turns))
    try:
        answer = await https.request("POST", path, headers, body, command["timeout_s"])
        said = {"status": answer.status, "headers": answer.headers, "body": answer.body.decode()}
    except HttpsError as error:
        said = {"kind": error.kind, "text": str(error), "dates": error.dates}
    watcher.cancel()
    said["turns"] = turns[0]
    return said


async def main():
    https = port.open_https(sys.argv[1], sys.argv[2], port.system_clock())
    print(json.dumps({"warning": https.warning}))
    for line in sys.stdin:
        command = json.loads(line)
        said = {}
        if command.get("do") == "fds":
            gc.collect()
            said = {"fds": len(os.listdir("/proc/self/fd")), "heap": gc.mem_alloc()}
        elif command.get("do") == "close":
            https.close()
        else:
            said = await post(https, command, sys.argv[3])
        print(json.dumps(said))


asyncio.run(main())

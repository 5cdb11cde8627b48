# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS clients of both interpreters that a test commands."""

import asyncio
import json
import subprocess
from pathlib import Path

from flukso.digest import x_digest
from flukso.https import HttpsError
from flukso.ports.cpython_https import open_https
from tools.harness.interpreters import environment

DEVICE, KEY, SENSOR = "d" * 32, "0" * 32, "a" * 32
BODY = b'{"measurements":[[1700000000,1]]}'
CLIENT = Path(__file__).with_name("https_client.py")


class RealClock:
    def real(self, seconds):
        return seconds


class Here:
    """What Client is, on CPython, in this process."""

    def __init__(self, url, ca):
        self._loop = asyncio.new_event_loop()
        self._https = open_https(url, str(ca), RealClock())

        self.warning = self._https.warning

    def post(self, timeout_s=8.0, body=BODY):
        return self._loop.run_until_complete(self._watched(timeout_s, body))

    async def _watched(self, timeout_s, body):
        request = asyncio.ensure_future(self._said(timeout_s, body))
        turns = 0
        while not request.done():
            await asyncio.sleep(0.01)
            turns += 1
        return {**request.result(), "turns": turns}

    async def _said(self, timeout_s, body):
        headers = {
            "Content-Type": "application/json",
            "X-Version": "1.0",
            "User-Agent": "Fluksometer v210",
            "X-Digest": x_digest(KEY, body),
        }
        try:
            answer = await self._https.request(
                "POST", "/sensor/" + SENSOR, headers, body, timeout_s
            )
        except HttpsError as error:
            return {"kind": error.kind, "text": str(error), "dates": error.dates}
        return {"status": answer.status, "headers": answer.headers, "body": answer.body.decode()}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._https.close()
        self._loop.close()


class Client:
    """A MicroPython process with one connection object."""

    def __init__(self, runtime, url, ca):
        self._process = subprocess.Popen(
            [*runtime, str(CLIENT), url, str(ca), KEY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        first = self._process.stdout.readline()
        assert first, self._process.stderr.read()
        self.warning = json.loads(first)["warning"]

    def ask(self, **command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read()
        return json.loads(line)

    def post(self, timeout_s=8.0, body=BODY):
        return self.ask(timeout_s=timeout_s, body=body.decode())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.stdout.close()
            self._process.stderr.close()

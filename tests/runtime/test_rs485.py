# SPDX-License-Identifier: GPL-3.0-or-later
"""The board's UART on a Unix socket, on both interpreters: who reads gets everything, who does not
is cut, and polls wait for nobody.
"""

import socket
import subprocess
import sys

import pytest

from tools.harness import ROOT
from tools.harness.interpreters import environment

pytestmark = pytest.mark.timeout(120)
PIECES = 2000  # of 200 bytes: far more than the system holds for a client
PROGRAM = """
import asyncio, sys
from flukso import ports
from flukso.rs485 import TO_CLIENT_MAX, Rs485

async def main():
    port = ports.load()
    rs485 = Rs485(lambda level, text: print(text))
    server = await port.serve_unix(sys.argv[1], rs485.serve)
    print("ready")
    while rs485.next_bytes(24) != b"go":
        await asyncio.sleep(0.01)
    reader = rs485._clients[-1]  # it reads as fast as the machine lets it
    for n in range(int(sys.argv[2])):
        rs485.hand_out(b"%200d" % n)  # were it to wait for who does not read, nothing would go on
        await asyncio.sleep(0.001)
        while len(reader.waiting) > TO_CLIENT_MAX // 2:
            await asyncio.sleep(0.001)
    while rs485.next_bytes(24) != b"all":
        await asyncio.sleep(0.01)
    print("all given")
    await rs485.close()
    server.close()

asyncio.run(main())
"""


@pytest.fixture(params=["cpython", "micropython"])
def command(request):
    return [sys.executable] if request.param == "cpython" else request.getfixturevalue("runtime")


def read(client, length):
    data = b""
    while len(data) < length and (part := client.recv(65536)):
        data += part
    return data


def test_a_client_that_does_not_read_is_cut_and_the_other_gets_everything(command, tmp_path):
    script, path = tmp_path / "s.py", str(tmp_path / "sock")
    script.write_text(PROGRAM)
    env = environment(PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1")  # MicroPython always is
    process = subprocess.Popen(
        [*command, script, path, str(PIECES)], stdout=subprocess.PIPE, text=True, env=env
    )
    try:
        assert process.stdout.readline() == "ready\n"
        with socket.socket(socket.AF_UNIX) as deaf, socket.socket(socket.AF_UNIX) as client:
            deaf.connect(path)
            client.connect(path)
            client.settimeout(30)
            client.sendall(b"go")
            assert read(client, 200 * PIECES) == b"".join(b"%200d" % n for n in range(PIECES))
            client.sendall(b"all")
            assert (
                process.stdout.read()
                == "a client of the board's UART does not read: it is cut\nall given\n"
            )
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.stdout.close()

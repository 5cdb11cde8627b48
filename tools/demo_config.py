# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo's household consists of: ids, the daemon's configuration, the check that a foreign
CA is refused.
"""

import asyncio
import json
import pathlib
import socket
import urllib.request
from typing import Any

# in the style of the examples of docs/design/protocols.md
DEVICE = "0123456789abcdef0123456789abcdef"
KEY = "fedcba9876543210fedcba9876543210"
FUNCTIONS = ("household", "heat pump", "car")
CLAMPS = 3
PROBE_TIMEOUT_S = 10


def sensor_id(number: int) -> str:
    """The id of the sensor behind clamp number 0 … 2."""
    return "0123456789abcdef0123456789abcde{}".format(number)


def sensors(traced: pathlib.Path) -> int:
    """How many clamps a trace drives: its watt columns. ValueError for a file without any."""
    with open(traced) as rows:
        columns = rows.readline().count(",")
    if not 1 <= columns <= CLAMPS:
        raise SystemExit("demo: {}: expected ts,watt with one to three watt columns".format(traced))
    return columns


def free_port(wanted: int) -> int:
    """The wanted TCP port when nobody has it, else any."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise OSError("no free port")


def text(count: int, url: str, cacert: pathlib.Path, lan_port: int, folder: pathlib.Path) -> str:
    """The configuration file, with the sections of docs/design/protocols.md §7."""
    lines = [
        "config system\n\toption device {}\n\toption key {}\n".format(DEVICE, KEY),
        "config settings main\n\toption hw_major 2\n\toption hw_minor 1\n\toption max_sensors "
        "6\n\toption max_analog_sensors 3\n",
        "config settings daemon\n\toption enable_wan_branch 1\n\toption enable_lan_branch "
        "1\n\toption wan_base_url {}\n"
        "\toption cacert {}\n\toption lan_port {}\n\toption state_dir {}\n".format(
            url, cacert, lan_port, folder
        ),
    ]
    for number in range(count):
        lines.append(
            "config sensor {n}\n\toption id {id}\n\toption type electricity\n\toption class "
            "analog\n\toption voltage 230\n"
            "\toption current 50\n\toption function '{f}'\n\tlist port {n}\n\toption enable "
            "1\n".format(n=number + 1, id=sensor_id(number), f=FUNCTIONS[number])
        )
    return "\n".join(lines)


def knows_time(lan_port: int) -> bool:
    """True when the daemon says on the LAN that somebody has confirmed its clock."""
    try:
        with urllib.request.urlopen(
            "http://127.0.0.1:{}/status".format(lan_port), timeout=PROBE_TIMEOUT_S
        ) as answer:
            return bool(json.load(answer)["clock"]["believed"])
    except OSError:
        return False


def refuses(ports: Any, foreign: Any, cacert: pathlib.Path) -> bool:
    """True when the HTTPS client of `ports`, trusting cacert alone, refuses that server's
    certificate and sends it nothing.
    """

    async def probe() -> bool:
        client = ports.open_https(foreign.url, str(cacert), ports.system_clock())
        try:
            await client.request("GET", "/", {}, b"", PROBE_TIMEOUT_S)
        except OSError as error:
            return getattr(error, "kind", "") == "refused-certificate" and not foreign.requests
        finally:
            client.close()
        return False

    return asyncio.run(probe())

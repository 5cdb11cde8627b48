# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake server as a program: one JSON command a line on standard input, one JSON answer a line.

    {"do": "held"}                              {"held": {sensor: [[ts, counter], …]}}
    {"do": "status"}                            requests, handshakes, refused_handshakes, conflicts,
                                                repeated, violations…
    {"do": "misbehave", "name": "status", …}    {}; members are the arguments of Server.misbehave
    {"do": "behave"} {"do": "up"} {"do": "down"} {"do": "certificate", "pem": FILE}
    {"do": "quit"}, or the end of the input

The first line says where it listens: {"url": …, "port": …}.
"""

import argparse

from tools.fakes.server import Server
from tools.harness.json_lines import answer_commands


def status(server: Server) -> dict:
    store = server.store
    return {
        "requests": len(server.requests),
        "connections": server.connections,
        "handshakes": server.handshakes,
        "refused_handshakes": server.refused_handshakes,
        "heartbeats": len(store.heartbeats),
        "conflicts": store.conflicts,
        "repeated": store.repeated,
        "refused_old": store.refused_old,
        "violations": store.violations,
        "tuples": {sensor: len(tuples) for sensor, tuples in store.held.items()},
    }


def obey(server: Server, command: dict) -> dict:
    """The answer to one command; ValueError for an unknown one."""
    what = command.pop("do", None)
    if what == "held":
        return {"held": {sensor: server.held(sensor) for sensor in sorted(server.store.held)}}
    if what == "status":
        return status(server)
    if what == "misbehave":
        server.misbehave(**command)
    elif what == "certificate":
        server.use_certificate(command["pem"])
    elif what in ("behave", "up", "down"):
        getattr(server, what)()
    else:
        raise ValueError("unknown command {!r}".format(what))
    return {}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pem", required=True, help="certificate and key, see tools.harness.ca")
    parser.add_argument("--device", action="append", default=[], metavar="ID:KEY")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--historic", action="store_true", help="refuse old tuples as the historic server did"
    )
    args = parser.parse_args()
    devices = dict(item.split(":", 1) for item in args.device)
    with Server(args.pem, devices, historic=args.historic, port=args.port) as server:
        answer_commands(
            {"url": server.url, "port": server.port},
            lambda command: obey(server, command),
            (ValueError, TypeError, KeyError, AttributeError, OSError),
        )
    return 0

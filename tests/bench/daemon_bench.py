# SPDX-License-Identifier: GPL-3.0-or-later
"""bench-daemon: CPU of one delta line of three readings with upload and LAN on, and the memory of the process."""

import socket
import tempfile
from pathlib import Path

from tests.bench import runtimes
from tests.fakes.ca import make
from tests.fakes.server import Server

FEW, MANY = 2_000, 22_000  # lines; the difference is free of start and stop


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def once(runtime: str, lines: int, server, certificates: Path) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        arguments = (server.url, certificates / "ca.crt", folder, free_port(), lines)
        figures = runtimes.measured(runtime, "daemon_lines.py", *arguments)
    if figures["failures"] or figures["acknowledged"] < lines // 60:
        raise SystemExit("the uploads went wrong: {}".format(figures))
    return figures


def run(runtime: str, quick: bool) -> dict:
    many = 6_000 if quick else MANY
    with tempfile.TemporaryDirectory() as folder:
        certificates = make(Path(folder) / "pki")
        with Server(certificates / "good.pem", {"d" * 32: "d" * 32}) as server:
            first = once(runtime, FEW, server, certificates)
            second = once(runtime, many, server, certificates)
    us = (second["cpu_s"] - first["cpu_s"]) * 1e6 / (many - FEW)
    return {
        "runtime": runtime,
        "us_per_line": round(us, 1),
        "rss_kb": second["rss_kb"],
        "rss_anon_kb": second["rss_anon_kb"],
        "lines": many,
        "tuples_uploaded": second["acknowledged"],
    }

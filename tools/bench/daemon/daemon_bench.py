# SPDX-License-Identifier: GPL-3.0-or-later
"""bench-daemon: CPU of one delta line of three readings with upload and LAN on, and the memory of
the process.
"""

import tempfile
from pathlib import Path

from tools.bench.daemon import runtimes
from tools.fakes.server import Server
from tools.harness.ca import make
from tools.harness.processes import free_port

LINES, QUICK = 40_000, 6_000


def once(runtime: str, lines: int, server, certificates: Path) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        arguments = (server.url, certificates / "ca.crt", folder, free_port(), lines)
        figures = runtimes.measured(runtime, "daemon_lines.py", *arguments)
    if figures["failures"] or figures["acknowledged"] < lines // 60:
        raise SystemExit("the uploads went wrong: {}".format(figures))
    return figures


def run(runtime: str, quick: bool) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        certificates = make(Path(folder) / "pki")
        with Server(certificates / "good.pem", {"d" * 32: "d" * 32}) as server:
            figures = once(runtime, QUICK if quick else LINES, server, certificates)
    shown = ("us_per_line", "rss_kb", "rss_anon_kb", "lines", "acknowledged")
    return {"runtime": runtime, **{name: figures[name] for name in shown}}

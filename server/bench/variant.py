# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m server.bench.variant rrd|plain run …`: the service on RRD files, or the plain Django
view, for comparison.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")


def main(which: str, arguments: list[str]) -> int:
    if which == "rrd":
        import series
        from bench.direct import RrdStore

        series.open_store = RrdStore  # type: ignore[assignment]
    else:
        from bench import plain
        from django.conf import settings
        from project import asgi

        settings.ROOT_URLCONF = "bench.plain"
        asgi.all = _with_life(plain.application)
    from server.__main__ import run

    return run(arguments)


def _with_life(application):
    """Django's own application knows no lifespan."""

    async def whole(scope, receive, send):
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[3:]))

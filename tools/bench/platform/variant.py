# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tools.bench.platform.variant rrd|plain run …`: the service on RRD files, or the plain
Django view, for comparison.
"""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flukso_server.project.settings")


def main(which: str, arguments: list[str]) -> int:
    if which == "rrd":
        from flukso_server import series
        from tools.bench.platform.direct import RrdStore

        series.open_store = RrdStore  # type: ignore[assignment]
    else:
        from django.conf import settings

        from flukso_server.project import asgi
        from tools.bench.platform import plain

        settings.ROOT_URLCONF = "tools.bench.platform.plain"
        asgi.all = _with_life(plain.application)
    from flukso_server.__main__ import run

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

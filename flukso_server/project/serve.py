# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one service under uvicorn."""

import json
import logging
import resource
import socket
import sys
from importlib import import_module

import django
import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from flukso_server.project import private
from flukso_server.project.belonging import check_series
from flukso_server.project.clock import is_own
from flukso_server.project.env import EnvError

BACKLOG = 2048  # connections that wait to be accepted, as when a street's power is back
# between threads: a page or a merge must not hold up an upload for Python's usual 5 ms
SWITCH_INTERVAL_S = 0.0005
STOP_S = 10  # that requests under way have when the service is stopped
OTHER_FILES = 200  # that are open beside connections: databases of all threads, RRD files, sockets

logger = logging.getLogger("flukso.serve")


def run(options) -> int:
    django.setup()
    if settings.TESTING and not is_own(options.host):
        raise EnvError("FLUKSO_TESTING: say --host 127.0.0.1; no service is run so")
    if options.migrate:
        call_command("migrate", verbosity=0, interactive=False)
    from flukso_server.hot import limits
    from flukso_server.hot.http_connection import DeviceProtocol
    from flukso_server.hot.shares import Shares

    private.tighten(settings.DATA_DIR, settings.SERIES_PATH, *_sqlite_files())
    check_schema()
    check_secret()
    check_series(options.new_series)
    allowed = allow_files(settings.CONNECTIONS_MAX + OTHER_FILES) - OTHER_FILES
    DeviceProtocol.shares = Shares(max(min(settings.CONNECTIONS_MAX, allowed), 1))
    DeviceProtocol.behind_proxy = settings.BEHIND_PROXY
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    config = uvicorn.Config(
        getattr(import_module("flukso_server.project.asgi"), options.service),
        http=DeviceProtocol,
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,  # ours has no query in it
        server_header=False,
        proxy_headers=False,  # Django reads the one that it needs (FLUKSO_BEHIND_PROXY)
        timeout_keep_alive=limits.KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        ssl_certfile=options.cert,
        ssl_keyfile=options.key if options.key else None,
    )
    with listen(options.host, options.port) as listener:
        scheme = "https" if options.cert else "http"
        port = listener.getsockname()[1]
        if settings.BASE_URL_WANTS_PORT and port != (443 if settings.HTTPS else 80):
            settings.BASE_URL += f":{port}"
            settings.CSRF_TRUSTED_ORIGINS = [settings.BASE_URL]
        print(
            json.dumps({"url": f"{scheme}://{_name(options.host)}:{port}/", "port": port}),
            flush=True,
        )
        server = uvicorn.Server(config)
        server.run(sockets=[listener])
    return 0 if server.started else 1


def _sqlite_files() -> list[str]:
    return [
        str(each["NAME"])
        for each in settings.DATABASES.values()
        if each["ENGINE"].endswith("sqlite3")
    ]


def check_schema() -> None:
    """Raise EnvError if the database is not that of this release."""
    try:
        executor = MigrationExecutor(connection)
        behind = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        return  # the service itself will say what is wrong with the database
    finally:
        connection.close()
    if behind:
        raise EnvError(
            "the database is not up to date: run `flukso-server migrate` first, or start with "
            "--migrate"
        )


def check_secret() -> None:
    """Raise EnvError if FLUKSO_DEVICE_KEY_SECRET opens no device's key.

    Every device would be refused.
    """
    from flukso_server.devices.resealing import opens_some
    from flukso_server.devices.seal import sealer

    try:
        fits = opens_some(sealer())
    except DatabaseError:
        return  # the service itself will say what is wrong with the database
    finally:
        connection.close()
    if not fits:
        raise EnvError(
            "FLUKSO_DEVICE_KEY_SECRET opens no device's key: is it that of another installation?"
        )


def allow_files(wanted: int) -> int:
    """Raise the soft limit of open files as far as possible, and return how many are allowed.

    Warns if they are fewer than wanted.
    """
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < wanted:
        logger.warning(
            "at most %d open files are allowed, too few for all connections: raise LimitNOFILE to "
            "%d",
            hard,
            wanted,
        )
        return hard
    return wanted


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _name(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "::1") else f"[{host}]" if ":" in host else host

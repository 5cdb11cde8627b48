# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `flukso-server run` serves the platform; other commands are Django's."""

import argparse
import importlib.util
import os
import sys


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    if importlib.util.find_spec("django") is None:
        print("flukso-server: Django is missing: pip install 'flukso[server]'", file=sys.stderr)
        return 2
    from flukso_server.project import private

    os.umask(private.UMASK)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flukso_server.project.settings")
    if argv[:1] == ["run"]:
        return run(argv[1:])
    if not argv or argv[0] in ("-h", "--help"):
        print(
            "usage: flukso-server run [--help]\n       flukso-server COMMAND…   as Django's "
            "manage.py; help lists them"
        )
        return 0
    return command(argv)


def command(argv: list[str]) -> int:
    from django.core.management import execute_from_command_line

    from flukso_server.project.env import EnvError

    try:
        execute_from_command_line(["flukso-server", *argv])
    except EnvError as error:
        print(f"flukso-server: {error}", file=sys.stderr)
        return 2
    return 0


def run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="flukso-server run", description="serves HTTP, or HTTPS with --cert"
    )
    parser.add_argument("--service", choices=("all", "ingest", "web"), default="all")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port", type=int, default=8000, help="0: any that is free; the first line says which"
    )
    parser.add_argument("--cert", help="certificate chain (PEM); it may hold the key as well")
    parser.add_argument("--key", help="private key (PEM)")
    parser.add_argument(
        "--migrate", action="store_true", help="bring the database up to date first"
    )
    parser.add_argument(
        "--new-series",
        action="store_true",
        help="take the series' file that is there, even an empty one, as that of the accounts",
    )
    options = parser.parse_args(argv)
    from flukso_server.project.env import EnvError

    try:
        from flukso_server.project import serve

        return serve.run(options)
    except EnvError as error:
        print(f"flukso-server: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # uvicorn has stopped in order and passes Ctrl-C on
        return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL server of Debian's in a new folder, for tests; it does not run as root."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tools.harness.processes import free_port

INSTALLED = Path("/usr/lib/postgresql")  # where Debian has its versions
CONNECTIONS_MAX = 400  # a service has up to 20


class Postgres:
    """Runs until closed. url: of a database that is there from the start."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="flukso-postgres-")
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        shutil.chown(self._folder, self._user)
        port = free_port()
        self.url = f"postgres://{self._user}@127.0.0.1:{port}/postgres"
        self._run("initdb", "-D", f"{self._folder}/data", "-A", "trust", "--no-sync")
        options = (
            f"-c listen_addresses=127.0.0.1 -p {port} -k {self._folder}"
            f" -c max_connections={CONNECTIONS_MAX} -c fsync=off"
        )
        self._control("-o", options, "-l", f"{self._folder}/log", "start")

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-w", *words)

    def _run(self, program: str, *words: str) -> None:
        as_user = ["runuser", "-u", self._user, "--"] if os.geteuid() == 0 else []
        versions = sorted(INSTALLED.glob("*/bin"))
        assert versions, "Debian's postgresql is needed: see tools/packages.apt"
        subprocess.run(
            [*as_user, versions[-1] / program, *words],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )

    def close(self) -> None:
        self._control("-m", "immediate", "stop")
        shutil.rmtree(self._folder)


def database_of(server: str, folder: Path) -> str:
    """The URL of the database that belongs to this folder on the server with that URL; it is made
    when it is missing.
    """
    name = "t" + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:24]
    with psycopg.connect(server, autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(f"CREATE DATABASE {name}")
    return server.rsplit("/", 1)[0] + "/" + name

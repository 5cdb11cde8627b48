# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole platform in a folder of its own, for the demo, tests and benches: the real services, as
processes, over TLS if wanted. They are apart from the terminal: its Ctrl-C is for who started them.

    with Platform(folder, pem, devices={id: key}, sensors={sensor: device}) as platform:
        platform.url, platform.held(sensor), platform.requests()

As a program:

    python -m tools.harness.testbed --folder F [--pem FILE] [--device ID:KEY[:SENSOR…]]…

The first line says where it listens as JSON. Then {"do": "held"}, {"do": "requests"} and {"do":
"quit"}, one a line on standard input, get one line of JSON each.
"""

import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tools.harness import ROOT, postgres
from tools.harness.json_lines import answer_commands

STOP_S = 30
EMPTY_DATABASE = "FLUKSO_TEST_EMPTY_DATABASE"  # file: a migrated database, made when missing
POSTGRES = "FLUKSO_TEST_POSTGRES"  # URL of a server: platforms have their accounts there
_LOGGED = re.compile(r"INFO flukso\.access: (\S+) (\S+) (\d+)")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The settings of an installation in this folder, with secrets of its own."""
    return (
        os.environ
        | {
            "FLUKSO_SECRET_KEY": secrets.token_hex(32),
            "FLUKSO_DEVICE_KEY_SECRET": secrets.token_hex(32),
            "FLUKSO_DATA_DIR": str(folder),
            "FLUKSO_ALLOWED_HOSTS": "localhost,127.0.0.1",
        }
        | more
    )


@contextlib.contextmanager
def at(instant: float) -> Iterator[None]:
    """While this lasts it is that time (unix s) and later, for this process and for every platform
    that it starts.
    """
    from flukso_server.project import clock

    shift = f"{instant - clock.machine_s():+f}"
    before = {name: os.environ.get(name) for name in (clock.NAME, "FLUKSO_TESTING")}
    os.environ |= {clock.NAME: shift, "FLUKSO_TESTING": "1"}
    end = clock.move(shift)
    try:
        yield
    finally:
        end()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def shift_s() -> float:
    """How far this process's clock is from the machine's."""
    from flukso_server.project import clock

    return time.time() - clock.machine_s()


def session_of(account) -> str:
    """The key of a new session in which the account is logged in; to be called where Django is set
    up.
    """
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = (
        str(account.pk),
        account.get_session_auth_hash(),
    )
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session.create()
    return str(session.session_key)


class Platform:
    """Runs until closed. devices: id -> key; sensors: id -> device id, when they are to be bound
    beforehand.

    service: None starts none: commands and calls are all that is wanted.
    """

    def __init__(
        self,
        folder,
        pem=None,
        devices=None,
        sensors=None,
        service="all",
        port=0,
        program=("-m", "flukso_server"),
        **settings,
    ):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "server.log"
        if POSTGRES in os.environ:
            database = postgres.database_of(os.environ[POSTGRES], self.folder)
            settings = {"FLUKSO_DATABASE_URL": database} | settings
        self.environment = environment(self.folder, **settings)
        self._arguments = ["--service", service] + (["--cert", str(pem)] if pem else [])
        self._port = port
        self._program = program
        self._process: subprocess.Popen | None = None
        self._store = None
        self._inside: subprocess.Popen | None = None
        self.url = ""
        self._migrate()
        if devices:
            self.provision(devices, sensors or {})
        try:
            if service is not None:
                self.start()
        except BaseException:
            self.close()
            raise

    def _migrate(self) -> None:
        """Make the accounts' database, or take a copy of one that was made before: migrations take
        longer than most tests.
        """
        made = self.folder / "accounts.db"
        empty = Path(os.environ[EMPTY_DATABASE]) if EMPTY_DATABASE in os.environ else None
        if made.exists() or "FLUKSO_DATABASE_URL" in self.environment or empty is None:
            self.command("migrate", "-v0")
        elif empty.exists():
            shutil.copy(empty, made)  # with its mode
        else:
            self.command("migrate", "-v0")
            own = empty.with_suffix(f".{os.getpid()}")
            shutil.copy(made, own)
            own.rename(empty)  # whole at once: other processes look for it

    def command(self, *words: str, text: str = "") -> str:
        """Run a management command; returns what it printed. RuntimeError with its complaint when
        it fails.
        """
        command = [sys.executable, "-m", "flukso_server", *words]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            process_group=0,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-2000:])
        return done.stdout

    def call(self, name: str, *arguments, **keywords):
        """Call a function where Django is set up and return what it returns, by way of JSON.

        name: of module and function, as `tests.server.inside.rows.count`. One process serves all
        calls, for starting Django takes longer than most of them. RuntimeError with the traceback
        if the function fails.
        """
        if self._inside is None:
            self._inside = _start_inside(self.environment)
        return _asked(self._inside, name, arguments, keywords)

    def call_afresh(self, name: str, *arguments, **keywords):
        """As `call`, in a process of its own with the settings and the clock as they are now."""
        return call_in(self.environment, name, *arguments, **keywords)

    def provision(self, devices: dict[str, str], sensors: dict[str, str]) -> dict[str, str]:
        """Make devices known, as an operator does; returns device -> claim code."""
        lines = [
            ",".join([one, key, *(s for s, of in sensors.items() if of == one)])
            for one, key in devices.items()
        ]
        return dict(
            line.split(",")
            for line in self.command("import_devices", "-", text="\n".join(lines)).split()
        )

    def start(self) -> None:
        """Start the service, at the port that it had before if it had one."""
        self._process, told = launch(
            ["--port", str(self._port), *self._arguments], self.environment, self.log, self._program
        )
        self.url, self._port = told["url"], told["port"]

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """As a power cut ends it."""
        self._end(subprocess.Popen.kill)

    def stop(self) -> None:
        self._end(subprocess.Popen.terminate)

    def _end(self, how) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, how)

    def held(self, sensor: str) -> list[tuple[int, int]]:
        """The tuples of a sensor, oldest first."""
        return self.store.raw(sensor, 0, 2**32)

    @property
    def store(self):
        """The series, open in this process as well."""
        if self._store is None:
            from flukso_server import series

            self._store = series.open_store(str(self.folder / "series.sqlite3"), merge=False)
        return self._store

    def requests(self) -> list[tuple[str, str, int]]:
        """(method, path, status) of every request that was answered."""
        return [
            (method, path, int(status))
            for method, path, status in _LOGGED.findall(self.log.read_text())
        ]

    def close(self) -> None:
        self.stop()
        if self._inside is not None:
            self._inside.communicate(timeout=STOP_S)  # the end of its input is its end
            self._inside = None
        if self._store is not None:
            self._store.close()
            self._store = None

    def __enter__(self) -> "Platform":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def call_in(settings: dict[str, str], name: str, *arguments, **keywords):
    """Call a function in an installation with these settings, in a process of its own."""
    process = _start_inside(settings)
    try:
        return _asked(process, name, arguments, keywords)
    finally:
        process.communicate(timeout=STOP_S)


def _start_inside(settings: dict[str, str]) -> subprocess.Popen:
    command = [sys.executable, "-m", "tools.harness.inside"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=settings, text=True, **pipes)  # type: ignore[call-overload]


def _asked(process: subprocess.Popen, name: str, arguments: tuple, keywords: dict):
    """The result of a call of tools.harness.inside."""
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps([name, arguments, keywords]) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("Django ended: status {}".format(process.wait(STOP_S)))
    worked, result = json.loads(line)
    if not worked:
        raise RuntimeError(result)
    return result


def launch(
    arguments: list[str],
    settings: dict[str, str],
    log: Path,
    program: tuple[str, ...] = ("-m", "flukso_server"),
):
    """`flukso-server run` with these arguments: (process, what its first line tells).
    RuntimeError when it does not start.
    """
    with open(log, "ab") as errors:
        command = [sys.executable, *program, "run", *arguments]
        process = subprocess.Popen(
            command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=errors, process_group=0
        )
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        end(process)
        raise RuntimeError("the platform did not start: " + log.read_text()[-2000:])
    return process, json.loads(line)


def end(process: subprocess.Popen, how=subprocess.Popen.terminate) -> None:
    """Stop it; kill it when it does not obey."""
    how(process)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout
    process.stdout.close()


def obey(platform: Platform, sensors: list[str], command: dict) -> dict:
    """The answer to one command; ValueError for an unknown one."""
    if command.get("do") == "held":
        return {"held": {sensor: platform.held(sensor) for sensor in sensors}}
    if command.get("do") == "requests":
        return {"requests": platform.requests()}
    raise ValueError("unknown command")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", required=True)
    parser.add_argument("--pem", help="certificate and key")
    parser.add_argument("--device", action="append", default=[], metavar="ID:KEY[:SENSOR…]")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    devices, sensors = {}, {}
    for item in options.device:
        device, key, *bound = item.split(":")
        devices[device] = key
        sensors.update(dict.fromkeys(bound, device))
    with (
        Platform(options.folder, options.pem, devices, sensors, port=options.port) as platform,
        contextlib.suppress(KeyboardInterrupt),
    ):
        answer_commands(
            {"url": platform.url, "port": platform.port},
            lambda command: obey(platform, list(sensors), command),
            (ValueError, AttributeError),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

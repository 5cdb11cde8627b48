# SPDX-License-Identifier: GPL-3.0-or-later
"""`make server`: the platform for development, on this machine alone, with a demo street that goes
on uploading.

Everything lies in build/server. Ctrl-C ends it; at the next start the street catches up.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

from tools import terminal
from tools.harness import testbed

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "server"
LOOK_S = 0.5
NOTHING = '{"uploads": 0, "tuples": 0}'  # of one that was ended before it was ready


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="other words go to `flukso-server run`"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--days", type=int, default=40, help="of the street before its first start")
    options, words = parser.parse_known_args(argv)
    stopped = terminal.stop_request()
    with terminal.keys_to_us():
        return run(options.folder, options.days, words, stopped)


def run(folder: Path, days: int, words: list[str], stopped: terminal.StopRequest) -> int:
    log = folder / "server.log"
    environment = os.environ | settings(folder)
    say(f"preparing the database; the first time also {days} days of a street")
    command(environment, "migrate", "-v0")
    password = kept(folder / "password", secrets.token_urlsafe(9))
    login = command(environment, "demo_household", "--days", str(days), "--password", password)
    begin = time.monotonic()
    try:
        platform, told = testbed.launch(words, environment, log)
    except RuntimeError as error:
        raise SystemExit(f"server: {error}")
    try:
        say(f"{told['url']}  log in as: {login}")
        say(f"log {log}; Ctrl-C ends it")
        sent = serve(platform, told["url"], environment, stopped)
    except ChildProcessError as error:
        raise SystemExit(f"server: {error}; see {log}")
    finally:
        testbed.end(platform)
    seconds = time.monotonic() - begin
    say(
        f"ran for {seconds / 60:.1f} min, took {sent['tuples']} values of the demo street, which "
        f"goes on from here at the next start"
    )
    say(json.dumps({"seconds": round(seconds, 1), **sent}))
    return 0


def kept(file: Path, text: str) -> str:
    """The text of a file that only we read; made with this text when it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(text)
    return file.read_text()


def settings(folder: Path) -> dict[str, str]:
    """The settings of this folder, made once."""
    text = kept(
        folder / "settings",
        f"FLUKSO_SECRET_KEY={secrets.token_hex(32)}\nFLUKSO_DEVICE_KEY_SECRET={secrets.token_hex(32)}\n",
    )
    return {"FLUKSO_DATA_DIR": str(folder), "FLUKSO_HTTPS": "0"} | dict(
        line.split("=", 1) for line in text.split()
    )


def command(environment: dict[str, str], *words: str) -> str:
    """What a management command prints; its complaints go to the terminal, and end us."""
    program = [sys.executable, "-m", "flukso_server", *words]
    done = subprocess.run(
        program,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        **terminal.APART,
    )
    if done.returncode:
        raise SystemExit(f"server: {words[0]} failed")
    return done.stdout.strip()


def serve(
    platform: subprocess.Popen, url: str, environment: dict[str, str], stopped: terminal.StopRequest
) -> dict[str, int]:
    """Let the street upload until we are stopped; return what it sent. ChildProcessError when one
    of the two ends by itself.
    """
    words = [sys.executable, "-m", "flukso_server", "demo_uploads", url]
    uploads = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, **terminal.APART
    )
    try:
        while not stopped.wait(LOOK_S):
            for name, process in (("the platform", platform), ("the street", uploads)):
                if process.poll() is not None:
                    raise ChildProcessError(f"{name} ended by itself")
    finally:
        uploads.terminate()
        report = uploads.communicate()[0]
    return json.loads(report or NOTHING)


def say(text: str) -> None:
    print(f"server: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: GPL-3.0-or-later
"""`make server`: the platform for development, with a demo household, on this machine alone; everything lies in build/server."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "server"


def settings() -> dict[str, str]:
    """The settings of this folder, made once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / "settings"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(f"FLUKSO_SECRET_KEY={secrets.token_hex(32)}\nFLUKSO_DEVICE_KEY_SECRET={secrets.token_hex(32)}\n")
    return {"FLUKSO_DATA_DIR": str(FOLDER), "FLUKSO_HTTPS": "0"} | dict(line.split("=", 1) for line in file.read_text().split())


def main(argv: list[str]) -> int:
    environment = os.environ | settings()
    for words in (["migrate", "-v0"], ["demo_household"]):
        subprocess.run([sys.executable, "-m", "server", *words], cwd=ROOT, env=environment, check=True)
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "server", "run", *argv], environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the README's picture of the demo's terminal. `make pictures`."""

import html
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "pictures"
SECONDS = 40  # of the demo
TERMINAL = (1060, 212)  # pixels
SCALE = 2  # device pixels a pixel: sharp on every screen
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
STYLE = """
body{margin:0;background:#16191d;color:#d8dee6;font:14px/1.5 'DejaVu Sans Mono',monospace}
pre{margin:18px 22px;white-space:pre-wrap;overflow-wrap:anywhere}
b{color:#f1572f;font-weight:normal}
i{color:#7aab5a;font-style:normal}
"""


def shoot(url: str, file: pathlib.Path, size: tuple[int, int]) -> None:
    """A screenshot of a page, by a browser that has never seen anything."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            "chromium",
            *FLAGS,
            "--user-data-dir=" + profile,
            "--hide-scrollbars",
            "--force-device-scale-factor={}".format(SCALE),
            "--window-size={},{}".format(*size),
            "--screenshot={}".format(file),
        ]
        subprocess.run([*command, url], check=True, capture_output=True, timeout=120)


def terminal(text: str, file: pathlib.Path) -> None:
    """The picture of a terminal that shows the text."""
    lines = []
    for line in text.rstrip().split("\n"):
        shown = html.escape(line)
        mark = "i" if line.startswith("$") else "b" if "received" in line else ""
        lines.append("<{0}>{1}</{0}>".format(mark, shown) if mark else shown)
    page = "<!doctype html><meta charset=utf-8><style>{}</style><pre>{}</pre>".format(
        STYLE, "\n".join(lines)
    )
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "terminal.html"
        source.write_text(page)
        shoot(source.as_uri(), file, TERMINAL)


def main() -> int:
    if not shutil.which("chromium"):
        raise SystemExit("pictures: chromium is not installed")
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-u", "-m", "tools.demo", "--seconds", str(SECONDS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        lines = demo.stdout.readlines()
    text = "$ make demo SECONDS={}\n".format(SECONDS) + "".join(lines).replace(str(ROOT) + "/", "")
    terminal(text, FOLDER / "demo.png")
    return demo.returncode


if __name__ == "__main__":
    sys.exit(main())

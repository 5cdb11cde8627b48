# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries that tests preload into avrdude, built when they are asked for."""

import subprocess
from pathlib import Path


def library(name: str, folder: Path) -> Path:
    """The library of the source NAME.c beside this file, built in that folder."""
    path = folder / (name + ".so")
    source = Path(__file__).parent / (name + ".c")
    flags = ["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", path, source, "-ldl"], check=True)
    return path

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform keeps is for its own user alone: hashes, sessions, sealed keys and series."""

import logging
import os
from pathlib import Path

UMASK = 0o077
OTHERS = 0o077  # bits of a mode

logger = logging.getLogger("flukso.private")


def tighten(folder: Path, *files: str) -> None:
    """Close the folder with all that is in it, where it is open, and these files with those beside
    them that begin alike.

    What belongs to another user stays as it is, and is said.
    """
    folder = folder.resolve()  # a folder that lies elsewhere is as open there
    found = [Path(name).parent.glob(Path(name).name + "*") for name in files]
    paths = [path for each in found for path in each if path.is_file()]
    if _is_open(folder):
        paths += [
            Path(top, name)
            for top, folders, names in os.walk(folder)
            for name in (".", *folders, *names)
        ]
    for path in paths:
        if _is_open(path):
            try:
                path.chmod(path.stat().st_mode & ~OTHERS)
            except PermissionError:
                logger.warning(
                    "%s is open to other users of this machine, and not ours to close", path
                )


def _is_open(path: Path) -> bool:
    return not path.is_symlink() and bool(path.stat().st_mode & OTHERS)

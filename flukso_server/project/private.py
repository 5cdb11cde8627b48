# SPDX-License-Identifier: GPL-3.0-or-later
"""Closes the platform's files to other users: they hold hashes, sessions, keys and series."""

import logging
import os
from pathlib import Path

UMASK = 0o077
OTHERS = 0o077  # bits of a mode

logger = logging.getLogger("flukso.private")


def tighten(folder: Path, *files: str) -> None:
    """Close the folder, if it is open, with all that is in it; and these files.

    A file's neighbours whose names begin with its own are closed, too. The files of another user
    are logged and left as they are.
    """
    folder = folder.resolve()  # it may be a link to a folder elsewhere
    alike = [Path(name).parent.glob(Path(name).name + "*") for name in files]
    paths = [path for each in alike for path in each if path.is_file()]
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

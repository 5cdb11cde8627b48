# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a sensor's RRD files are; needs no librrd, so that every process can remove them."""

import contextlib
import os

NIGHT = ".night"


def path(folder: str, sensor: str, suffix: str = "") -> str:
    """The sensor's file; suffix NIGHT for the nights."""
    return os.path.join(folder, sensor[:2], f"{sensor}{suffix}.rrd")


def remove(folder: str, sensor: str) -> None:
    """The sensor's files go, if it has any."""
    for suffix in ("", NIGHT):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path(folder, sensor, suffix))

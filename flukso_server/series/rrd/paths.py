# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a sensor's RRD files are; it needs no librrd, so that any process can remove them."""

import contextlib
import os

NIGHT = ".night"


def path(folder: str, sensor: str, suffix: str = "") -> str:
    """Return the path of the sensor's file; suffix NIGHT for that of its nights."""
    return os.path.join(folder, sensor[:2], f"{sensor}{suffix}.rrd")


def remove(folder: str, sensor: str) -> None:
    """Remove the sensor's files, if it has any."""
    for suffix in ("", NIGHT):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path(folder, sensor, suffix))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces of a test's own, for whoever runs it: root needs none for users, and gets none in a
chroot.
"""

import os
from pathlib import Path


def unshare(*kinds: str) -> list[str]:
    """The words that start a program as root in new namespaces of these kinds, as `--net`."""
    users = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return ["unshare", *users, *kinds, *_propagation(kinds)]


def _propagation(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The root of a chroot may be no mount point, and then cannot be made private: who mounts there
    has to unmount.
    """
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return ("--propagation", "unchanged") if "--mount" in kinds and "/" not in points else ()

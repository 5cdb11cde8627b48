# SPDX-License-Identifier: GPL-3.0-or-later
"""The release that this code belongs to, the same as in the file VERSION."""

VERSION = "0.1.0"
# 2026-12-01, unix s: set with each release. A clock that shows less is wrong
# (docs/design/upload.md)
BUILT = 1796083200


def number() -> int:
    """Return the release as the integer that the protocol carries (docs/design/protocols.md §3):
    10000 × major + 100 × minor + patch.
    """
    major, minor, patch = [int(part) for part in VERSION.split(".")]
    return 10000 * major + 100 * minor + patch

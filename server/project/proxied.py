# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks, where a proxy stands in front (FLUKSO_BEHIND_PROXY); pure."""


def client(real: str | None, forwarded: str | None) -> str:
    """The address in X-Real-IP, else the last in X-Forwarded-For, "" for neither: the proxy itself has added the last one, the others may
    be anybody's invention."""
    return (real or (forwarded or "").rpartition(",")[2]).strip()

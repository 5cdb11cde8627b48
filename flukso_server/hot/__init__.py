# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices' and clients' hot path: a bare ASGI branch beside Django."""

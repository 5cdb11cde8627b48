# SPDX-License-Identifier: GPL-3.0-or-later
"""The hot path, a bare ASGI branch beside Django: what devices send and their clients read."""

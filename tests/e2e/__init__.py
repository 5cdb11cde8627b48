# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain from clamp to server, with every part the real one but the server."""

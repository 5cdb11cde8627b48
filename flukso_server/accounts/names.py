# SPDX-License-Identifier: GPL-3.0-or-later
"""When two names count as one, so that nobody passes for another member. Pure.

Capitals, ligatures and the width of letters make no difference.
"""

import unicodedata

RESERVED = frozenset(("me", "demo"))  # keys of lines in a chart (dashboard/lines.py)


def key(name: str) -> str:
    """Return a key that is equal for names that count as one: NFKC and case folding."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())

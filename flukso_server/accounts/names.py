# SPDX-License-Identifier: GPL-3.0-or-later
"""When two names are one: nobody is to be taken for another by capitals, ligatures or letters of
another width. Pure.
"""

import unicodedata

RESERVED = frozenset(
    ("me", "demo")
)  # keys of lines that are no other member's (dashboard/lines.py)


def key(name: str) -> str:
    """Equal for names that count as one: by NFKC and case folding."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())

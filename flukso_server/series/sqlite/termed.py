# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the main file in which a sensor's limits and corrections are (series/terms.py)."""

import sqlite3

from flukso_server.series.rule import Rule
from flukso_server.series.store import CorrectionError
from flukso_server.series.terms import (
    CORRECTIONS_MAX,
    KINDS,
    LIMITS_MAX,
    Correction,
    Limit,
    Terms,
)

LIMIT = "limit"  # the kind of a limit; its value is in mWh/s, its end the pulse
_ROWS = 'SELECT kind, start, "end", value, made, id FROM term WHERE sensor=? ORDER BY start, id'
_ADD = 'INSERT INTO term (sensor, kind, start, "end", value, made) VALUES (?,?,?,?,?,?)'


def read(db: sqlite3.Connection, key: bytes, rule: Rule) -> Terms:
    """Return the terms of a sensor (16 bytes)."""
    rows = db.execute(_ROWS, (key,)).fetchall()
    if not rows:
        return Terms(rule)
    return Terms(
        rule,
        tuple(Limit(row[1], row[3] / 1000, row[2]) for row in rows if row[0] == LIMIT),
        tuple(Correction(*row) for row in rows if row[0] != LIMIT),
    )


def limit(db: sqlite3.Connection, key: bytes, new: Limit) -> None:
    """Note a limit, unless the last one says the same or there are many."""
    limits = read(db, key, Rule(0, 0)).limits
    if limits and limits[-1][1:] == new[1:] or len(limits) >= LIMITS_MAX:
        return
    db.execute(_ADD, (key, LIMIT, new.since, new.pulse, round(new.wh_s * 1000), new.since))


def correct(db: sqlite3.Connection, key: bytes, new: Correction) -> int:
    """Note a correction, and return its id. Raises CorrectionError if there are too many."""
    [(count,)] = db.execute("SELECT count(*) FROM term WHERE sensor=? AND kind<>?", (key, LIMIT))
    if count >= CORRECTIONS_MAX:
        raise CorrectionError(f"a sensor has at most {CORRECTIONS_MAX} corrections")
    if new.kind not in KINDS:
        raise CorrectionError(f"there are {', '.join(KINDS)}")
    cursor = db.execute(_ADD, (key, new.kind, new.start, new.end, new.value, new.made))
    return int(cursor.lastrowid or 0)


def undo(db: sqlite3.Connection, key: bytes, ident: int) -> bool:
    """Remove a correction; return whether there was one."""
    where = "DELETE FROM term WHERE sensor=? AND id=? AND kind<>?"
    return bool(db.execute(where, (key, ident, LIMIT)).rowcount)


def forget(db: sqlite3.Connection, key: bytes) -> None:
    """Remove all of a sensor's terms."""
    db.execute("DELETE FROM term WHERE sensor=?", (key,))

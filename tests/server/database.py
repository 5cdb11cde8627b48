# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a platform's database as a test sees and sets them, by `devices.Device` and the like.

Filters and changes are Django's: `count(platform, "devices.Device", owner__username="anna")`.
"""

from datetime import datetime, timedelta, timezone

_ROWS = "tests.server.inside.rows."


def rows(platform, model: str, *fields: str, order: tuple = ("pk",), **where) -> list[list]:
    """Return these fields of the rows that match."""
    return platform.call(_ROWS + "values", model, fields, where, order)


def row(platform, model: str, *fields: str, **where) -> list:
    """Return these fields of the one row that matches."""
    [only] = rows(platform, model, *fields, **where)
    return only


def column(platform, model: str, field: str, **where) -> list:
    """Return one field of the rows that match, sorted by it."""
    return [value for [value] in rows(platform, model, field, order=(field,), **where)]


def value(platform, model: str, field: str, **where):
    """Return one field of the one row that matches."""
    return row(platform, model, field, **where)[0]


def count(platform, model: str, **where) -> int:
    return platform.call(_ROWS + "count", model, where)


def create(platform, model: str, *new: dict) -> list:
    """Make rows; return their keys."""
    return platform.call(_ROWS + "create", model, new)


def update(platform, model: str, changes: dict, **where) -> int:
    """Set these fields of the rows that match; return how many did."""
    return platform.call(_ROWS + "update", model, changes, where)


def delete(platform, model: str, **where) -> None:
    platform.call(_ROWS + "delete", model, where)


def ago(**duration: float) -> str:
    """Return the time so long before now, as a database takes it: `ago(minutes=61)`."""
    return (datetime.now(timezone.utc) - timedelta(**duration)).isoformat()

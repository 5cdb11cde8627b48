# SPDX-License-Identifier: GPL-3.0-or-later
"""A log-in while the accounts' database is locked or full, for tests/server/test_locked.py."""

import contextlib
from collections.abc import Iterator

from django.db import connection
from django.test import Client

ALWAYS_BUSY_MS, USUAL_BUSY_MS = 50, 10_000
USUAL_PAGES_MAX = 1_000_000_000
ROW_BYTES = (500, 100, 20)  # the last rows fill what is left by the longer ones
ROWS_MAX = 10_000


def log_in(password: str, full: bool = False) -> tuple[int, str | None, bool]:
    """Log somebody in; return status, Retry-After, and whether the page blames the database."""
    with _impatient(), _full() if full else contextlib.nullcontext():
        client = Client(SERVER_NAME="localhost", raise_request_exception=False)
        fields = {"login": "somebody", "password": password}
        answer = client.post("/login/", fields, secure=True)
    blames = "Its database is busy, full or away" in answer.content.decode()
    return answer.status_code, answer.headers.get("Retry-After"), blames


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={ALWAYS_BUSY_MS}")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={USUAL_BUSY_MS}")


@contextlib.contextmanager
def _full() -> Iterator[None]:
    """Let the database grow no more, and fill it."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count={cursor.fetchone()[0]}")
    for size in ROW_BYTES:
        _fill(size)
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA max_page_count={USUAL_PAGES_MAX}")
        cursor.execute("DELETE FROM cache WHERE cache_key LIKE %s", ["fill%"])


def _fill(size: int) -> None:
    row = "INSERT INTO cache VALUES (%s, %s, '2020-01-01')"
    for n in range(ROWS_MAX):
        try:
            with connection.cursor() as cursor:
                cursor.execute(row, [f"fill-{size}-{n}", "x" * size])
        except Exception:  # of SQLite or of Django, by what did not fit
            return

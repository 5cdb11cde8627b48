# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries whose SQL Django builds once in a process: building it takes ten times as long as a small
query itself.
"""

from collections.abc import Callable

from django.db import connection
from django.db.models import QuerySet

# stands for the first argument while the SQL is built, the next lower for the second; no id is
# negative
MARK = -1_000_000_007


class Prepared:
    """make(id, …) gives a queryset of plain values: texts and integers, which need no conversion.
    Arguments are ids alone.
    """

    def __init__(self, make: Callable[..., QuerySet], arguments: int = 1):
        self._make = make
        self._arguments = arguments
        self._built: tuple[str, tuple] | None = None

    def rows(self, *ids: int) -> list[tuple]:
        """As list(make(*ids)); as many ids as were said."""
        if len(ids) != self._arguments:
            raise TypeError(f"{self._arguments} ids are needed")
        if self._built is None:
            self._built = self._make(
                *[MARK - n for n in range(self._arguments)]
            ).query.sql_with_params()
        sql, params = self._built
        with connection.cursor() as cursor:
            cursor.execute(
                sql,
                [
                    ids[MARK - each] if isinstance(each, int) and each <= MARK else each
                    for each in params
                ],
            )
            return cursor.fetchall()

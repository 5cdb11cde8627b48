# SPDX-License-Identifier: GPL-3.0-or-later
"""The table in which attempts are counted: what cannot be counted is an error, and nobody's attempt
too many.
"""

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import OperationalError

RETRIES = 2  # another process may have made the same row meanwhile


class Counts(DatabaseCache):
    """Django's cache in the database hides that a row was not written. Raises OperationalError
    instead.
    """

    def set(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        made = self.make_and_validate_key(key, version=version)
        if not any(self._base_set("set", made, value, timeout) for _ in range(RETRIES)):
            raise OperationalError("a count cannot be written")

    def add(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        done = super().add(key, value, timeout, version)
        if not done and self.get(key, version=version) is None:
            raise OperationalError("a count cannot be written")
        return done

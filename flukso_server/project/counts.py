# SPDX-License-Identifier: GPL-3.0-or-later
"""The table in which attempts are counted.

An attempt that cannot be counted is an error of ours, and is not held against anybody.
"""

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import OperationalError

RETRIES = 2  # another process may have made the same row at the same time


class Counts(DatabaseCache):
    """Raises OperationalError when a row is not written, which Django's own class hides."""

    def set(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        made = self.make_and_validate_key(key, version=version)
        if not any(self._base_set("set", made, value, timeout) for _ in range(RETRIES)):
            raise OperationalError("a count cannot be written")

    def add(self, key, value, timeout=DEFAULT_TIMEOUT, version=None):
        done = super().add(key, value, timeout, version)
        if not done and self.get(key, version=version) is None:
            raise OperationalError("a count cannot be written")
        return done

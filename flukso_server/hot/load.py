# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the uploads that wait for the store, and puts off more than it can take soon."""

from flukso_server.hot.answers import busy
from flukso_server.hot.shut_out import ShutOut, shut_out


class Load:
    """The uploads under way; most: how many may wait at once."""

    def __init__(self, most: int, told: ShutOut = shut_out):
        self._most = most
        self._told = told
        self.underway = 0

    @property
    def full(self) -> bool:
        """Whether no further upload is to be taken."""
        return self.underway >= self._most

    def check(self) -> None:
        """Raise a 503 that spreads the clients over minutes if no further upload is to be taken."""
        if self.full:
            self._told.note("", "an upload was put off: the store is behind")
            raise busy()

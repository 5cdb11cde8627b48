# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the history that people bring along: counters, powers, quarter hours of a smart meter."""

from flukso_server.history.faults import FAULTS_TOLD, Fault, describe
from flukso_server.history.reading import History, Wish, read, rebased

__all__ = ["FAULTS_TOLD", "Fault", "History", "Wish", "describe", "read", "rebased"]

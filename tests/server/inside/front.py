# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to Django alone, with what it logs of them, for tests/server/test_front.py."""

import logging

from django.conf import settings
from django.test import Client
from django.test.utils import override_settings


class _Keeper(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines: list[tuple[str, bool]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((self.format(record), bool(record.exc_info)))


def ask(
    path: str,
    method: str,
    changed: dict,
    options: dict,
    *,
    body: str,
    kind: str,
    secure: bool,
    headers: dict,
) -> tuple[int, dict, str, list]:
    """Ask under changed settings; return status, headers, text and (line, has a traceback) each."""
    keeper = _Keeper()
    logging.getLogger().addHandler(keeper)
    try:
        with override_settings(**changed):
            client = Client(raise_request_exception=False, SERVER_NAME="localhost", **options)
            answer = client.generic(method, path, body, content_type=kind, secure=secure, **headers)
    finally:
        logging.getLogger().removeHandler(keeper)
    return answer.status_code, dict(answer.headers), answer.content.decode(), keeper.lines


def base_url() -> tuple[str, bool]:
    return settings.BASE_URL, settings.BASE_URL_WANTS_PORT

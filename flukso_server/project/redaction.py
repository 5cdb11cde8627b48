# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps secrets in paths out of the log.

Until it is used, a link from a mail opens an account, and a device's code claims the device.
"""

import logging
import re

_SECRET = re.compile(r"(/(?:invitation|confirm-email|password/reset/key|claim)/)[^\s/?]+")


def redact(text: str) -> str:
    return _SECRET.sub(r"\1…", text)


class Redact(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        return True

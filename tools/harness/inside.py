# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls functions where Django is set up, for `Platform.call`.

`python -m tools.harness.inside` reads one call a line, as JSON [name, arguments, keywords], and
answers each with a line [worked, result or traceback]. A name is a module's and its function's, as
`tests.server.inside.records.count`. Such a module is imported here alone, so it imports Django's
models as the platform's own code does.
"""

import importlib
import json
import os
import sys
import traceback


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a function prints is none of the answers
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flukso_server.project.settings")
    import django

    from flukso_server.project import private

    os.umask(private.UMASK)
    django.setup()
    for line in sys.stdin:
        try:
            answer = json.dumps([True, call(*json.loads(line))], default=str)
        except Exception:
            answer = json.dumps([False, traceback.format_exc()])
        answers.write(answer + "\n")
        answers.flush()


def call(name: str, arguments: list, keywords: dict):
    """Call the function; it finds and leaves no broken database connection, and no store."""
    from django.db import close_old_connections

    from flukso_server.project import stores

    module, _, function = name.rpartition(".")
    close_old_connections()
    try:
        return getattr(importlib.import_module(module), function)(*arguments, **keywords)
    finally:
        close_old_connections()
        stores.close()


if __name__ == "__main__":
    main()

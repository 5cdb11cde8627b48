# SPDX-License-Identifier: GPL-3.0-or-later
"""The ASGI entry points: `all`, or `ingest` and `web` as two services.

`ingest` opens the store, takes uploads and answers devices' clients; `web` answers people. `all` is
both in one process.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flukso_server.project.settings")
django.setup()

from flukso_server.project.branches import Entry  # noqa: E402 # the apps must be loaded first

all = Entry(hot=True, pages=True)
ingest = Entry(hot=True, pages=False)
web = Entry(hot=False, pages=True)

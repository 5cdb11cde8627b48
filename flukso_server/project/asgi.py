# SPDX-License-Identifier: GPL-3.0-or-later
"""The ASGI entry points: `project.asgi:all`, or `project.asgi:ingest` and `project.asgi:web` as two
services.

`ingest` has the store open and answers what devices and their clients ask; `web` answers people.
`all` is both in one process.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flukso_server.project.settings")
django.setup()

from flukso_server.project.branches import Entry  # noqa: E402 # the apps must be there first

all = Entry(hot=True, pages=True)
ingest = Entry(hot=True, pages=False)
web = Entry(hot=False, pages=True)

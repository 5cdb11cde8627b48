# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's root."""

from ninja import NinjaAPI

api = NinjaAPI(title="Flukso", version="1", docs_url="docs")

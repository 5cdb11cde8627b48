# SPDX-License-Identifier: GPL-3.0-or-later
"""What forms take and pages write."""

import time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.test import Client
from django.utils import translation

from flukso_server.accounts.forms import PriceForm
from flukso_server.accounts.models import Account, Token
from flukso_server.api.series import _plain, _rounded
from flukso_server.dashboard.templatetags import dashboard
from flukso_server.project import stores
from flukso_server.project.bundle import bundled, path_of
from flukso_server.series.rrd.feeder import Feeder


def price_typed(language: str, text: str) -> tuple[str | bool, bool]:
    """Return the cents that a form takes of this text, and whether its field is one for numbers."""
    with translation.override(language):
        form = PriceForm({"cents_per_kwh": text, "currency": "EUR", "since": "2026-01-01"})
        cents = form.is_valid() and str(form.cleaned_data["cents_per_kwh"])
        return cents, "number" in str(form["cents_per_kwh"])


def money(value: float | None) -> str:
    return dashboard.money(value, "€")


def rounded(value: float) -> tuple[str, str]:
    """Return a mean as the API gives it in JSON and in CSV."""
    return str(_rounded(value)), _plain(_rounded(value))


def scope_of_new_token(name: str) -> str:
    """Make a member, who makes a token that manages on the page of tokens; return its scope."""
    account = Account.objects.create_user(name)
    client = Client(SERVER_NAME="localhost")
    client.force_login(account)
    assert 'value="manage"' in client.get("/tokens/", secure=True).content.decode()
    client.post("/tokens/", {"name": "mine", "scope": "manage"}, secure=True)
    return Token.objects.get(account=account).scope


def feed_graphs(sensor: str) -> None:
    """Bring the RRD files of a sensor up to date now."""
    feeder = Feeder(stores.store(), settings.RRD_DIR)
    feeder.feed([sensor], int(time.time()), ZoneInfo("UTC"))
    feeder.close()


def bundles() -> list[str]:
    """Return the paths at which the bundles are served."""
    return [path_of(each) for each in settings.BUNDLES]


def bundle(folder: str, entry: str) -> None:
    """Bundle an entry of this folder alone; to be called in a process of its own."""
    settings.STATICFILES_DIRS = [folder]
    bundled(entry)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The bill of a month."""

import re
import time

from django.http import HttpRequest
from ninja import Router
from ninja.errors import HttpError

from flukso_server.api.permissions import reading_all
from flukso_server.api.schemas import BillOut, Error
from flukso_server.dashboard.bills import Month, bill_of_month
from flukso_server.money.bill import BillError
from flukso_server.project.stores import store

router = Router()
MONTH = re.compile("(20[0-9]{2})-(0[1-9]|1[0-2])")


@router.get("bill/{month}", response={200: BillOut, 401: Error, 403: Error, 404: Error, 409: Error})
def read_bill(request: HttpRequest, month: str):
    """The bill of a month (2026-09, your time), until now if it is the running one."""
    account, asked = reading_all(request), MONTH.fullmatch(month)
    if asked is None:
        raise HttpError(404, "a month is written as 2026-09")
    try:
        told = bill_of_month(
            store(), account, Month(int(asked[1]), int(asked[2])), int(time.time())
        )
    except BillError as error:
        raise HttpError(409, str(error)) from error
    if told is None:
        raise HttpError(404, "nothing that counts what comes from the grid was heard then")
    made = told.bill
    return {
        "start": told.start,
        "end": told.end,
        "lines": [line._asdict() for line in made.lines],
        "total": made.total,
        "currency": made.currency,
        "exact": made.exact,
        "hidden_quarters": made.hidden,
        "unpriced_kwh": made.unpriced,
        "co2_kg": made.co2_kg,
    }

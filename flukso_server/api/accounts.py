# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's account and tokens."""

from datetime import date

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router
from ninja.errors import HttpError

from flukso_server.accounts.contracts import set_day_prices
from flukso_server.accounts.models import Price, Token
from flukso_server.accounts.prices import PriceError, Wanted, local_date, set_price
from flukso_server.accounts.tokens import TokenError, make_token, revoke
from flukso_server.api.permissions import managing, reading_all
from flukso_server.api.schemas import (
    AccountIn,
    AccountOut,
    DayPricesIn,
    Error,
    NewToken,
    PriceIn,
    PriceOut,
    TokenIn,
    TokenOut,
)
from flukso_server.devices.queries import sensors_of

router = Router()


def account_out(account) -> dict:
    return {"name": account.username, "time_zone": account.time_zone, "unit": account.unit}


def price_out(price: Price) -> dict:
    return {
        "since": price.since,
        "cents_per_kwh": float(price.cents_per_kwh),
        "currency": price.currency,
        "terms": price.terms,
    }


def token_out(token: Token) -> dict:
    return {
        "id": token.pk,
        "name": token.name,
        "scope": token.scope,
        "sensor": token.sensor_id,
        "created": token.created,
    }


@router.get("account", response={200: AccountOut, 401: Error, 403: Error})
def read_account(request: HttpRequest):
    """Your name, time zone and unit."""
    return account_out(reading_all(request))


@router.patch("account", response={200: AccountOut, 401: Error, 403: Error, 422: Error})
def change_account(request: HttpRequest, change: AccountIn):
    """What is left out stays."""
    account = managing(request)
    for name, value in change.dict(exclude_none=True).items():
        setattr(account, name, value)
    try:
        account.full_clean(exclude=["email", "username", "password"])
    except ValidationError as error:
        raise HttpError(422, "cannot be taken: " + ", ".join(sorted(error.message_dict))) from error
    account.save(update_fields=["time_zone", "unit"])
    return account_out(account)


@router.get("prices", response={200: list[PriceOut], 401: Error, 403: Error})
def read_prices(request: HttpRequest):
    """What a kWh costs you, with its history; 18 cents before the first."""
    return [price_out(price) for price in reading_all(request).prices.all()]


@router.put(
    "prices/{since}", response={200: PriceOut, 401: Error, 403: Error, 409: Error, 422: Error}
)
def write_price(request: HttpRequest, since: date, change: PriceIn):
    """The price from that day on, your time, until the next one begins."""
    account = managing(request)
    try:
        return price_out(set_price(account, Wanted(since, **change.dict()), local_date(account)))
    except PriceError as error:
        raise HttpError(409, str(error)) from error


@router.delete(
    "prices/{since}", response={204: None, 401: Error, 403: Error, 404: Error, 422: Error}
)
def delete_price(request: HttpRequest, since: date):
    """The price before it holds on."""
    if not managing(request).prices.filter(since=since).delete()[0]:
        raise HttpError(404, "no such price")
    return 204, None


@router.put(
    "day-prices/{day}", response={204: None, 401: Error, 403: Error, 409: Error, 422: Error}
)
def write_day_prices(request: HttpRequest, day: date, change: DayPricesIn):
    """What a kWh costs in each quarter, or each hour, of a day, your time; for hourly prices."""
    account = managing(request)
    try:
        set_day_prices(account, day, change.per_kwh, local_date(account))
    except PriceError as error:
        raise HttpError(409, str(error)) from error
    return 204, None


@router.get("tokens", response={200: list[TokenOut], 401: Error, 403: Error})
def read_tokens(request: HttpRequest):
    """Your tokens, but for their text, which is kept nowhere."""
    return [token_out(token) for token in managing(request).tokens.all()]


@router.post(
    "tokens", response={201: NewToken, 401: Error, 403: Error, 404: Error, 409: Error, 422: Error}
)
def create_token(request: HttpRequest, wanted: TokenIn):
    """A new token; for one sensor it can only read. Its text is in this answer and nowhere else."""
    account = managing(request)
    sensor = None
    if wanted.sensor is not None:
        sensor = sensors_of(account).filter(pk=wanted.sensor).first()
        if sensor is None:
            raise HttpError(404, "no such sensor")
    try:
        token, text = make_token(account, wanted.name, wanted.scope, sensor)
    except TokenError as error:
        raise HttpError(409, str(error)) from error
    return 201, token_out(token) | {"token": text}


@router.delete(
    "tokens/{int:number}", response={204: None, 401: Error, 403: Error, 404: Error, 422: Error}
)
def delete_token(request: HttpRequest, number: int):
    """Revoke it: it reads nothing any more within seconds."""
    token = managing(request).tokens.filter(pk=number).first() if number < 2**63 else None
    if token is None:
        raise HttpError(404, "no such token")
    revoke(token)
    return 204, None

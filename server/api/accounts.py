# SPDX-License-Identifier: GPL-3.0-or-later
"""The caller's account and tokens."""

from decimal import Decimal

from accounts.models import Token
from accounts.tokens import TokenError, make_token, revoke
from api.permissions import managing, reading_all
from api.schemas import AccountIn, AccountOut, Error, NewToken, TokenIn, TokenOut
from devices.queries import sensors_of
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router
from ninja.errors import HttpError

router = Router()


def account_out(account) -> dict:
    return {"name": account.username, "time_zone": account.time_zone, "price": None if account.price is None else float(account.price)}


def token_out(token: Token) -> dict:
    return {"id": token.pk, "name": token.name, "scope": token.scope, "sensor": token.sensor_id, "created": token.created}


@router.get("account", response={200: AccountOut, 401: Error, 403: Error})
def read_account(request: HttpRequest):
    """Your name, time zone and price a kWh."""
    return account_out(reading_all(request))


@router.patch("account", response={200: AccountOut, 401: Error, 403: Error, 422: Error})
def change_account(request: HttpRequest, change: AccountIn):
    """What is left out stays; a price of null sets the usual one again."""
    account = managing(request)
    values = change.dict(exclude_unset=True)
    if values.get("time_zone") is not None:
        account.time_zone = values["time_zone"]
    if "price" in values:
        account.price = None if values["price"] is None else round(Decimal(str(values["price"])), 4)
    try:
        account.full_clean(exclude=["email", "username", "password"])
    except ValidationError as error:
        raise HttpError(422, "cannot be taken: " + ", ".join(sorted(error.message_dict))) from error
    account.save(update_fields=["time_zone", "price"])
    return account_out(account)


@router.get("tokens", response={200: list[TokenOut], 401: Error, 403: Error})
def read_tokens(request: HttpRequest):
    """Your tokens, but for their text, which is kept nowhere."""
    return [token_out(token) for token in managing(request).tokens.all()]


@router.post("tokens", response={201: NewToken, 401: Error, 403: Error, 404: Error, 409: Error, 422: Error})
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


@router.delete("tokens/{int:number}", response={204: None, 401: Error, 403: Error, 404: Error, 422: Error})
def delete_token(request: HttpRequest, number: int):
    """Revoke it: it reads nothing any more within seconds."""
    token = managing(request).tokens.filter(pk=number).first() if number < 2**63 else None
    if token is None:
        raise HttpError(404, "no such token")
    revoke(token)
    return 204, None

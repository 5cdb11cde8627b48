# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of what the API accepts and answers."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field, StringConstraints

from flukso_server.accounts.membership import CENTS_MAX
from flukso_server.accounts.models import Account
from flukso_server.series.terms import KINDS

HexId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
# Names go into pages, files and logs, so they have no control characters.
Name = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
UInt32 = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]


class Error(Schema):
    error: str


class AccountOut(Schema):
    name: str
    time_zone: str
    unit: str


class AccountIn(Schema):
    time_zone: Annotated[str, StringConstraints(max_length=64)] | None = None
    unit: Literal[tuple(Account.Unit.values)] | None = None  # type: ignore[valid-type]


class PriceIn(Schema):
    cents_per_kwh: Annotated[
        Decimal, Field(ge=-CENTS_MAX, le=CENTS_MAX, max_digits=9, decimal_places=4)
    ]
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = "EUR"
    terms: dict | None = None  # docs/design/money.md


class PriceOut(Schema):
    since: date
    cents_per_kwh: float
    currency: str
    terms: dict | None


class DayPricesIn(Schema):
    per_kwh: list[Decimal]


class BillLine(Schema):
    kind: str
    name: str
    quantity: float
    unit: str
    price: float | None
    amount: float


class BillOut(Schema):
    start: int
    end: int
    lines: list[BillLine]
    total: float
    currency: str
    exact: bool
    hidden_quarters: int
    unpriced_kwh: float
    co2_kg: float | None


class SensorOut(Schema):
    id: HexId
    device: HexId | None
    sent_as: HexId = Field(description="the id under which its device sends")
    closed: int | None = Field(description="unix s at which its device was given on")
    name: str
    role: str
    type: str
    sensor_class: str = Field(alias="class")
    function: str
    enabled: bool
    last: list[int] = Field(description="[unix s, counter] of the newest tuple, or nothing")
    imported_until: int | None = Field(
        description="what is older was imported from another platform's thinned data"
    )
    troubles: list[str]


class DeviceOut(Schema):
    id: HexId
    name: str
    seen: datetime | None
    version: int | None
    uptime_s: int | None
    resets: int
    sensors: list[HexId]
    refusals: list[str] = Field(description="what it was refused, and what to do")


class Named(Schema):
    name: Name


class SensorIn(Schema):
    name: Name | None = None
    role: Literal["import", "export", "pv", "part"] | None = None


class ClaimIn(Schema):
    code: Annotated[str, StringConstraints(max_length=32)]


class ContinueIn(Schema):
    sensor: HexId = Field(description="of another device of yours")


class TokenOut(Schema):
    id: int
    name: str
    scope: str
    sensor: HexId | None
    created: datetime


class TokenIn(Schema):
    name: Name = ""
    scope: Literal["read", "manage"] = "read"
    sensor: HexId | None = None


class NewToken(TokenOut):
    token: str = Field(description="shown this once")


class Rows(Schema):
    unit: str
    step_s: int
    rows: list[Annotated[list[int | float | None], Field(min_length=2, max_length=2)]] = Field(
        description="[end of the bucket, value or null]"
    )


class Taken(Schema):
    new: int
    duplicate: int
    conflict: int
    refused: int
    form: Literal["counter", "power", "quarters"] = "counter"
    left_out: int = 0
    reasons: list[str] = Field(default=[], description="why lines were left out, 20 at most")


class CorrectionIn(Schema):
    kind: Literal[KINDS]  # type: ignore[valid-type]
    start: UInt32
    end: UInt32 | None = Field(None, description="included; of `exclude` and `accept`")
    value: Annotated[int, Field(ge=0, le=10**13)] | None = Field(
        None, description="of `level`: what the meter said, in Wh or litres"
    )


class CorrectionOut(Schema):
    id: int
    kind: str
    start: int
    end: int
    value: int
    made: int = Field(description="unix s")


class DoubtOut(Schema):
    start: int
    end: int
    reason: str = Field(description="odd, line, rise, gap or fall")
    why: str
    aside: int = Field(description="how many tuples are set aside")
    before: int
    after: int
    odd: int | None

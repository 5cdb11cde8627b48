# SPDX-License-Identifier: GPL-3.0-or-later
"""Members and series of the dashboard's tests."""

import json
from datetime import date, datetime, timedelta
from datetime import timezone as offsets
from decimal import Decimal
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.utils import timezone

from flukso_server.accounts import prices, sharing
from flukso_server.accounts.invitations import invite
from flukso_server.accounts.models import Account
from flukso_server.accounts.tokens import make_token
from flukso_server.accounts.zones import zone_of
from flukso_server.dashboard import chart_json, lines
from flukso_server.dashboard.lines import Line, Part
from flukso_server.dashboard.summary import summary
from flukso_server.devices import live
from flukso_server.devices.counting import FactBook
from flukso_server.devices.models import Heartbeat, Sensor
from flukso_server.project import stores
from flukso_server.series.appending import append
from flukso_server.series.ladder import grain_s
from flukso_server.series.sqlite.store import SqliteStore
from flukso_server.series.trust import Trust

DAY_S = 86_400


def set_price(name: str, cents: int, since: str, currency: str = "EUR") -> None:
    account = Account.objects.get(username=name)
    day = date.fromisoformat(since)
    prices.set_price(account, prices.Wanted(day, Decimal(cents), currency), date.today())


def invite_and_pay(name: str) -> None:
    """Give the member an invitation, a token and a price, for their pages to show."""
    account = Account.objects.get(username=name)
    invite(account, "friend@example.org", timezone.now())
    make_token(account, "one")
    prices.set_price(account, prices.Wanted(date(2026, 1, 1), Decimal(30)), date(2026, 1, 1))


def token_of(name: str) -> str:
    """Return a new token that reads all of the member's series."""
    return make_token(Account.objects.get(username=name), "test")[1]


def account_units() -> list[str]:
    """Return the units with which an account's charts can begin."""
    return list(Account.Unit.values)


def move(name: str, zone: str) -> str:
    """Let the member's household live in another time zone; return its former zones."""
    account = Account.objects.get(username=name)
    account.time_zone = zone
    account.save(update_fields=["time_zone"])
    return Account.objects.get(username=name).former_zones


def told(sensor: str, ts: int) -> tuple[str, bool]:
    """Return what the store is told of the sensor: the offset of its household then, the rule."""
    facts = FactBook()
    offset = datetime.fromtimestamp(ts, facts.zone(sensor)).strftime("%z")
    return offset, facts.rule(sensor).held


def beat_at(device: str, times: list[int]) -> None:
    """Note heartbeats of the device at these times, unix s."""
    for ts in times:
        Heartbeat.objects.create(device_id=device, at=datetime.fromtimestamp(ts, offsets.utc))


def make_peers(names: list[str]) -> None:
    """Make members who share their minutes with all."""
    for name in names:
        sharing.set_sharing(Account.objects.create_user(name), "minutes", "all")


def make_host(password: str, sensor: str) -> None:
    """Make host, who may invite, shares with all, and has a sensor without a device."""
    host = Account.objects.create_user("host", "host@example.org", password)
    EmailAddress.objects.create(user=host, email=host.email, verified=True, primary=True)
    sharing.set_sharing(host, "minutes", "all")
    Sensor.objects.create(pk=sensor, released_by=host, type="electricity", role="import")


def watch(name: str, left_s: float) -> None:
    """Let the member's page have been closed so that this much of its watch is left."""
    begun = timezone.now() - live.WATCH + timedelta(seconds=left_s)
    live.watch(Account.objects.get(username=name), begun)


def figures(name: str, now: int) -> dict:
    """Return the figures above the member's chart as they are at that time."""
    account = Account.objects.get(username=name)
    own = lines.own_line(account, lines.counters(account.pk), "electricity")
    return summary(stores.store(), account, own, prices.spans_of(account), now)._asdict()


def flows(households: list[list[str]]) -> list[list[str]]:
    """Return what households with sensors in these roles can show."""
    return [
        lines.flows_of([_electricity(role) for role in roles], "electricity")
        for roles in households
    ]


def _electricity(role: str) -> lines.Counter:
    return lines.Counter("a", "electricity", role, None, 1)


def old_days(path: str, zone: str, other: str, now: int) -> list[list]:
    """Return (grain, kind, step, values) of a household's days and nights, as its data ages.

    They are asked by the household, then by a viewer in another zone who sees it as a peer.
    """
    name = zone.replace("/", "-")
    home = Account.objects.create_user(name, time_zone=zone)
    viewer = Account.objects.create_user(name + "-viewer", time_zone=other)
    sensor, clock, facts = name.encode().hex()[:32].ljust(32, "0"), [now], FactBook()
    Sensor.objects.create(pk=sensor, released_by=home, type="electricity", role="import")
    trust = Trust(lambda: clock[0], lambda: clock[0])
    store = SqliteStore(path, rules=facts.rule, zones=facts.zone, trust=trust)
    start = now - 30 * DAY_S
    # a load that is another one in each quarter of an hour of each day
    rises = [(7919 * i // 3) % 400 for i in range(30 * 96)]
    levels = [sum(rises[:i]) for i in range(len(rises))]
    append(store, sensor, [(start + 900 * i, wh) for i, wh in enumerate(levels)], now)
    seen = []
    for days in (0, 100, 500):
        clock[0] = now + days * DAY_S
        trust.heard("household", clock[0])
        store.merge()
        grain = grain_s(start, store.horizons())
        for account, kind in ((home, "own"), (viewer, "peer")):
            part = Part(sensor, "import", 1, None)
            line = Line("me", "me", kind, (part,), "minutes", zone_of(home))
            asked = chart_json.Asked("electricity", start + DAY_S, now - 2 * DAY_S, "day")
            for step in ("day", "night"):
                asked.step = step
                answer = json.loads(chart_json.answer(store, account, asked, [line], clock[0]))
                seen.append([grain, kind, step, answer["lines"][0]["v"]])
    store.close()
    return seen


def old_minutes(path: str, now: int) -> list[list]:
    """Return (step, buckets, grain) of two hours by minute, asked 500, 100 and 5 days later."""
    store, sensor, ages = SqliteStore(path, clock=lambda: now), "a" * 32, (500, 100, 5)
    for days in ages:
        start = now - days * DAY_S
        append(store, sensor, [(start + 60 * n, 10 * days + n) for n in range(2000)], now)
    store.merge()
    part = Part(sensor, "import", 1, None)
    line = Line("me", "me", "own", (part,), "minutes", ZoneInfo("UTC"))
    account = Account.objects.get_or_create(username="ancient")[0]
    seen = []
    for days in ages:
        start = now - days * DAY_S + 3600
        asked = chart_json.Asked("electricity", start, start + 7200, "minute")
        answer = json.loads(chart_json.answer(store, account, asked, [line], now))
        seen.append([answer["step"], len(answer["t"]) - 1, grain_s(start, store.horizons())])
    store.close()
    return seen


def set_contract(name: str, since: str, terms: dict) -> None:
    """Give the member a contract with these terms (money/contract.py), and 30 cents a kWh."""
    wanted = prices.Wanted(date.fromisoformat(since), Decimal(30), "EUR", terms)
    prices.set_price(Account.objects.get(username=name), wanted, date.today())

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benches run on: devices and sensors in a throw-away installation, and uploads signed
beforehand.
"""

import hashlib
import hmac
import random
import time
from pathlib import Path

import numpy as np

from flukso_server.series.appending import append_many
from tools.harness import testbed

SENSORS = 30_000  # of 10,000 devices
SENSORS_A_DEVICE = 3
TUPLES = 5  # an upload: five minutes, a tuple a minute
DAY_S = 86_400
ROUND_S = TUPLES * 60  # from one upload of a sensor to its next


def environment(folder: Path) -> dict[str, str]:
    """The settings of an installation in this folder."""
    return testbed.environment(folder, FLUKSO_HTTPS="0", FLUKSO_LOG_LEVEL="WARNING")


def sensor_id(number: int) -> str:
    return hashlib.md5(b"sensor %d" % number, usedforsecurity=False).hexdigest()


def device_id(number: int) -> str:
    return hashlib.md5(b"device %d" % number, usedforsecurity=False).hexdigest()


def key(device: int) -> bytes:
    return hashlib.md5(b"key %d" % device, usedforsecurity=False).hexdigest().encode()


def fill_accounts(sensors: int = SENSORS) -> None:
    """Put devices and sensors of the account `bench` into the database of the running Django."""
    from flukso_server.accounts.models import Account
    from flukso_server.devices.digests import claim_code
    from flukso_server.devices.models import Device, Sensor
    from flukso_server.devices.seal import sealer

    account, _ = Account.objects.get_or_create(username="bench")
    seal = sealer().seal
    devices = [
        Device(
            pk=device_id(n),
            owner=account,
            sealed_key=seal(device_id(n), key(n)),
            claim_code=claim_code(key(n), device_id(n)),
            sign_required=True,
        )
        for n in range((sensors + SENSORS_A_DEVICE - 1) // SENSORS_A_DEVICE)
    ]
    Device.objects.bulk_create(devices, 1000)
    Sensor.objects.bulk_create(
        [
            Sensor(pk=sensor_id(n), device_id=device_id(n // SENSORS_A_DEVICE))
            for n in range(sensors)
        ],
        1000,
    )


def fill(sensors: int, rounds: int, begin: int) -> None:
    """Fill an empty installation; to be called where Django is set up (`testbed.call_in`)."""
    from flukso_server.project import stores

    fill_accounts(sensors)
    fill_rounds(stores.store(), sensors, rounds, begin)


def fill_history(days: int) -> str:
    """Fill an empty installation with aged days of three sensors; return a token to read them."""
    from flukso_server.accounts.models import Account
    from flukso_server.accounts.tokens import make_token
    from flukso_server.project import stores

    fill_accounts(SENSORS_A_DEVICE)
    now = int(time.time()) // 60 * 60
    fill_days(stores.store(merge=True), SENSORS_A_DEVICE, days, now)
    return make_token(Account.objects.get(username="bench"))[1]


def fill_days(store, sensors: int, days: int, now: int) -> None:
    """Days of minutes of the first sensors, up to now, merged and aged."""
    from tools.bench.platform.households import Households

    homes = Households(sensors)
    shift = now - (homes.now + days * DAY_S)
    for _ in range(days):
        ts, counters = homes.minutes(DAY_S // 60)
        stamps = (np.minimum(ts, homes.now) + shift).tolist()
        rows = [list(zip(*row, strict=True)) for row in zip(stamps, counters.tolist(), strict=True)]
        append_many(store, [(sensor_id(n), rows[n]) for n in range(sensors)], now)
    store.merge()


def fill_rounds(store, sensors: int, rounds: int, begin: int) -> None:
    """What the first rounds of uploads hold, as if they had come."""
    now = int(time.time())
    for count in range(rounds):
        uploads = [(sensor_id(n), tuples(n, count, begin)) for n in range(sensors)]
        for at in range(0, sensors, 1000):
            append_many(store, uploads[at : at + 1000], now)


def start_time(rounds: int) -> int:
    """When the uploads' first tuple is: so many rounds end now, as those of devices do."""
    return int(time.time()) // 60 * 60 - rounds * ROUND_S


def tuples(number: int, upload: int, begin: int) -> list[tuple[int, int]]:
    """The tuples of a sensor's n-th upload: a tuple a minute at the sensor's own second, some 10 Wh
    a minute.
    """
    chance = random.Random(number * 1_000_003 + upload)
    first = begin + upload * ROUND_S + number % 60
    counter = number * 1000 + upload * TUPLES * 10
    return [(first + 60 * n, counter + 10 * n + chance.randrange(10)) for n in range(TUPLES)]


def upload(number: int, count: int, begin: int, path: bytes = b"/sensor/") -> bytes:
    """The n-th upload of a sensor as the bytes of a signed HTTP request."""
    rows = ",".join(f"[{stamp},{counter}]" for stamp, counter in tuples(number, count, begin))
    body = b'{"measurements":[' + rows.encode() + b"]}"
    target = path + sensor_id(number).encode()
    secret = key(number // SENSORS_A_DEVICE)
    digest = hmac.digest(secret, body, "sha1").hex().encode()
    sign = hmac.digest(secret, target + b"\n" + body, "sha256").hex().encode()
    return (
        b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Version: "
        b"1.0\r\n"
        b"User-Agent: Fluksometer v210\r\nX-Digest: %b\r\nX-Sign: %b\r\nContent-Length: "
        b"%d\r\n\r\n%b"
    ) % (target, digest, sign, len(body), body)


def write_uploads(
    file: Path, rounds: range, begin: int, sensors: int = SENSORS, path: bytes = b"/sensor/"
) -> int:
    """Uploads of all sensors, in another random order each round, for wrk; returns how many."""
    order = list(range(sensors))
    with open(file, "wb") as out:
        for count in rounds:
            random.Random(count).shuffle(order)
            for number in order:
                request = upload(number, count, begin, path)
                out.write(b"%08d" % len(request) + request)
    return len(order) * len(rounds)

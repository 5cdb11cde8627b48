# SPDX-License-Identifier: GPL-3.0-or-later
"""What overlapping transactions do in the accounts' database, played by threads in a process where
Django is set up; each function returns what came of it.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from django.db import connection, transaction

from flukso_server.devices import changes
from flukso_server.devices.models import Device
from flukso_server.devices.registration import Offer, Refused, register
from flukso_server.devices.seal import sealer
from flukso_server.project.networks import networks

NOW = datetime(2026, 7, 15, 10, tzinfo=timezone.utc)
THREADS = 24


def registrations(devices: int, unclaimed_max: int, origin: str) -> tuple[int, int]:
    """Return how many of so many devices, registered by THREADS at once, were taken, and how many
    are there.
    """
    gate = threading.Barrier(THREADS)

    def worker(place: int) -> int:
        gate.wait()
        taken = 0
        for number in range(place, devices, THREADS):
            offer = Offer(f"{number:032x}".encode(), True, networks(origin), NOW)
            try:
                register(f"{number:032x}", offer, unclaimed_max, sealer())
                taken += 1
            except Refused:
                pass
        connection.close()
        return taken

    with ThreadPoolExecutor(THREADS) as pool:
        taken = sum(pool.map(worker, range(THREADS)))
    return taken, Device.objects.count()


def late_commit(newer: int) -> list[tuple[bool, int]]:
    """Return what is read of a change that commits after so many newer ones, look by look."""
    written, commit = threading.Event(), threading.Event()

    def late() -> None:
        with transaction.atomic():
            changes.tokens_changed(["late"])
            written.set()
            commit.wait()
        connection.close()

    mark = changes.mark()
    looks = []

    def look() -> None:
        nonlocal mark
        rows, mark = changes.read(mark)
        looks.append([key for _id, _kind, key in rows])

    thread = threading.Thread(target=late)
    thread.start()
    written.wait()
    for number in range(newer):
        changes.sensor_changed(str(number))
    look()
    look()
    commit.set()
    thread.join()
    look()
    look()
    return [("late" in keys, len(keys)) for keys in looks]

# SPDX-License-Identifier: GPL-3.0-or-later
"""`demo_uploads URL`: uploads for the devices of the demo household until SIGTERM."""

import json
import signal
import time

import requests
from django.core.management.base import BaseCommand

from flukso_server.dashboard import street
from flukso_server.hot.signer import Signer
from flukso_server.project import stores
from flukso_server.series.admission import MAX_TUPLES

EACH_S = 60
OFTEN_S = 10  # the shortest interval that a platform may ask for, docs/design/protocols.md §8.6
BEAT_S = 3600
LIMIT_S = 30  # for one answer
STOPS = (signal.SIGTERM, signal.SIGINT)


class Command(BaseCommand):
    help = (
        "Uploads what the demo household and its neighbours count, from where they ended; "
        "prints what it sent when it is stopped."
    )

    def add_arguments(self, parser):
        parser.add_argument("url", help="of a running platform")

    def handle(self, *args, url, **options):
        stops: list[int] = []
        # A signal that comes during an upload may be delivered to one of numpy's threads, which do
        # not block it: without a handler it would end the process at once.
        for each in STOPS:
            signal.signal(each, lambda number, _frame: stops.append(number))
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        devices = Devices(url.rstrip("/"), street.boxes(stores.store()))
        stores.close()
        waited = None
        while not stops and waited is None:
            try:
                devices.upload(time.time())
            except requests.RequestException as error:
                self.stderr.write(f"not uploaded, the next round will do: {error}")
            if not stops:
                waited = signal.sigtimedwait(STOPS, devices.pause_s(time.time()))
        self.stdout.write(json.dumps({"uploads": devices.uploads, "tuples": devices.tuples}))


class Devices:
    """The devices, which share a connection and the interval that the platform asks for."""

    def __init__(self, url: str, boxes: list[street.Box]):
        self.uploads = self.tuples = 0
        self._url = url
        self._boxes = boxes
        self._session = requests.Session()
        self._every_s = EACH_S
        self._began = self._beat = 0.0

    def pause_s(self, now: float) -> float:
        """Return how long it is until the next round."""
        return self._every_s - now % self._every_s

    def upload(self, now: float) -> None:
        """Send what was counted since the last successful round.

        Raises RequestException if the platform does not accept it.
        """
        self._began = self._began or now
        every_s, until = EACH_S, int(now // self._every_s * self._every_s)
        for box in self._boxes:
            signer = Signer(box.key)
            for meter in box.meters:
                tuples = meter.count(until)
                for begin in range(0, len(tuples), MAX_TUPLES):
                    answer = self._post(
                        signer,
                        f"/sensor/{meter.sensor}",
                        {"measurements": tuples[begin : begin + MAX_TUPLES]},
                    )
                    self.uploads += 1
                    if "X-Upload-Interval" in answer.headers:
                        every_s = OFTEN_S
                self.tuples += len(tuples)
                meter.accept()
            if now - self._beat >= BEAT_S:
                beat = {"time": int(now), "uptime": int(now - self._began), "reset": 0}
                self._post(signer, f"/device/{box.device}", beat)
        self._every_s = every_s
        if now - self._beat >= BEAT_S:
            self._beat = now

    def _post(self, signer: Signer, path: str, message: dict) -> requests.Response:
        body = json.dumps(message).encode()
        signs = {
            "X-Version": "1.0",
            "X-Digest": signer.digest(body),
            "X-Sign": signer.sign(path.encode(), body),
        }
        answer = self._session.post(
            self._url + path,
            body,
            headers={"Content-Type": "application/json", **signs},
            timeout=LIMIT_S,
        )
        answer.raise_for_status()
        return answer

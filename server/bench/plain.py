# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingest bench's comparison: the same upload, taken by a plain Django view with the ORM and the whole middleware."""

import hmac
import json
import time

import django
from django.core.asgi import get_asgi_application

django.setup()

from devices.models import Sensor  # noqa: E402 # the apps must be there first
from devices.seal import sealer  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from project.stores import store  # noqa: E402

SEALER = sealer()


@csrf_exempt
def upload(request, sensor):
    row = Sensor.objects.select_related("device").get(pk=sensor)
    key = SEALER.open(row.device_id, bytes(row.device.sealed_key))
    if not hmac.compare_digest(hmac.digest(key, request.body, "sha1").hex(), request.headers["X-Digest"]):
        return JsonResponse({"error": "Incorrect digest"}, status=401)
    tuples = [(stamp, counter) for stamp, counter in json.loads(request.body)["measurements"]]
    store().append(sensor, tuples, int(time.time()))
    return JsonResponse({"response": "ok"})


urlpatterns = [path("sensor/<sensor>", upload)]
application = get_asgi_application()

# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingest bench's comparison: the same upload, taken by a plain Django view with the ORM and the
whole middleware.

One process as well, on the same store with the same group commit. Django's WSGI handler runs in
threads that stay, as under any WSGI server, so that each has its database connection; as an ASGI
application, Django would open a new one for every request.
"""

import asyncio
import hmac
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor

import django

from flukso_server.series.appending import append

django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from flukso_server.devices.models import Sensor  # noqa: E402 # the apps must be there first
from flukso_server.devices.seal import sealer  # noqa: E402
from flukso_server.project.stores import store  # noqa: E402

SEALER = sealer()
THREADS = 16  # wait for the disk together


@csrf_exempt
def upload(request, sensor):
    row = Sensor.objects.select_related("device").get(pk=sensor)
    key = SEALER.open(row.device_id, bytes(row.device.sealed_key))
    if not hmac.compare_digest(
        hmac.digest(key, request.body, "sha1").hex(), request.headers["X-Digest"]
    ):
        return JsonResponse({"error": "Incorrect digest"}, status=401)
    tuples = [(stamp, counter) for stamp, counter in json.loads(request.body)["measurements"]]
    append(store(), sensor, tuples, int(time.time()))
    return JsonResponse({"response": "ok"})


urlpatterns = [path("sensor/<sensor>", upload)]
handler = WSGIHandler()
threads = ThreadPoolExecutor(THREADS, "plain")


async def application(scope, receive, send) -> None:
    """Enough of a WSGI server for the bench's requests."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    status, headers, content = await asyncio.get_running_loop().run_in_executor(
        threads, _call, scope, body
    )
    head = [(name.lower().encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": content})


def _call(scope, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    environ = {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": scope["path"],
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/json",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }
    environ |= {
        "HTTP_" + name.decode().upper().replace("-", "_"): value.decode()
        for name, value in scope["headers"]
    }
    told: list = []
    answer = handler(
        environ, lambda status, headers, error=None: told.append((int(status.split()[0]), headers))
    )
    content = b"".join(answer)
    answer.close()
    return (*told[0], content)

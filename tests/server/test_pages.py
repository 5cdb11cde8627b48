# SPDX-License-Identifier: GPL-3.0-or-later
"""Django's branch: few threads that keep their connections, whatever number of requests comes;
streams, limits, errors.
"""

import json

import pytest

PROGRAM = """
import asyncio, json, sys, threading, types
from django.conf import settings
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

kept = []

def who(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    kept.append(connection.connection)  # so that no two have one id
    return HttpResponse(f"{threading.get_ident()} {id(connection.connection)}")

def size(request):
    return HttpResponse(str(len(request.body)))

def broken(request):
    raise ValueError("broken")

def stream(request):
    return StreamingHttpResponse(iter([b"a", b"b", b"c"]))

closed = []

async def endless():
    try:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)
    finally:
        closed.append(True)

def live(request):
    return StreamingHttpResponse(endless())

urls = types.ModuleType("urls")
urls.urlpatterns = [path(view.__name__, view) for view in (who, size, broken, stream, live)]
sys.modules["urls"] = urls
settings.ROOT_URLCONF = "urls"
settings.MIDDLEWARE = []
from flukso_server.project.django_branch import THREADS, Pages

async def ask(pages, name, body=b"", leaves_after=None):
    sent, messages = [], [{"type": "http.request", "body": body}]
    gone = asyncio.Event()
    async def receive():
        if messages:
            return messages.pop()
        await gone.wait()
        return {"type": "http.disconnect"}
    async def send(message):
        sent.append(message)
        if len(sent) == leaves_after:
            gone.set()
    scope = {"type": "http", "method": "POST", "path": "/" + name, "raw_path": b"/" + name.encode(), "query_string": b"",
             "headers": [(b"host", b"localhost"), (b"content-length", b"%d" % len(body))]}
    await pages(scope, receive, send)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]).decode()

async def main():
    pages = Pages()
    found = {"threads": THREADS, "who": [await asyncio.gather(*(ask(pages, "who") for _ in range(40))) for _ in range(2)]}
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    found["fits"], found["large"] = await ask(pages, "size", bytes(most)), await ask(pages, "size", bytes(most + 1))
    found["broken"], found["stream"] = await ask(pages, "broken"), await ask(pages, "stream")
    found["live"] = await asyncio.wait_for(ask(pages, "live", leaves_after=4), 20)
    await asyncio.sleep(0.1)
    found["closed"] = closed
    pages.stop()
    print("FOUND " + json.dumps(found))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def found(platform):
    return json.loads(platform.command("shell", "-v0", "-c", PROGRAM).split("FOUND ")[1])


def test_many_requests_share_few_threads_which_keep_their_connection(found):
    told = [each[1] for turn in found["who"] for each in turn]
    assert len(told) == 80 and {each[0] for turn in found["who"] for each in turn} == {200}
    threads, pairs = {each.split()[0] for each in told}, set(told)
    assert len(pairs) == len(threads) <= found["threads"]


def test_a_body_is_taken_up_to_its_limit(found):
    assert found["fits"] == [200, str(1 << 20)] and found["large"][0] == 413


def test_a_broken_view_is_a_plain_500(found):
    assert found["broken"][0] == 500 and "ValueError" not in found["broken"][1]


def test_a_stream_is_passed_on_and_ends_when_its_reader_leaves(found):
    assert found["stream"] == [200, "abc"]
    assert (
        found["live"][0] == 200 and found["live"][1].startswith("x") and found["closed"] == [True]
    )

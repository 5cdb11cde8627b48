# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is sent, the hot path answers in its own words and stores only what it should."""

import json
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.harness.device import DEVICE, KEY, SENSOR, SENSOR_2

STATUSES = {200, 204, 400, 401, 404, 405, 408, 413}
QUIET = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
UINT32 = st.integers(0, 2**32 - 1)


def check(reply):
    assert reply.status in STATUSES, (reply.status, reply.body)
    assert reply.headers["Content-Length"] == str(len(reply.body))
    if reply.status >= 400:
        assert list(json.loads(reply.body)) == ["error"]


@QUIET
@given(st.binary(max_size=200))
def test_any_bytes_with_a_good_digest(client, body):
    check(client.post("/sensor/" + SENSOR, body))
    check(client.post("/device/" + DEVICE, body))


@QUIET
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "measurements": JSON,
            "config": JSON,
            "key": JSON,
            "time": JSON,
            "uptime": JSON,
            "version": JSON,
        },
    )
)
def test_any_json_with_a_good_digest(client, message):
    body = json.dumps(message).encode()
    check(client.post("/sensor/" + SENSOR, body))
    check(client.post("/device/" + DEVICE, body))


@QUIET
@given(st.lists(st.tuples(UINT32, UINT32), max_size=8))
def test_any_tuples_are_answered_200_and_come_back_or_were_refused(
    platform, client, people, minute, tuples
):
    beat = {"version": 210, "uptime": 1, "reset": 0, "time": int(time.time())}
    client.post("/device/" + DEVICE, beat)  # a clock that nobody confirms would put some off
    assert client.upload(SENSOR_2, tuples).status == 200
    held = dict(platform.held(SENSOR_2))
    ten_years = minute - 3652 * 86_400
    assert all(stamp in held for stamp, _ in tuples if ten_years + 86_400 < stamp <= minute)
    assert not any(stamp in held for stamp, _ in tuples if stamp > minute + 400)


@QUIET
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=60)
)
def test_any_path_and_query(client, people, text):
    for path in (
        "/sensor/" + text,
        f"/sensor/{SENSOR}?{text}",
        f"/sensor/{SENSOR}/{text}",
        "/device/" + text,
    ):
        check(client.get(path, X_Token=people["alice"]))


@QUIET
@given(
    st.dictionaries(
        st.sampled_from(["start", "end", "interval", "resolution", "unit", "callback", "param"]),
        st.text(max_size=12),
    )
)
def test_any_parameters(client, people, parameters):
    from urllib.parse import urlencode

    query = urlencode({"version": "1.0", "unit": "watt"} | parameters)
    check(client.get(f"/sensor/{SENSOR}?{query}", X_Token=people["alice"]))


@QUIET
@given(
    st.sampled_from(["X-Digest", "X-Sign", "X-Version", "Content-Type"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=70),
)
def test_any_header(platform, client, name, value):
    value = value.replace("\x7f", "").strip()
    if all(ord(letter) < 127 or ord(letter) > 159 for letter in value):
        check(
            client.request(
                "POST",
                "/sensor/" + SENSOR,
                b'{"measurements":[]}',
                {"X-Version": "1.0", "X-Digest": "0" * 40} | {name: value},
            )
        )
    assert KEY not in platform.log.read_text()

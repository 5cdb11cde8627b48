# SPDX-License-Identifier: GPL-3.0-or-later
"""The API keeps to its own description: schemathesis asks everything that the description allows of
what exists.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import load_all_checks

from tests.server.conftest import people_of
from tests.server.database import update, value
from tests.server.test_api import TABLE, USING_UP, described
from tools.harness.device import DEVICE, KEY, SENSOR
from tools.harness.testbed import Platform

EXAMPLES = 12  # an operation; `slow` runs more
OPERATIONS = sorted(
    {(method, described(path)) for method, path, *_ in TABLE}
    | {(method, path) for method, path, *_ in USING_UP}
)
SPARE = "5" * 32  # a device to be given up


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    load_all_checks()
    with Platform(
        tmp_path_factory.mktemp("schema"), None, {DEVICE: KEY}, {SENSOR: DEVICE}, FLUKSO_HTTPS="0"
    ) as platform:
        token = people_of(platform)["alice-manage"]
        platform.provision({SPARE: KEY}, {})
        update(
            platform,
            "devices.Device",
            {"owner": value(platform, "accounts.Account", "pk", username="alice")},
            pk=SPARE,
        )
        number = platform.call("tests.server.inside.accounts.token", "alice", "to be revoked")
        found = schemathesis.openapi.from_url(
            f"http://localhost:{platform.port}/api/1/openapi.json"
        )
        yield found, {"Authorization": "Bearer " + token}, number


def ask(api, method, path, examples):
    schema, headers, number = api
    given_up = (method, path) == ("DELETE", "devices/{device}")
    # ids are replaced by ones that exist, so the generator's idea of what must be refused no longer
    # holds; permissions: test_api.py
    names = ("ignored_auth", "negative_data_rejection", "positive_data_acceptance")
    excluded = [schemathesis.checks.CHECKS.get_one(name) for name in names]

    @settings(
        max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        schema["/api/1/" + path][method].as_strategy(
            generation_mode=schemathesis.GenerationMode.POSITIVE
        )
    )
    def holds(case):
        existing = {"sensor": SENSOR, "device": SPARE if given_up else DEVICE, "number": number}
        case.path_parameters = {
            name: existing.get(name, value) for name, value in (case.path_parameters or {}).items()
        }
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    holds()


@pytest.mark.parametrize("method, path", OPERATIONS)
def test_the_api_does_what_it_says(api, method, path):
    ask(api, method, path, EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("method, path", OPERATIONS)
def test_the_api_does_what_it_says_often(api, method, path):
    ask(api, method, path, 300)

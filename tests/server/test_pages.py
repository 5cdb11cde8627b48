# SPDX-License-Identifier: GPL-3.0-or-later
"""Django's branch: few threads that keep their connections, whatever number of requests comes;
streams, limits, errors.
"""

import pytest


@pytest.fixture(scope="module")
def found(platform):
    return platform.call_afresh("tests.server.inside.django_branch.answers")


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

# SPDX-License-Identifier: GPL-3.0-or-later
"""A session lives on while it is used, and costs no write for a page."""

AGE_S = 90 * 86_400


def test_a_session_is_renewed_once_a_day_of_use_and_else_not_written(desk):
    first, second, renewed, after = desk.call("tests.server.inside.sessions.looks")
    assert first[0] == 200 and first[3] == 90
    assert second == [200, None, 0, 90]
    assert renewed[1] == AGE_S and renewed[2] > 0 and renewed[3] == 90, (
        "also one that an older release gave fourteen days"
    )
    assert after == [200, None, 0, 90]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the deltas by the router's release, as `flukso-flash update` gives it to the board."""

import pytest

from flukso.flash import cli
from flukso.words import UsageError

RELEASES = [("2.0", 18), ("2.1.7", 18), ("2.4.1", 18), ("2.4.2", 22), ("2.5", 22), ("2.5.0", 22), ("3.0.0", 22)]


@pytest.mark.parametrize("release, digits", RELEASES)
def test_the_form_follows_the_release(release, digits):
    assert cli.form_of(release) == digits
    assert cli.read(["update", "--router-release", release])[2]["router-release"] == release


@pytest.mark.parametrize("release", ["", "2", "2.4.1.1", "x", "2.x", "-1.0", "2.4.", "r1234"])
def test_what_is_no_release_is_refused(release):
    assert cli.form_of(release) is None
    with pytest.raises(UsageError):
        cli.read(["update", "--router-release", release])

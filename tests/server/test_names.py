# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that count as one, names that nobody may have, and the way there with data that an older
schema allowed.
"""

import pytest

from tools.harness.testbed import Platform

HERE = "tests.server.inside.names."
OLD = HERE + "make_in_schema"
SAME = [
    ("finn", "ﬁnn"),
    ("Émile", "éMILE"),
    ("strasse", "Straße"),
    ("ａbel", "Abel"),
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),
]


@pytest.mark.parametrize("first, second", SAME)
def test_names_are_one_by_nfkc_and_case_folding(desk, first, second):
    refusals = desk.call(HERE + "refusals", first, second)
    assert len(refusals) == 3 and all("already" in text for text in refusals), refusals


def test_one_may_log_in_by_any_way_to_write_the_name(desk):
    names = ("zoë-fine", "ZOË-FINE", "Zoë-ﬁne")
    assert desk.call(HERE + "log_ins", "Zoë-ﬁne", names) == [302] * 3


def test_members_are_found_by_any_way_to_write_their_names(desk):
    assert desk.call(HERE + "meet", "ida", "Joën") == {
        "part of it": ["Joën"],
        "subscribed": "Joën",
        "named": ["Joën"],
        "left": [],
    }


@pytest.mark.parametrize("name", ["me", "demo", "Demo", "ｍｅ"])
def test_some_names_are_nobodys_operators_included(desk, name):
    with pytest.raises(RuntimeError, match="This name cannot be had") as told:
        desk.command("createsuperuser", "--noinput", "--username", name, "--email", "o@example.org")
    assert "Traceback" not in str(told.value)

    with pytest.raises(RuntimeError, match="This name cannot be had"):
        desk.call(HERE + "clean", name)


def test_the_way_there_and_back_with_names_that_clash(tmp_path):
    """The oldest keeps its name; nothing is lost either way."""
    with Platform(tmp_path, service=None) as desk:
        desk.command("migrate", "-v0", "accounts", "0010")
        names = ["finn", "ﬁnn", "finn-2", "demo", "ｍｅ", "Émile", "éMILE"]
        desk.call(OLD, "0010_names_in_any_case", names)
        desk.command("migrate", "-v0")
        there = desk.call(HERE + "oldest_first")
        assert there == ["finn", "ﬁnn-3", "finn-2", "demo-2", "ｍｅ-2", "Émile", "éMILE-2"]
        desk.command("migrate", "-v0", "accounts", "0010")
        assert desk.call(HERE + "oldest_first") == there
        desk.command("migrate", "-v0")
        desk.command("makemigrations", "--check", "--dry-run")

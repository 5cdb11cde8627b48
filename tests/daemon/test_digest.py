# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyed digests against the shared vectors and against Python's own hmac."""

import hashlib
import hmac as reference
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flukso.digest import hmac, same, x_digest, x_sign

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "digests.json").read_text())


@pytest.mark.parametrize("case", VECTORS["x_digest"], ids=lambda case: case["id"])
def test_x_digest(case):
    assert x_digest(case["key"], bytes.fromhex(case["body_hex"])) == case["digest"]


@pytest.mark.parametrize("case", VECTORS["x_sign"], ids=lambda case: case["id"])
def test_x_sign(case):
    assert x_sign(case["key"], case["path"], bytes.fromhex(case["body_hex"])) == case["sign"]


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_hmac_of_any_key_and_text(key, data):
    assert hmac(hashlib.sha1, key, data) == reference.new(key, data, "sha1").digest()
    assert hmac(hashlib.sha256, key, data) == reference.new(key, data, "sha256").digest()


@given(st.text(max_size=40), st.text(max_size=40))
def test_same(one, other):
    assert same(one, one)
    assert same(one, other) is (one == other)

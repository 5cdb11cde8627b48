# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for an upload: what proves its sender, and what is to be done with its body; pure.

Both paths of an upload ask here. hot/fast_uploads.py carries out the verdicts that need nothing but
the store; hot/writes.py carries out all of them, and tells the sender what is wrong.
"""

from collections import namedtuple
from enum import Enum
from hmac import compare_digest
from typing import Protocol

import msgspec
from msgspec import UNSET

from flukso_server.devices import unclaimed
from flukso_server.hot.measurements import Malformed, decode_upload, sift
from flukso_server.hot.signer import Signer

# A request of a sensor or device as it came: its path, the id in the path, the values of X-Digest
# and X-Sign (None where the header is absent), and the body.
Post = namedtuple("Post", ("path", "sender", "digest", "sign", "body"))


class Credentials(Protocol):
    """What the platform knows of a sender."""

    @property
    def signer(self) -> Signer | None:
        """Computes the digests with the sender's key; None if the key is not known."""

    @property
    def sign_required(self) -> bool:
        """Whether the sender has signed before: it must always sign then (§8.5)."""


class UploadSender(Credentials, Protocol):
    """What the platform knows of the sensor that uploads."""

    fresh_only: bool  # nobody has claimed its device, so it may not fill all of its past (§8.4)
    begins: int  # unix s: older tuples belong to a series before this one
    watched_until: float  # unix s until which it is asked to upload often (§8.6)


class Proof(Enum):
    """How a request proves that its sender holds the key."""

    WRONG = "a digest or a signature is wrong or missing"
    DIGEST = "X-Digest alone"
    SIGNED = "X-Digest and X-Sign"
    FIRST_SIGNED = "as SIGNED, by a sender that was not bound to sign; from now on it is"


WRONG, DIGEST, SIGNED, FIRST_SIGNED = Proof  # an Enum's attribute costs 0.1 µs


def prove(credentials: Credentials, post: Post) -> Proof:
    """Check X-Digest, and X-Sign where it is given or required."""
    path, _sender, digest, sign, body = post
    signer = credentials.signer
    if signer is None or digest is None:
        return WRONG
    if not compare_digest(digest, signer.digest(body).encode()):
        return WRONG
    if sign is None:
        return WRONG if credentials.sign_required else DIGEST
    if not compare_digest(sign, signer.sign(path, body).encode()):
        return WRONG
    return SIGNED if credentials.sign_required else FIRST_SIGNED


class Action(Enum):
    """What is to be done with an upload."""

    STORE = "store the tuples"
    CONFIGURE = "take over the configuration"
    REFUSE = "answer that the digest is wrong"
    REJECT = "answer that the body is malformed"


STORE, CONFIGURE, REFUSE, REJECT = Action


class Verdict(msgspec.Struct):
    """An action and what it needs."""

    action: Action
    first_signed: bool = False  # see Proof.FIRST_SIGNED
    watched: bool = False  # the answer asks the device to upload often
    tuples: list[tuple[int, int]] = []
    earlier: list[tuple[int, int]] = []  # of a series before this one
    too_old: int = 0  # tuples left out because nobody has claimed the device
    odd: int = 0  # pairs of numbers left out because they are no tuples
    config: dict | None = None


def judge_upload(sensor: UploadSender, post: Post, now: float) -> Verdict:
    """Decide about a POST to /sensor/<id>; the store still judges each tuple's time and counter."""
    proof = prove(sensor, post)
    if proof is WRONG:
        return Verdict(REFUSE)
    first_signed = proof is FIRST_SIGNED
    odd = too_old = 0
    try:
        body = decode_upload(post.body)
    except Malformed:
        try:
            tuples, odd = sift(post.body)
        except Malformed:
            return Verdict(REJECT, first_signed)
    else:
        if body.measurements is UNSET:
            return Verdict(CONFIGURE, first_signed, config=body.config or {})
        tuples = body.measurements
    earlier: list[tuple[int, int]] = []
    if sensor.begins:
        earlier = [pair for pair in tuples if pair[0] < sensor.begins]
        if earlier:
            tuples = [pair for pair in tuples if pair[0] >= sensor.begins]
    if sensor.fresh_only:
        oldest = int(now) - unclaimed.KEPT_S
        kept = [pair for pair in tuples if pair[0] >= oldest]
        too_old, tuples = len(tuples) - len(kept), kept
    watched = sensor.watched_until > now
    return Verdict(STORE, first_signed, watched, tuples, earlier, too_old, odd)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Static files of all apps, compressed once and kept in memory.

A page's twenty files must not cost twenty turns of Django's middleware.
"""

import asyncio
import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation

from flukso_server.hot.answers import Answer, send_answer
from flukso_server.project import bundle

FILES_MAX = 1000  # that are kept; ours, the admin's and the API page's are 200
BYTES_MAX = 32 << 20  # that are kept, compressed forms included
FILE_MAX = 4 << 20  # bytes of one file
MAX_AGE_S = 3600
FOREVER_S = 365 * 86_400  # for a path that changes with its content
TEXT = ("text/", "application/javascript", "application/json", "image/svg+xml")


class File(NamedTuple):
    """A file's headers and body, plain and packed; packed is None if that saves nothing."""

    etag: bytes
    plain: tuple[list, bytes]
    packed: tuple[list, bytes] | None


class Static:
    """Answers GET and HEAD below a prefix.

    A file stays as it was when it was first asked for, until the service is started anew.
    """

    def __init__(self, prefix: str):
        self._prefix = prefix
        self._files: dict[str, File] = {}
        self._bytes = 0

    async def __call__(self, scope, receive, send) -> None:
        await send_answer(Answer(*await self._answer(scope)), scope, send)

    async def _answer(self, scope) -> tuple[int, list, bytes]:
        if scope["method"] not in ("GET", "HEAD"):
            return (
                405,
                [(b"allow", b"GET, HEAD"), (b"content-length", b"0"), (b"connection", b"close")],
                b"",
            )
        name = unquote(scope["raw_path"].decode("ascii"))[len(self._prefix) :]
        file = self._files.get(name) or await asyncio.to_thread(self._load, name)
        if file is None:
            return 404, [(b"content-length", b"0")], b""
        asked = dict(scope["headers"])
        if file.etag in [each.strip() for each in asked.get(b"if-none-match", b"").split(b",")]:
            return 304, file.plain[0][2:], b""
        packed = file.packed if b"gzip" in asked.get(b"accept-encoding", b"") else None
        return 200, *(packed or file.plain)

    def _load(self, name: str) -> File | None:
        """Read and pack a file; None if no app has it."""
        if name.startswith(bundle.FOLDER):
            return self._load_bundle(*bundle.entry_of(name))
        body = _read(name)
        return None if body is None else self._kept(name, body, MAX_AGE_S)

    def _load_bundle(self, digest: str, entry: str) -> File | None:
        """Read and pack a bundle.

        A page from before an update asks for another digest. It gets the new bundle, but may keep
        it only for a while.
        """
        if entry not in settings.BUNDLES:
            return None
        current, body = bundle.bundled(entry)
        # one key for all other digests
        name = bundle.path_of(entry) if digest == current else entry + "?"
        return self._files.get(name) or self._kept(
            name, body, FOREVER_S if digest == current else MAX_AGE_S
        )

    def _kept(self, name: str, body: bytes, max_age_s: int) -> File:
        file = _packed(name, body, max_age_s)
        size = len(file.plain[1]) + (len(file.packed[1]) if file.packed else 0)
        if len(self._files) < FILES_MAX and self._bytes + size <= BYTES_MAX:
            self._files[name] = file
            self._bytes += size
        return file


def _read(name: str) -> bytes | None:
    """Read a file of an app; the finders refuse paths that leave their folders."""
    try:
        path = finders.find(name)
    except (SuspiciousFileOperation, ValueError, OSError):
        return None
    if (
        not isinstance(path, str)
        or not Path(path).is_file()
        or Path(path).stat().st_size > FILE_MAX
    ):
        return None
    return Path(path).read_bytes()


def _packed(name: str, body: bytes, max_age_s: int) -> File:
    kind = mimetypes.guess_type(name.rstrip("?"))[0] or "application/octet-stream"
    text = kind.startswith(TEXT)
    small = gzip.compress(body, 9, mtime=0) if text else body
    etag = b'"%b"' % hashlib.sha256(body).hexdigest()[:20].encode()
    kind = f"{kind}; charset=utf-8" if text else kind
    common = [
        (b"content-type", kind.encode()),
        (b"etag", etag),
        (
            b"cache-control",
            b"public, max-age=%d%b"
            % (max_age_s, b", immutable" if max_age_s == FOREVER_S else b""),
        ),
        (b"vary", b"Accept-Encoding"),
        (b"x-content-type-options", b"nosniff"),
    ]
    packed = (
        ([_length(small), *common, (b"content-encoding", b"gzip")], small)
        if len(small) < len(body)
        else None
    )
    return File(etag, ([_length(body), *common], body), packed)


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles translations from the sources that translators edit.

gettext needs its binary form of them, which is made when a service first starts with them.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path

DOMAIN = "django"
DIGEST_DIGITS = 16


def compiled(sources: Path, target: Path) -> Path:
    """Compile all sources/LANGUAGE/LC_MESSAGES/django.po, and return the folder of the results.

    The folder is below the target and named by a digest of the sources; if it exists, nothing is
    done. Several processes may compile at the same time. Raises babel's PoFileError, which names
    the line, for a malformed catalog.
    """
    catalogs = sorted(sources.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
    digest = hashlib.sha256(
        b"\0".join(
            str(path.relative_to(sources)).encode() + b"\0" + path.read_bytes() for path in catalogs
        )
    )
    folder = target / digest.hexdigest()[:DIGEST_DIGITS]
    if folder.exists():
        return folder
    target.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=target))
    try:
        for path in catalogs:
            _compile(path, making / path.relative_to(sources).with_suffix(".mo"))
        making.rename(folder)
    except OSError:
        if not folder.exists():  # otherwise another process was first
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _compile(source: Path, target: Path) -> None:
    from babel.messages.mofile import write_mo  # takes 0.1 s to load
    from babel.messages.pofile import read_po

    target.parent.mkdir(parents=True)
    with open(source, "rb") as catalog, open(target, "wb") as binary:
        write_mo(binary, read_po(catalog, abort_invalid=True))

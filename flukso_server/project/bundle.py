# SPDX-License-Identifier: GPL-3.0-or-later
"""Many source files sent as one: an entry's imports are put in their place, so that a page costs
one request for scripts and one for style.

Only what our own files use is known; anything else is a BundleError, which a test of each entry
shows.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

from django.contrib.staticfiles import finders

FOLDER = "bundle/"  # below the static files' prefix: bundle/DIGEST/ENTRY
DIGEST_DIGITS = 16

_CSS_IMPORT = re.compile(r'^@import "([^"]+)";$', re.M)
_IMPORT = re.compile(r'^import (?:(\* as \w+|\{[^}]*\}) from )?"([^"]+)";$', re.M)
_EXPORT = re.compile(r"^export (const|class|function|async function) (\w+)", re.M)
_EXPORT_LIST = re.compile(r"^export \{ ([\w, ]+) \};$", re.M)
_LEFT = re.compile(r"^(import|export)\b.*", re.M)


class BundleError(ValueError):
    """A file that cannot be put in its place; the text names it."""


@cache
def bundled(entry: str) -> tuple[str, bytes]:
    """(digest, content) of an entry, `….js` or `….css`, with all that it imports. Raises
    BundleError.
    """
    text = _style(entry, []) if entry.endswith(".css") else _script(entry)
    body = text.encode()
    return hashlib.sha256(body).hexdigest()[:DIGEST_DIGITS], body


def path_of(entry: str) -> str:
    """Where an entry's bundle is, below the static files' prefix; another content has another path."""
    return f"{FOLDER}{bundled(entry)[0]}/{entry}"


def entry_of(name: str) -> tuple[str, str]:
    """(digest asked for, entry) of a path that path_of() may have made."""
    digest, _slash, entry = name.removeprefix(FOLDER).partition("/")
    return digest, entry


def _read(name: str) -> str:
    path = finders.find(name)
    if not isinstance(path, str):
        raise BundleError(f"{name} is not there")
    return Path(path).read_text()


def _beside(name: str, other: str) -> str:
    if not other.startswith("./"):
        raise BundleError(f"{name}: {other} is not beside it")
    return str(PurePosixPath(name).parent / other[2:])


def _style(name: str, under: list[str]) -> str:
    if name in under:
        raise BundleError(f"{name} imports itself")
    return _CSS_IMPORT.sub(
        lambda found: _style(_beside(name, found[1]), [*under, name]), _read(name)
    )


def _script(entry: str) -> str:
    """Each module becomes a function that is called once and gives its exports; a script stands in
    the module that imports it alone.
    """
    modules: dict[str, str] = {}
    _module(entry, modules, [])
    return '"use strict";\n' + "\n".join(modules.values())


def _module(name: str, modules: dict[str, str], under: list[str]) -> str:
    """Add the module and, before it, what it imports; returns the variable of its exports."""
    variable = "$" + re.sub(r"\W", "_", name)
    if name in under:
        raise BundleError(f"{name} imports itself")
    if name not in modules:
        text = _IMPORT.sub(
            _importer(name, lambda other: _module(other, modules, [*under, name])), _read(name)
        )
        names = [found[2] for found in _EXPORT.finditer(text)]
        names += [each for found in _EXPORT_LIST.finditer(text) for each in found[1].split(", ")]
        text = _EXPORT_LIST.sub("", _EXPORT.sub(r"\1 \2", text))
        left = _LEFT.search(text)
        if left:
            raise BundleError(f"{name}: {left[0]}")
        modules[name] = (
            f"const {variable} = (() => {{\n{text}\nreturn {{ {', '.join(names)} }};\n}})();"
        )
    return variable


def _importer(name: str, module: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
    def put(found: re.Match[str]) -> str:
        what, other = found[1], _beside(name, found[2])
        if what is None:
            return _read(other)
        if what.startswith("*"):
            return f"const {what.removeprefix('* as ')} = {module(other)};"
        return f"const {what} = {module(other)};"

    return put

# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins an entry and all that it imports, so that a page costs one request for scripts and one for
style.

It knows the forms of import and export that our own files use. Any other is a BundleError, and a
test bundles each entry.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

from django.contrib.staticfiles import finders

LICENCE = "// SPDX-License-Identifier: GPL-3.0-or-later"  # in place of the modules' comments
FOLDER = "bundle/"  # below the static files' prefix: bundle/DIGEST/ENTRY
DIGEST_DIGITS = 16

_CSS_IMPORT = re.compile(r'^@import "([^"]+)";$', re.M)
_IMPORT = re.compile(r'^import (?:(\* as \w+|\{[^}]*\}) from )?"([^"]+)";$', re.M)
_EXPORT = re.compile(r"^export (const|class|function|async function) (\w+)", re.M)
_EXPORT_LIST = re.compile(r"^export \{ ([\w, ]+) \};$", re.M)
_COMMENT = re.compile(r"^ *//.*\n", re.M)  # whole lines alone: a URL has slashes too
_LEFT = re.compile(r"^(import|export)\b.*", re.M)


class BundleError(ValueError):
    """A file that cannot be joined; the text names it."""


@cache
def bundled(entry: str) -> tuple[str, bytes]:
    """Return (digest, content) of an entry, `….js` or `….css`, with all that it imports.

    Raises BundleError.
    """
    text = _style(entry, []) if entry.endswith(".css") else _script(entry)
    body = text.encode()
    return hashlib.sha256(body).hexdigest()[:DIGEST_DIGITS], body


def path_of(entry: str) -> str:
    """Return the path of an entry's bundle below the static files' prefix.

    It changes with the content.
    """
    return f"{FOLDER}{bundled(entry)[0]}/{entry}"


def entry_of(name: str) -> tuple[str, str]:
    """Return (digest, entry) of a path that may be one of path_of()."""
    digest, _slash, entry = name.removeprefix(FOLDER).partition("/")
    return digest, entry


def _read(name: str) -> str:
    path = finders.find(name)
    if not isinstance(path, str):
        raise BundleError(f"{name} does not exist")
    return Path(path).read_text()


def _beside(name: str, other: str) -> str:
    if not other.startswith("./"):
        raise BundleError(f"{name}: {other} does not begin with ./")
    return str(PurePosixPath(name).parent / other[2:])


def _style(name: str, under: list[str]) -> str:
    if name in under:
        raise BundleError(f"{name} imports itself")
    return _CSS_IMPORT.sub(
        lambda match: _style(_beside(name, match[1]), [*under, name]), _read(name)
    )


def _script(entry: str) -> str:
    """Return an entry's modules as one script, without their comments.

    Each module becomes a function that is called once and returns its exports. A script that is
    imported without names stands in the module that imports it.
    """
    modules: dict[str, str] = {}
    _module(entry, modules, [])
    return f'{LICENCE}\n"use strict";\n' + "\n".join(modules.values())


def _module(name: str, modules: dict[str, str], under: list[str]) -> str:
    """Add the modules that it imports and then itself; return the variable of its exports."""
    variable = "$" + re.sub(r"\W", "_", name)
    if name in under:
        raise BundleError(f"{name} imports itself")
    if name not in modules:
        text = _IMPORT.sub(
            _importer(name, lambda other: _module(other, modules, [*under, name])),
            _COMMENT.sub("", _read(name)),
        )
        names = [match[2] for match in _EXPORT.finditer(text)]
        names += [each for match in _EXPORT_LIST.finditer(text) for each in match[1].split(", ")]
        text = _EXPORT_LIST.sub("", _EXPORT.sub(r"\1 \2", text))
        left = _LEFT.search(text)
        if left:
            raise BundleError(f"{name}: {left[0]}")
        modules[name] = (
            f"const {variable} = (() => {{\n{text}\nreturn {{ {', '.join(names)} }};\n}})();"
        )
    return variable


def _importer(name: str, module: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        what, other = match[1], _beside(name, match[2])
        if what is None:
            return _read(other)
        if what.startswith("*"):
            return f"const {what.removeprefix('* as ')} = {module(other)};"
        return f"const {what} = {module(other)};"

    return replace

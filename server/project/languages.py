# SPDX-License-Identifier: GPL-3.0-or-later
"""Translations, from the sources that translators edit: gettext's binary form of them is made as a service starts."""

import ast
import os
import struct
import tempfile
from pathlib import Path

MAGIC = 0x950412DE  # of a .mo file
DOMAIN = "django"


class CatalogError(ValueError):
    """A line of a catalog that makes no sense; the text says where."""


def compiled(sources: Path, target: Path) -> Path:
    """Compile sources/LANGUAGE/LC_MESSAGES/django.po below the target and return it. Several processes may do so at a time."""
    for source in sources.glob(f"*/LC_MESSAGES/{DOMAIN}.po"):
        folder = target / source.parent.relative_to(sources)
        folder.mkdir(parents=True, exist_ok=True)
        found, path = binary(catalog(source.read_text())), folder / f"{DOMAIN}.mo"
        if not path.exists() or path.read_bytes() != found:
            _replace(path, found)
    return target


def catalog(text: str) -> dict[str, str]:
    """msgid -> msgstr of what is translated, as gettext keeps them: forms of a plural are separated by NUL. Raises CatalogError."""
    found: dict[str, str] = {}
    for number, paragraph in enumerate(text.split("\n\n"), 1):
        entry = _entry(paragraph, number)
        if entry.get("msgstr") and not any(line.startswith("#,") and "fuzzy" in line for line in paragraph.split("\n")):
            found[entry["msgid"]] = entry["msgstr"]
    return found


def _entry(paragraph: str, number: int) -> dict[str, str]:
    """msgid and msgstr of one entry; empty for what has comments alone."""
    parts: dict[str, str] = {}
    name = ""
    for line in paragraph.split("\n"):
        if not line or line.startswith("#"):
            continue
        word, _space, rest = line.partition(" ") if not line.startswith('"') else (name, "", line)
        try:
            text = ast.literal_eval(rest)
        except (SyntaxError, ValueError) as error:
            raise CatalogError(f"entry {number}: {line}") from error
        if word not in ("msgid", "msgid_plural", "msgstr", "msgstr[0]", "msgstr[1]") or not isinstance(text, str):
            raise CatalogError(f"entry {number}: {line}")
        name = word
        parts[name] = parts.get(name, "") + text
    if "msgid_plural" in parts:
        forms = [parts.get(f"msgstr[{n}]", "") for n in range(2)]
        return {"msgid": f"{parts['msgid']}\0{parts['msgid_plural']}", "msgstr": "\0".join(forms) if all(forms) else ""}
    return parts


def binary(messages: dict[str, str]) -> bytes:
    """A .mo file: header, both tables of lengths and offsets, the texts. gettext wants the originals in order."""
    pairs = sorted((key.encode(), text.encode()) for key, text in messages.items())
    head = 7 * 4
    at = head + 16 * len(pairs)
    tables: list[list[int]] = [[], []]
    body = b""
    for which in (0, 1):
        for pair in pairs:
            tables[which] += [len(pair[which]), at + len(body)]
            body += pair[which] + b"\0"
    count = len(pairs)
    header = struct.pack("<7I", MAGIC, 0, count, head, head + 8 * count, 0, 0)
    return header + struct.pack(f"<{4 * count}I", *tables[0], *tables[1]) + body


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.chmod(name, 0o644)
    os.replace(name, path)

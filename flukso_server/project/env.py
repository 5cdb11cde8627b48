# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed settings from the environment; a wrong one stops the start with an error that names it."""

import os
import re
from urllib.parse import parse_qsl, unquote, urlsplit

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


class EnvError(ValueError):
    """An environment variable is missing or wrong.

    The text names it, and never shows a secret.
    """


def text(name: str, default: str | None = None) -> str:
    """Return the variable's text, or that of the file that NAME_FILE names.

    Without a default it must be set and not be empty.
    """
    path = os.environ.get(name + "_FILE")
    if path is not None:
        try:
            with open(path, encoding="utf-8") as file:
                value: str | None = file.read().strip()
        except OSError as error:
            raise EnvError(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
    else:
        value = os.environ.get(name, default)
    if value is None or (value == "" and default is None):
        raise EnvError(f"{name} is missing")
    return value


def require(*names: str) -> None:
    """Raise an EnvError with the names of all that are missing, if any is."""
    missing = [
        name
        for name in names
        if not os.environ.get(name) and os.environ.get(name + "_FILE") is None
    ]
    if missing:
        raise EnvError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing; "
            f"docs/guide/server.md says what to set"
        )


def flag(name: str, default: bool) -> bool:
    """Read 1, true, yes, on or 0, false, no, off."""
    value = text(name, "1" if default else "0").lower()
    if value not in _TRUE | _FALSE:
        raise EnvError(f"{name}: {value!r} is neither 1 nor 0")
    return value in _TRUE


def number(name: str, default: int, least: int, most: int) -> int:
    """Read a whole number from `least` to `most`."""
    value = text(name, str(default))
    if not re.fullmatch(r"-?[0-9]{1,12}", value) or not least <= int(value) <= most:
        raise EnvError(f"{name}: {value!r} is not a whole number from {least} to {most}")
    return int(value)


def words(name: str, default: str) -> list[str]:
    """Read words separated by commas; empty ones are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def origin(name: str, default: str, https: bool) -> str:
    """Read where people find the platform, as `https://flukso.example.org`.

    A slash at the end is dropped.
    """
    value = (text(name, "") or default).rstrip("/")
    url = urlsplit(value)
    scheme = "https" if https else "http"
    if (
        not re.fullmatch(rf"{scheme}://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{{1,5}})?", value)
        or not url.hostname
    ):
        if url.scheme in ("http", "https") and url.path:
            raise EnvError(
                f"{name}: {value!r} has a path: the platform needs a name of its own and does not "
                f"work below one"
            )
        if url.scheme in ("http", "https") and url.scheme != scheme:
            raise EnvError(
                f"{name}: {value!r} does not begin with {scheme}://, as FLUKSO_HTTPS={int(https)} "
                f"wants"
            )
        raise EnvError(f"{name}: {value!r} is no URL like {scheme}://flukso.example.org")
    return value


def host_of(url: str) -> str:
    """Return a URL's host without its port, as ALLOWED_HOSTS wants it."""
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def secret(name: str, least: int) -> str:
    """Read a secret of at least that many characters."""
    value = text(name)
    if len(value) < least:
        raise EnvError(f"{name} is shorter than {least} characters")
    return value


def hex_keys(name: str) -> list[bytes]:
    """Read keys of 32 bytes, as 64 hex digits each, separated by commas.

    The first one encrypts and all of them decrypt, so that a key can be changed.
    """
    keys = text(name).split(",")
    if not all(re.fullmatch(r"[0-9a-fA-F]{64}", key.strip()) for key in keys):
        raise EnvError(f"{name} is not a list of keys with 64 hex digits each")
    return [bytes.fromhex(key.strip()) for key in keys]


def database(name: str, default: str) -> dict:
    """Return Django's settings for a database's URL.

    It is sqlite:///path or postgres://user:password@host:port/name?option=value.
    """
    url = urlsplit(text(name, default))
    if url.scheme == "sqlite":
        if url.netloc or len(url.path) < 2:
            raise EnvError(f"{name}: say sqlite:////absolute/path or sqlite:///relative/path")
        return _sqlite(url.path[1:])
    if url.scheme in ("postgres", "postgresql"):
        try:
            port = url.port
        except ValueError as error:
            raise EnvError(f"{name}: bad port") from error
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(url.path[1:]),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": unquote(url.hostname or ""),
            "PORT": str(port or ""),
            "OPTIONS": dict(parse_qsl(url.query)),
            "CONN_MAX_AGE": 60,  # s
            "CONN_HEALTH_CHECKS": True,
        }
    raise EnvError(f"{name}: a URL that begins with sqlite:/// or postgres:// is needed")


def mail(name: str, default: str) -> dict:
    """Return Django's settings for the URL of a way to send mails.

    It is smtp://user:password@host:port (STARTTLS if there is a user), smtps://… (TLS from the
    start) or file:///folder.
    """
    url = urlsplit(text(name, default))
    if url.scheme == "file":
        if url.netloc or len(url.path) < 2:
            raise EnvError(f"{name}: say file:///absolute/path")
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": unquote(url.path),
        }
    try:
        port = url.port
    except ValueError as error:
        raise EnvError(f"{name}: bad port") from error
    if url.scheme not in ("smtp", "smtps") or not url.hostname or url.path not in ("", "/"):
        raise EnvError(f"{name}: a URL that begins with smtp://, smtps:// or file:/// is needed")
    return {
        "EMAIL_HOST": url.hostname,
        "EMAIL_PORT": port or (465 if url.scheme == "smtps" else 587 if url.username else 25),
        "EMAIL_HOST_USER": unquote(url.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_SSL": url.scheme == "smtps",
        # no password goes over an open line
        "EMAIL_USE_TLS": url.scheme == "smtp" and url.username is not None,
        "EMAIL_TIMEOUT": 10,  # s; a person waits
    }


def _sqlite(path: str) -> dict:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 10,  # s; writers are short
            "transaction_mode": "IMMEDIATE",
            # FULL: an answer to a registration promises that it outlives a power cut
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA "
            "busy_timeout=10000",
        },
    }

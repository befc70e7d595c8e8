"""The environment, read once: typed values, secrets from `NAME` or `NAME_FILE`, and the data folder."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

_MOST_PIECES = 32_767


def secret(name: str) -> str:
    """The secret `name`: from the file that `NAME_FILE` points to (as Docker mounts them), else from `NAME`."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which can't be read: {error}") from error
    return os.environ.get(name, "").strip()


def public_address(url: str) -> tuple[str, str]:
    """BASE_URL as origin and path: https://example.com/timbre/ -> ("https://example.com", "/timbre")."""
    if not url:
        return "", ""
    found = re.fullmatch(r"(https?://[^/?#\s@]+)((?:/[\w.~-]+)*)/?", url, re.ASCII)
    if found is None:
        raise ImproperlyConfigured(
            f"BASE_URL is {url!r}, which is no address. Write https://timbre.example.com, or with a path "
            "https://example.com/timbre."
        )
    return found[1], found[2]


def most_pieces() -> int:
    """MAX_PIECES, which a row must be able to count (`Conversion.pieces`, two bytes on PostgreSQL)."""
    found: int = env.int("MAX_PIECES", default=1000)
    if not 1 <= found <= _MOST_PIECES:
        raise ImproperlyConfigured(f"MAX_PIECES is {found}. Write a number from 1 to {_MOST_PIECES}.")
    return found


def database(url: str) -> dict[str, Any]:
    """Django's settings of the database at `url`, which is SQLite's or PostgreSQL's."""
    found: dict[str, Any] = env.db_url_config(url)
    if found.get("ENGINE") not in ("django.db.backends.sqlite3", "django.db.backends.postgresql"):
        raise ImproperlyConfigured(
            "DATABASE_URL names no database that Timbre runs on. Write postgres://user:password@host/name, "
            "or leave it out for SQLite."
        )
    return found


def data_dir(default: Path) -> Path:
    """DATA_DIR, made if it is missing, readable by its owner alone."""
    path = Path(env.str("DATA_DIR", default=str(default))).expanduser().resolve()
    for folder in (path, path / "media", path / "uploads", path / "static"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def secret_key(folder: Path) -> str:
    """SECRET_KEY, or one made on the first start and kept in the data folder for its owner alone."""
    given = secret("SECRET_KEY")
    if given:
        return given
    path = folder / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    # Two processes may start at once: each writes its own file, the first link wins, both read the winner's.
    draft = folder / f".secret_key.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(50))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()


def broker_url(redis_url: str) -> str:
    """Celery's way of writing `redis_url`: a unix socket is `redis+socket://path?virtual_host=db` there."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={database}"

"""The sections ``[store]`` and ``[redis]``: where state lies.

Read by ``settings``, which knows what relative paths are relative to.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_SQLITE: Final = "sqlite+aiosqlite"
_POSTGRESQL: Final = "postgresql+asyncpg"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SERVER_FILES: Final = ("password_file", "ca_file", "certificate_file", "certificate_key_file")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Store(_Section):
    """State: *directory* holds database, keys, certificates and records unless set apart.

    *url* is ``sqlite+aiosqlite:///PATH`` or ``postgresql+asyncpg://USER@HOST:PORT/DATABASE``.
    *password_file* has the password for PostgreSQL and *ca_file* (PEM) the authorities of its
    server, by default those of this machine; *certificate_file* and *certificate_key_file* are what
    we show to it. *key_wrap* is what wraps private keys: the key in *key_file*, Vault's Transit
    engine, or a security module.
    """

    directory: Path = Path("var")
    url: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    key_wrap: Literal["file", "vault", "pkcs11"] = "file"
    key_file: Path | None = None

    @model_validator(mode="after")
    def _files_for_a_server(self) -> Self:
        parts = urlsplit(self.url or f"{_SQLITE}:")
        if parts.scheme not in {_SQLITE, _POSTGRESQL}:
            raise ValueError(f"the store is {_SQLITE}:///PATH or {_POSTGRESQL}://USER@HOST/NAME")
        if parts.password is not None:
            raise ValueError("a password does not belong into the address; use password_file")
        if parts.scheme == _SQLITE and any(getattr(self, name) for name in _SERVER_FILES):
            raise ValueError(f"{', '.join(_SERVER_FILES)} are for PostgreSQL")
        return self

    def database_url(self, base: Path) -> str:
        """Return the address of the database, its files as absolute paths under *base*."""
        if self.url is None:
            return f"{_SQLITE}:///{base / self.directory / 'sealgate.db'}"
        named = ((name, getattr(self, name)) for name in _SERVER_FILES)
        files = {name: str(base / path) for name, path in named if path is not None}
        if not files:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(files)}"


class Redis(_Section):
    """Redis or Valkey, where gateways on several hosts remember requests and count quotas.

    *url* is ``redis://HOST:PORT/NUMBER``, ``rediss://`` with TLS, or ``unix:///PATH``. *user* is
    that of its access list; *ca_file* (PEM) has the authorities of the server, by default those of
    this machine. While it is away, each of *gateways* gives its share of a quota.
    """

    url: str
    user: str = "default"
    password_file: Path | None = None
    ca_file: Path | None = None
    gateways: Annotated[int, Field(ge=1, le=1000)] = 2

    @field_validator("url")
    @classmethod
    def _place_without_a_secret(cls, url: str) -> str:
        parts = urlsplit(url)
        is_place = parts.path if parts.scheme == "unix" else parts.hostname
        if parts.scheme not in {"redis", "rediss", "unix"} or not is_place or parts.query:
            raise ValueError("must be redis://HOST:PORT/NUMBER, rediss://… or unix:///PATH")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a password does not belong into the address; use user, password_file")
        if parts.scheme != "unix" and not re.fullmatch("/?[0-9]{0,4}", parts.path):
            raise ValueError("a database of Redis is a number")
        if parts.scheme == "redis" and parts.hostname not in _LOOPBACK:
            raise ValueError("must be rediss:// for a server on another machine")
        return url

"""The sections ``[vault]`` and ``[pkcs11]``: what wraps the keys besides a file.

Read by ``settings``. What wraps the keys is named; nothing else ever takes its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from gateway.settings_store import Store

# Parts of a path of Vault's API; no dot, so that none is "..".
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
_Path = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}(/[A-Za-z0-9_-]{1,128}){0,7}$")]
_KvField = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}(/[A-Za-z0-9_-]{1,128}){0,7}#[A-Za-z0-9_-]{1,128}$")
]
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VaultSecrets(_Section):
    """Secrets that are read from Vault's KV v2 engine instead of a file, as ``path#field``.

    *storage_key* takes the place of ``store.key_file``: 32 bytes in base64.
    """

    upstream_api_key: _KvField | None = None
    storage_key: _KvField | None = None


class Vault(_Section):
    """OpenBao or HashiCorp Vault.

    *ca_file* (PEM) has the only authorities that vouch for it. *auth* is how the gateway logs in,
    at the mount *auth_mount*, by default the name of the method: ``approle`` with *role_id* and
    *secret_id_file*, which holds a wrapping token for the secret id unless *secret_id_wrapped* is
    false; ``kubernetes`` with *role* and *service_account_token_file*; ``token`` with *token_file*,
    which somebody else keeps fresh. *timeout_seconds* bounds each call.
    """

    url: str
    ca_file: Path | None = None
    namespace: _Path | None = None
    auth: Literal["approle", "kubernetes", "token"] = "approle"
    auth_mount: _Path | None = None
    role_id: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    secret_id_file: Path | None = None
    secret_id_wrapped: bool = True
    role: _Name | None = None
    service_account_token_file: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
    token_file: Path | None = None
    timeout_seconds: Annotated[float, Field(ge=0.05, le=0.9)] = 0.45
    transit_mount: _Path = "transit"
    transit_key: _Name = "sealgate"
    kv_mount: _Path = "secret"
    secrets: VaultSecrets = VaultSecrets()

    @field_validator("url")
    @classmethod
    def _origin_over_tls(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("must be an origin, https://HOST:PORT")
        if parts.hostname is None or parts.scheme not in {"https", "http"}:
            raise ValueError("must be an origin, https://HOST:PORT")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("must be https: keys and tokens pass there")
        return url

    @model_validator(mode="after")
    def _what_the_login_needs(self) -> Self:
        needed = {
            "approle": ("role_id", "secret_id_file"),
            "kubernetes": ("role",),
            "token": ("token_file",),
        }[self.auth]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"auth = {self.auth} needs {' and '.join(missing)}")
        return self


class Pkcs11(_Section):
    """A security module: its library, and the AES key *key_label* in the token *token_label*."""

    module: Path
    token_label: Annotated[str, Field(min_length=1, max_length=32)]
    key_label: Annotated[str, Field(pattern=r"^[ -~]{1,128}$")] = "sealgate"
    pin_file: Path


def uses_key_file(store: Store, vault: Vault | None) -> bool:
    """Return whether the wrapping key is in a file of the gateway's own."""
    is_provisioned = vault is not None and vault.secrets.storage_key is not None
    return store.key_wrap == "file" and not is_provisioned


def verify_key_service(store: Store, vault: Vault | None, pkcs11: Pkcs11 | None) -> None:
    """Raise ``ValueError`` unless the sections that *store* relies on are there and agree."""
    if store.key_wrap == "vault" and vault is None:
        raise ValueError("store.key_wrap = vault needs the section vault")
    if store.key_wrap == "pkcs11" and pkcs11 is None:
        raise ValueError("store.key_wrap = pkcs11 needs the section pkcs11")
    is_provisioned = vault is not None and vault.secrets.storage_key is not None
    if is_provisioned and (store.key_wrap != "file" or store.key_file is not None):
        raise ValueError("vault.secrets.storage_key takes the place of store.key_file alone")
    if store.key_wrap != "file" and store.key_file is not None:
        raise ValueError(f"store.key_file is not used with store.key_wrap = {store.key_wrap}")

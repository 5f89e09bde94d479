"""The Vault that was configured: what it wraps, which secrets it keeps, and how to log in there."""

from __future__ import annotations

from pathlib import Path

from gateway.backends.anonymous_file import AnonymousFile
from gateway.backends.key_service import KeyService, Upkeep
from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.upstream import ApiKey, ApiKeyFile
from gateway.backends.vault.connection import VaultAddress, VaultConnection
from gateway.backends.vault.logins import (
    AppRole,
    AppRoleLogin,
    KubernetesLogin,
    Login,
    TokenFile,
)
from gateway.backends.vault.secrets import (
    HeldApiKey,
    KvPlace,
    KvSecret,
    ProvisionedKeyWrap,
)
from gateway.backends.vault.session import KEEP_SECONDS, VaultSession
from gateway.backends.vault.transit import VaultKeyWrap
from gateway.backends.vault.wrapped_login import WrappedLogin
from gateway.core.ports import KeyWrap
from gateway.settings import Configuration, SettingsError
from gateway.settings_keys import Vault


def open_vault_service(
    configuration: Configuration,
    key_wrap: KeyWrap | None,
    meter: KeyServiceMeter,
    *,
    shared: AnonymousFile | None = None,
) -> KeyService:
    """Return what Vault does, which is asked nothing yet; *key_wrap* wraps if there is one.

    *shared* is what all processes of the service have, if there are several. Raises
    ``SettingsError`` for a file of authorities.
    """
    vault, at = configuration.settings.vault, configuration.at
    assert vault is not None
    session = _session(vault, at.base, meter=meter, shared=shared)
    upkeep: list[Upkeep] = [(KEEP_SECONDS, session.keep)]
    upstream_key: ApiKey = ApiKeyFile(at.upstream_api_key_file)
    if (name := vault.secrets.upstream_api_key) is not None:
        upstream_key = held = HeldApiKey(_secret(session, vault, name))
        upkeep.append((KEEP_SECONDS, held.refresh))
    return KeyService(
        key_wrap or _key_wrap(vault, session), upstream_key, tuple(upkeep), session.close
    )


def _key_wrap(vault: Vault, session: VaultSession) -> KeyWrap:
    if (name := vault.secrets.storage_key) is not None:
        return ProvisionedKeyWrap(session, _secret(session, vault, name))
    return VaultKeyWrap(session, mount=vault.transit_mount, key=vault.transit_key)


def _secret(session: VaultSession, vault: Vault, name: str) -> KvSecret:
    path, _, member = name.partition("#")
    return KvSecret(session, KvPlace(vault.kv_mount, path, member))


def _session(
    vault: Vault, base: Path, *, meter: KeyServiceMeter, shared: AnonymousFile | None
) -> VaultSession:
    address = VaultAddress(
        url=vault.url,
        ca_file=base / vault.ca_file if vault.ca_file else None,
        namespace=vault.namespace,
        timeout_seconds=vault.timeout_seconds,
    )
    try:
        connection = VaultConnection(address)
    except OSError:  # ssl.SSLError is one
        raise SettingsError(["vault.ca_file: no certificates can be read from it"]) from None
    return VaultSession(connection, _login(vault, base, meter=meter, shared=shared), meter=meter)


def _login(
    vault: Vault, base: Path, *, meter: KeyServiceMeter, shared: AnonymousFile | None
) -> Login:
    mount = vault.auth_mount or vault.auth
    if vault.auth == "token":
        assert vault.token_file is not None
        return TokenFile(base / vault.token_file)
    if vault.auth == "kubernetes":
        assert vault.role is not None
        return KubernetesLogin(mount, vault.role, base / vault.service_account_token_file)
    assert vault.role_id is not None
    assert vault.secret_id_file is not None
    app_role, file = AppRole(mount, vault.role_id), base / vault.secret_id_file
    if not vault.secret_id_wrapped:
        return AppRoleLogin(app_role, file)
    return WrappedLogin(
        app_role,
        file,
        role=f"{vault.url} {vault.namespace} {mount} {vault.role_id}",
        shared=shared or AnonymousFile(),
        raise_alarm=meter.wrapping_token_refused,
    )

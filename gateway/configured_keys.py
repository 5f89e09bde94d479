"""What was configured to wrap the keys and to keep the secrets, put together from the backends.

What the configuration names is used or nothing is: there is no other way to a key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gateway.backends.key_wrap import FileKeyWrap
from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.upstream import ApiKey, ApiKeyFile
from gateway.backends.vault.connection import VaultAddress, VaultConnection
from gateway.backends.vault.logins import (
    AppRoleLogin,
    KubernetesLogin,
    Login,
    SecretIdFile,
    TokenFile,
    WrappedSecretId,
)
from gateway.backends.vault.secrets import (
    HeldApiKey,
    KvPlace,
    KvSecret,
    ProvisionedKeyWrap,
)
from gateway.backends.vault.session import KEEP_SECONDS, VaultSession
from gateway.backends.vault.transit import VaultKeyWrap
from gateway.core.ports import KeyWrap
from gateway.settings import Configuration, SettingsError
from gateway.settings_keys import Pkcs11, Vault

# A library in C, an extra of its own: most gateways have no security module.
if find_spec("pkcs11") is not None:
    from gateway.backends.pkcs11_key_wrap import Pkcs11KeyWrap, Pkcs11Place

Upkeep = tuple[float, Callable[[], Awaitable[None]]]
"""A background task, and how many seconds after each end it begins again."""


@dataclass(frozen=True, slots=True)
class KeyService:
    """What wraps the keys, what knows vLLM's key, and what must run for both."""

    key_wrap: KeyWrap
    upstream_key: ApiKey
    upkeep: tuple[Upkeep, ...] = ()
    session: VaultSession | None = None

    async def close(self) -> None:
        """Give everything back. May be called after ``key_wrap.close``."""
        await self.key_wrap.close()
        if self.session is not None:
            await self.session.close()


def open_key_service(configuration: Configuration, meter: KeyServiceMeter) -> KeyService:
    """Return what is configured. Only files are looked at yet, no server and no module is asked.

    Raises ``StoreUnavailable`` for a key file, ``SettingsError`` for a file of authorities or a
    library that is not there.
    """
    settings, at = configuration.settings, configuration.at
    upstream_key: ApiKey = ApiKeyFile(at.upstream_api_key_file)
    if settings.vault is None:
        return KeyService(_key_wrap(configuration, None, meter), upstream_key)
    session = _session(settings.vault, at.base, meter)
    upkeep: list[Upkeep] = [(KEEP_SECONDS, session.keep)]
    secret = settings.vault.secrets.upstream_api_key
    if secret is not None:
        upstream_key = held = HeldApiKey(_secret(session, settings.vault, secret))
        upkeep.append((KEEP_SECONDS, held.refresh))
    return KeyService(
        _key_wrap(configuration, session, meter), upstream_key, tuple(upkeep), session
    )


def _key_wrap(
    configuration: Configuration, session: VaultSession | None, meter: KeyServiceMeter
) -> KeyWrap:
    settings, at = configuration.settings, configuration.at
    vault, pkcs11 = settings.vault, settings.pkcs11
    if settings.store.key_wrap == "pkcs11":
        assert pkcs11 is not None
        return _pkcs11_key_wrap(pkcs11, at.base, meter)
    if at.storage_key_file is not None:
        file = FileKeyWrap.open(at.storage_key_file)
        meter.answered()  # and nothing will keep it from answering again
        return file
    assert vault is not None
    assert session is not None
    if vault.secrets.storage_key is not None:
        return ProvisionedKeyWrap(session, _secret(session, vault, vault.secrets.storage_key))
    return VaultKeyWrap(session, mount=vault.transit_mount, key=vault.transit_key)


def _pkcs11_key_wrap(pkcs11: Pkcs11, base: Path, meter: KeyServiceMeter) -> KeyWrap:
    if find_spec("pkcs11") is None:
        raise SettingsError(["store.key_wrap: pkcs11 needs the extra sealgate[pkcs11]"])
    place = Pkcs11Place(
        module=base / pkcs11.module,
        token_label=pkcs11.token_label,
        key_label=pkcs11.key_label,
        pin_file=base / pkcs11.pin_file,
    )
    return Pkcs11KeyWrap(place, meter=meter)


def _secret(session: VaultSession, vault: Vault, name: str) -> KvSecret:
    path, _, member = name.partition("#")
    return KvSecret(session, KvPlace(vault.kv_mount, path, member))


def _session(vault: Vault, base: Path, meter: KeyServiceMeter) -> VaultSession:
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
    return VaultSession(connection, _login(vault, base, meter), meter=meter)


def _login(vault: Vault, base: Path, meter: KeyServiceMeter) -> Login:
    mount = vault.auth_mount or vault.auth
    if vault.auth == "token":
        assert vault.token_file is not None
        return TokenFile(base / vault.token_file)
    if vault.auth == "kubernetes":
        assert vault.role is not None
        return KubernetesLogin(mount, vault.role, base / vault.service_account_token_file)
    assert vault.role_id is not None
    assert vault.secret_id_file is not None
    file = base / vault.secret_id_file
    if not vault.secret_id_wrapped:
        return AppRoleLogin(mount, vault.role_id, SecretIdFile(file))
    alarm = meter.wrapping_token_refused
    wrapped = WrappedSecretId(file, mount=mount, raise_alarm=alarm)
    return AppRoleLogin(mount, vault.role_id, wrapped)

"""What was configured to wrap the keys and to keep the secrets, put together from the backends.

What the configuration names is used or nothing is: there is no other way to a key. The clients of
Vault and of a security module are loaded where there is one.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from gateway.backends.anonymous_file import AnonymousFile
from gateway.backends.key_service import KeyService
from gateway.backends.key_wrap import FileKeyWrap
from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.upstream import ApiKeyFile
from gateway.core.ports import KeyWrap
from gateway.settings import Configuration, SettingsError


def open_key_service(
    configuration: Configuration, meter: KeyServiceMeter, *, shared: AnonymousFile | None = None
) -> KeyService:
    """Return what is configured. Only files are looked at yet, no server and no module is asked.

    *shared* is what all processes of the service have, if there are several: by it they log in to
    Vault once. Raises ``StoreUnavailable`` for a key file, ``SettingsError`` for a file of
    authorities or a library that is not there.
    """
    if configuration.settings.vault is not None:
        vault = import_module("gateway.configured_vault")
        service: KeyService = vault.open_vault_service(
            configuration, _key_wrap_of_this_host(configuration, meter), meter, shared=shared
        )
        return service
    key_wrap = _key_wrap_of_this_host(configuration, meter)
    assert key_wrap is not None
    return KeyService(key_wrap, ApiKeyFile(configuration.at.upstream_api_key_file))


def _key_wrap_of_this_host(configuration: Configuration, meter: KeyServiceMeter) -> KeyWrap | None:
    if configuration.settings.store.key_wrap == "pkcs11":
        return _pkcs11_key_wrap(configuration, meter)
    if configuration.at.storage_key_file is None:
        return None
    file = FileKeyWrap.open(configuration.at.storage_key_file)
    meter.answered()  # and nothing will keep it from answering again
    return file


def _pkcs11_key_wrap(configuration: Configuration, meter: KeyServiceMeter) -> KeyWrap:
    if find_spec("pkcs11") is None:  # a library in C, an extra of its own
        raise SettingsError(["store.key_wrap: pkcs11 needs the extra sealgate[pkcs11]"])
    pkcs11, base = configuration.settings.pkcs11, configuration.at.base
    assert pkcs11 is not None
    backend = import_module("gateway.backends.pkcs11_key_wrap")
    place = backend.Pkcs11Place(
        module=base / pkcs11.module,
        token_label=pkcs11.token_label,
        key_label=pkcs11.key_label,
        pin_file=base / pkcs11.pin_file,
    )
    key_wrap: KeyWrap = backend.Pkcs11KeyWrap(place, meter=meter)
    return key_wrap

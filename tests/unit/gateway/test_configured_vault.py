"""Vault is asked as the configuration says, and at the first use."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.backends.key_service import KeyService
from gateway.backends.key_wrap import FileKeyWrap, create_key_file
from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.vault.secrets import ProvisionedKeyWrap
from gateway.backends.vault.transit import VaultKeyWrap
from gateway.configured_keys import open_key_service
from gateway.core.errors import StoreUnavailable, UpstreamUnavailable, WrappingTokenRefused
from gateway.core.secret import Secret
from gateway.settings import SettingsError, load_configuration
from tests.fakes.vault import FakeVault, fake_vault
from tests.unit.gateway.test_settings_keys import APPROLE

AUTH = {"auth": {"client_token": "s.1", "lease_duration": 600, "renewable": True}}


@pytest.fixture
async def vault() -> AsyncIterator[FakeVault]:
    """Give a Vault that lets everybody in."""
    async with fake_vault() as server:
        for mount in ("approle", "kubernetes", "own"):
            server.reply(f"auth/{mount}/login", (200, AUTH))
        server.reply("auth/token/lookup-self", (200, {"data": {"ttl": 60, "renewable": True}}))
        server.reply("auth/token/revoke-self", (204, {}))
        yield server


def opened(directory: Path, text: str, meter: KeyServiceMeter | None = None) -> KeyService:
    """Return the key service of a configuration of *text*."""
    file = directory / "sealgate.toml"
    file.write_text(text, "utf-8")
    return open_key_service(load_configuration(file), meter or KeyServiceMeter())


def put(directory: Path, name: str, text: str) -> None:
    """Write a file beside the configuration."""
    (directory / name).write_text(text)


async def test_transit_with_an_app_role(tmp_path: Path, vault: FakeVault) -> None:
    """Vault is asked at the first use: role id, secret id, namespace and key as configured."""
    put(tmp_path, "secret-id", "secret-1")
    text = APPROLE.replace("https://vault.example:8200", vault.url)
    text += 'secret_id_wrapped = false\nnamespace = "team"\ntransit_key = "gw"\n'
    service = opened(tmp_path, text)
    assert isinstance(service.key_wrap, VaultKeyWrap)
    assert vault.calls == []
    with pytest.raises(StoreUnavailable, match="no such Transit key"):
        await service.key_wrap.wrap(Secret(b"x"), kid="k")
    await service.close()
    login, looked, _ = vault.calls
    assert login.body == {"role_id": "role-1", "secret_id": "secret-1"}
    assert (looked.path, looked.token) == ("/v1/transit/keys/gw", "s.1")
    assert {call.headers["x-vault-namespace"] for call in vault.calls} == {"team"}


async def test_wrapped_secret_id_raises_the_alarm(tmp_path: Path, vault: FakeVault) -> None:
    """By default the secret id comes wrapped, and a used wrapping token shows in the metrics."""
    put(tmp_path, "secret-id", "used")
    vault.reply("sys/wrapping/lookup", (400, {}))
    registry = CollectorRegistry()
    text = APPROLE.replace("https://vault.example:8200", vault.url)
    service = opened(tmp_path, text, KeyServiceMeter(registry))
    with pytest.raises(WrappingTokenRefused):
        await service.key_wrap.wrap(Secret(b"x"), kid="k")
    await service.close()
    assert registry.get_sample_value("sealgate_wrapping_tokens_refused_total") == 1


@pytest.mark.parametrize(
    ("login", "path"),
    [
        ('auth = "kubernetes"\nrole = "gw"\nservice_account_token_file = "t"', "kubernetes"),
        ('auth = "kubernetes"\nauth_mount = "own"\nrole = "gw"\nservice_account_token_file = "t"',
         "own"),
        ('auth = "token"\ntoken_file = "t"', ""),
    ],
)  # fmt: skip
async def test_other_logins(tmp_path: Path, vault: FakeVault, login: str, path: str) -> None:
    """Kubernetes at its mount, and a token that somebody else keeps, which is not given back."""
    put(tmp_path, "t", "jwt-1")
    service = opened(
        tmp_path, f'[store]\nkey_wrap = "vault"\n[vault]\nurl = "{vault.url}"\n{login}'
    )
    ((_, keep),) = service.upkeep
    await keep()
    await service.close()
    if path:
        (call,) = vault.asked(f"auth/{path}/login")
        assert call.body == {"role": "gw", "jwt": "jwt-1"}
    else:
        assert {call.token for call in vault.calls} == {"jwt-1"}
    assert len(vault.asked("auth/token/revoke-self")) == bool(path)


async def test_provisioned_secrets(tmp_path: Path, vault: FakeVault) -> None:
    """Storage key and vLLM's key are read from Vault; no file of either is looked at."""
    put(tmp_path, "t", "token")
    key = base64.b64encode(bytes(32)).decode()
    fields = {"storage": key, "vllm": "k-1"}
    vault.reply("kv/data/sealgate/gw", (200, {"data": {"data": fields}}))
    service = opened(
        tmp_path,
        f'[vault]\nurl = "{vault.url}"\nauth = "token"\ntoken_file = "t"\nkv_mount = "kv"\n'
        '[vault.secrets]\nstorage_key = "sealgate/gw#storage"\n'
        'upstream_api_key = "sealgate/gw#vllm"\n',
    )
    assert isinstance(service.key_wrap, ProvisionedKeyWrap)
    assert await service.key_wrap.wrap(Secret(b"x"), kid="k")
    with pytest.raises(UpstreamUnavailable):
        service.upstream_key()
    for _, work in service.upkeep:
        await work()
    assert service.upstream_key().reveal() == "k-1"
    await service.close()


async def test_secrets_of_vault_beside_a_key_file(tmp_path: Path, vault: FakeVault) -> None:
    """Vault may keep vLLM's key alone, while a key file wraps."""
    (tmp_path / "var").mkdir()
    create_key_file(tmp_path / "var/storage.key")
    service = opened(
        tmp_path,
        f'[vault]\nurl = "{vault.url}"\nauth = "token"\ntoken_file = "t"\n'
        '[vault.secrets]\nupstream_api_key = "sealgate/gw#vllm"\n',
    )
    assert isinstance(service.key_wrap, FileKeyWrap)
    assert len(service.upkeep) == 2
    await service.close()


def test_unreadable_authorities_are_a_fault_of_the_settings(tmp_path: Path) -> None:
    """A file without certificates is named, and does not make Vault trusted."""
    put(tmp_path, "ca.crt", "nothing")
    for name in ("ca.crt", "none.crt"):
        with pytest.raises(SettingsError, match=r"vault\.ca_file"):
            opened(tmp_path, APPROLE + f'ca_file = "{name}"\n')

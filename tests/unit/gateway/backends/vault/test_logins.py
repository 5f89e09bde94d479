"""Logins: what is sent, and what is made of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.backends.vault.connection import Answer, VaultConnection
from gateway.backends.vault.logins import (
    AppRole,
    AppRoleLogin,
    KubernetesLogin,
    TokenFile,
    parse_lease,
)
from gateway.core.errors import KeyServiceUnavailable
from tests.fakes.vault import FakeVault

AUTH = {"auth": {"client_token": "s.1", "lease_duration": 600, "renewable": True}}
LOGIN = "auth/approle/login"


@pytest.fixture
async def connection(vault: FakeVault) -> AsyncIterator[VaultConnection]:
    """Give a connection to the fake."""
    connection = vault.connection()
    yield connection
    await connection.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the place of a file with a secret."""
    return tmp_path / "secret"


def put(file: Path, text: str) -> None:
    """Write what an operator or an agent writes."""
    file.write_text(text)


async def test_app_role(vault: FakeVault, connection: VaultConnection, file: Path) -> None:
    """Role id and secret id give a token; the file is read at each login."""
    vault.reply(LOGIN, (200, AUTH))
    login = AppRoleLogin(AppRole("approle", "role-1"), file)
    for secret_id in ("a", "b"):
        put(file, f"{secret_id}\n")
        lease = await login(connection)
        assert (lease.token.reveal(), lease.seconds, lease.renewable) == ("s.1", 600, True)
    sent = [call.body for call in vault.asked(LOGIN)]
    assert sent == [{"role_id": "role-1", "secret_id": name} for name in "ab"]


async def test_refused_login(vault: FakeVault, connection: VaultConnection, file: Path) -> None:
    """Vault's no is a no, for every method, without its words."""
    put(file, "x")
    for path in (LOGIN, "auth/k8s/login", "auth/token/lookup-self"):
        vault.reply(path, (403, {"errors": ["canary"]}))
    logins = (
        AppRoleLogin(AppRole("approle", "role-1"), file),
        KubernetesLogin("k8s", "gw", file),
        TokenFile(file),
    )
    for login in logins:
        with pytest.raises(KeyServiceUnavailable, match="refuses"):
            await login(connection)


async def test_kubernetes(vault: FakeVault, connection: VaultConnection, file: Path) -> None:
    """The token of the service account is sent as it is in its file now."""
    vault.reply("auth/k8s/login", (200, AUTH))
    login = KubernetesLogin("k8s", "gw", file)
    for jwt in ("one", "two"):
        put(file, jwt)
        await login(connection)
    sent = [call.body for call in vault.asked("auth/k8s/login")]
    assert sent == [{"role": "gw", "jwt": "one"}, {"role": "gw", "jwt": "two"}]


@pytest.mark.parametrize(("ttl", "seconds"), [(60, 60.0), (0, None)])
async def test_token_file(
    vault: FakeVault, connection: VaultConnection, file: Path, ttl: int, seconds: float | None
) -> None:
    """A token of somebody else's is used, with the life that Vault says, and not given back."""
    put(file, "s.9")
    vault.reply("auth/token/lookup-self", (200, {"data": {"ttl": ttl, "renewable": False}}))
    lease = await TokenFile(file)(connection)
    assert (lease.token.reveal(), lease.seconds, lease.let_go()) == ("s.9", seconds, False)


@pytest.mark.parametrize(
    "auth",
    [None, {}, {"client_token": ""}, {"client_token": "t", "lease_duration": "1"}, [], "auth"],
)
def test_login_without_a_token(auth: object) -> None:
    """An answer that lacks what a login gives is refused."""
    with pytest.raises(KeyServiceUnavailable):
        parse_lease(Answer(200, {"auth": auth}))


def test_token_without_an_end() -> None:
    """A lease of no seconds is one that lasts."""
    auth = {"client_token": "t", "lease_duration": 0}
    assert parse_lease(Answer(200, {"auth": auth})).seconds is None

"""Logins: what is sent, what is kept, and the alarm of a wrapping token that was used before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.backends.vault.connection import Answer, VaultConnection
from gateway.backends.vault.logins import (
    AppRoleLogin,
    KubernetesLogin,
    SecretIdFile,
    TokenFile,
    WrappedSecretId,
    parse_lease,
)
from gateway.core.errors import KeyServiceUnavailable, WrappingTokenRefused
from tests.fakes.vault import Call, FakeVault, Reply

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


def give_once(vault: FakeVault, origin: str = "auth/approle/role/gw/secret-id") -> None:
    """Let the fake give out the secret id of each wrapping token once."""
    used: set[str | None] = set()

    def lookup(call: Call) -> Reply:
        is_used = call.body["token"] in used
        return (400, {}) if is_used else (200, {"data": {"creation_path": origin}})

    def unwrap(call: Call) -> Reply:
        used.add(call.token)
        return 200, {"data": {"secret_id": f"id-of-{call.token}"}}

    vault.reply("sys/wrapping/lookup", lookup)
    vault.reply("sys/wrapping/unwrap", unwrap)
    vault.reply(LOGIN, (200, AUTH))


def wrapped(file: Path, alarms: list[int]) -> AppRoleLogin:
    """Return a login whose secret id comes wrapped in *file*."""
    secret_id = WrappedSecretId(file, mount="approle", raise_alarm=lambda: alarms.append(1))
    return AppRoleLogin("approle", "role-1", secret_id)


async def test_app_role(vault: FakeVault, connection: VaultConnection, file: Path) -> None:
    """Role id and secret id give a token; the file is read at each login."""
    vault.reply(LOGIN, (200, AUTH))
    login = AppRoleLogin("approle", "role-1", SecretIdFile(file))
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
        AppRoleLogin("approle", "role-1", SecretIdFile(file)),
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
    assert (lease.token.reveal(), lease.seconds, lease.ours) == ("s.9", seconds, False)


async def test_secret_id_is_unwrapped_once(
    vault: FakeVault, connection: VaultConnection, file: Path
) -> None:
    """It is looked at, unwrapped, and kept for all logins to come."""
    give_once(vault)
    put(file, "w-1")
    alarms: list[int] = []
    login = wrapped(file, alarms)
    for _ in range(3):
        await login(connection)
    assert len(vault.asked("sys/wrapping/unwrap")) == 1
    assert [call.body["secret_id"] for call in vault.asked(LOGIN)] == ["id-of-w-1"] * 3
    assert alarms == []


async def test_used_wrapping_token_is_an_alarm(
    vault: FakeVault, connection: VaultConnection, file: Path
) -> None:
    """Somebody else was first: one alarm, no login, and no further word with Vault about it."""
    give_once(vault)
    put(file, "w-1")
    await wrapped(file, [])(connection)
    alarms: list[int] = []
    second = wrapped(file, alarms)
    before = len(vault.calls)
    for _ in range(3):
        with pytest.raises(WrappingTokenRefused):
            await second(connection)
    assert alarms == [1]
    assert [call.path for call in vault.calls[before:]] == ["/v1/sys/wrapping/lookup"]
    put(file, "w-2")  # a fresh one mends it, without a restart
    await second(connection)


@pytest.mark.parametrize(
    "origin", ["", "cubbyhole/x", "auth/approle/login", "auth/other/role/gw/secret-id"]
)
async def test_token_of_other_making_is_not_opened(
    vault: FakeVault, connection: VaultConnection, file: Path, origin: str
) -> None:
    """What was wrapped elsewhere is somebody's attempt, and an alarm."""
    give_once(vault, origin)
    put(file, "w-1")
    alarms: list[int] = []
    with pytest.raises(WrappingTokenRefused):
        await wrapped(file, alarms)(connection)
    assert alarms == [1]
    assert vault.asked("sys/wrapping/unwrap") == []


@pytest.mark.parametrize("answer", [(400, {}), (200, {"data": {}}), (200, {})])
async def test_token_that_goes_between_looking_and_opening(
    vault: FakeVault, connection: VaultConnection, file: Path, answer: Reply
) -> None:
    """A token that was good a moment ago and opens no more is an alarm too."""
    give_once(vault)
    vault.reply("sys/wrapping/unwrap", answer)
    put(file, "w-1")
    alarms: list[int] = []
    with pytest.raises(WrappingTokenRefused):
        await wrapped(file, alarms)(connection)
    assert alarms == [1]


async def test_our_own_use_is_no_alarm(
    vault: FakeVault, connection: VaultConnection, file: Path
) -> None:
    """A secret id that Vault refuses later needs a fresh wrapping token, and nobody is alarmed."""
    give_once(vault)
    put(file, "w-1")
    alarms: list[int] = []
    login = wrapped(file, alarms)
    await login(connection)
    vault.reply(LOGIN, (400, {}))
    for _ in range(2):
        with pytest.raises(KeyServiceUnavailable) as caught:
            await login(connection)
    assert type(caught.value) is KeyServiceUnavailable
    assert "fresh wrapping token" in caught.value.detail
    assert alarms == []


async def test_sealed_vault_uses_up_nothing(
    vault: FakeVault, connection: VaultConnection, file: Path
) -> None:
    """While Vault cannot answer the wrapping token stays good."""
    vault.reply("sys/wrapping/lookup", (503, {}))
    put(file, "w-1")
    alarms: list[int] = []
    with pytest.raises(KeyServiceUnavailable, match="sealed"):
        await wrapped(file, alarms)(connection)
    assert alarms == []


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

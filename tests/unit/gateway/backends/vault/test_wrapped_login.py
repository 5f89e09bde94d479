"""A wrapped secret id: one login for all processes, and the alarm of a token that was used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.backends.anonymous_file import AnonymousFile
from gateway.backends.vault.connection import VaultConnection
from gateway.backends.vault.logins import AppRole
from gateway.backends.vault.wrapped_login import WrappedLogin
from gateway.core.errors import KeyServiceUnavailable, WrappingTokenRefused
from tests.fakes.vault import Call, FakeVault, Reply

LOGIN, LOOK = "auth/approle/login", "auth/token/lookup-self"


@pytest.fixture
async def connection(vault: FakeVault) -> AsyncIterator[VaultConnection]:
    """Give a connection to the fake."""
    connection = vault.connection()
    yield connection
    await connection.close()


class Service:
    """Processes of one service, each with a login of its own over the same memory.

    They are one process here, so their locks do not keep them apart.
    """

    def __init__(self, vault: FakeVault, file: Path) -> None:
        self.vault, self.file = vault, file
        self.alarms = 0
        self.shared = AnonymousFile()
        self.good: set[str | None] = set()
        self.give_once()
        vault.reply(LOGIN, self._let_in)
        vault.reply(LOOK, self._look_up)

    def give_once(self, origin: str = "auth/approle/role/gw/secret-id") -> None:
        """Let the fake give out the secret id of each wrapping token once."""
        used: set[str | None] = set()

        def lookup(call: Call) -> Reply:
            is_used = call.body["token"] in used
            return (400, {}) if is_used else (200, {"data": {"creation_path": origin}})

        def unwrap(call: Call) -> Reply:
            used.add(call.token)
            return 200, {"data": {"secret_id": f"id-of-{call.token}"}}

        self.vault.reply("sys/wrapping/lookup", lookup)
        self.vault.reply("sys/wrapping/unwrap", unwrap)

    def _let_in(self, _call: Call) -> Reply:
        token = f"t-{len(self.vault.asked(LOGIN))}"
        self.good.add(token)
        auth = {"client_token": token, "lease_duration": 600, "renewable": True}
        return 200, {"auth": auth}

    def _look_up(self, call: Call) -> Reply:
        return (200, {"data": {"ttl": 60}}) if call.token in self.good else (403, {})

    def put(self, wrapping_token: str) -> None:
        """Write what an operator writes."""
        self.file.write_text(wrapping_token)

    def process(self, *, role: str = "role-1", shared: AnonymousFile | None = None) -> WrappedLogin:
        """Return the login of one more process."""

        def alarm() -> None:
            self.alarms += 1

        return WrappedLogin(
            AppRole("approle", role),
            self.file,
            role=role,
            shared=shared or self.shared,
            raise_alarm=alarm,
        )


@pytest.fixture
def service(vault: FakeVault, tmp_path: Path) -> Service:
    """Give a service with a fresh wrapping token."""
    service = Service(vault, tmp_path / "secret")
    service.put("w-1")
    return service


async def test_one_login_for_all(service: Service, connection: VaultConnection) -> None:
    """The first process unwraps and logs in; others get its token, with the life it has left."""
    first, *others = [await service.process()(connection) for _ in range(3)]
    assert (first.token.reveal(), first.seconds) == ("t-1", 600)
    assert [(each.token.reveal(), each.seconds) for each in others] == [("t-1", 60)] * 2
    assert len(service.vault.asked("sys/wrapping/unwrap")) == 1
    (sent,) = service.vault.asked(LOGIN)
    assert sent.body == {"role_id": "role-1", "secret_id": "id-of-w-1"}
    assert service.alarms == 0


async def test_login_that_is_replaced_is_so_for_all(
    service: Service, connection: VaultConnection
) -> None:
    """Who asks again gets a fresh token with the secret id that is kept; then others get it."""
    one, other = service.process(), service.process()
    for login in (one, other):
        await login(connection)
    service.good.clear()
    tokens = [(await login(connection)).token.reveal() for login in (one, other, service.process())]
    assert tokens == ["t-2"] * 3
    sent = service.vault.asked(LOGIN)
    assert [call.body["secret_id"] for call in sent] == ["id-of-w-1"] * 2
    assert len(service.vault.asked("sys/wrapping/unwrap")) == 1


async def test_token_that_vault_took_back_is_not_joined(
    service: Service, connection: VaultConnection
) -> None:
    """A process that is started then logs in with the secret id."""
    await service.process()(connection)
    service.good.clear()
    assert (await service.process()(connection)).token.reveal() == "t-2"


async def test_login_that_lasts_needs_no_secret_id(
    service: Service, connection: VaultConnection
) -> None:
    """A secret id that was good for one login let all in that are started while the token lives."""
    await service.process()(connection)
    service.vault.reply(LOGIN, (400, {}))
    assert (await service.process()(connection)).token.reveal() == "t-1"


async def test_other_role_gets_nothing(service: Service, connection: VaultConnection) -> None:
    """What was known for one AppRole is not used for another, after a reload."""
    await service.process()(connection)
    with pytest.raises(KeyServiceUnavailable, match="fresh wrapping token"):
        await service.process(role="role-2")(connection)
    service.put("w-2")
    assert (await service.process(role="role-2")(connection)).token.reveal() == "t-2"
    assert service.alarms == 0


async def test_other_role_takes_nothing_away(service: Service, connection: VaultConnection) -> None:
    """Who serves on, since that reload was refused, still has the secret id of its own."""
    login = service.process()
    await login(connection)
    service.put("w-2")
    await service.process(role="role-2")(connection)
    service.good.clear()
    assert (await login(connection)).token.reveal() == "t-3"
    sent = [call.body for call in service.vault.asked(LOGIN)]
    assert sent[2] == {"role_id": "role-1", "secret_id": "id-of-w-1"}


async def test_used_wrapping_token_is_an_alarm(
    service: Service, connection: VaultConnection
) -> None:
    """Somebody else was first: one alarm of all processes, no login, no more words about it."""
    await service.process(shared=AnonymousFile())(connection)
    before = len(service.vault.calls)
    for login in [service.process()] * 2 + [service.process()]:
        with pytest.raises(WrappingTokenRefused):
            await login(connection)
    assert service.alarms == 1
    assert [call.path for call in service.vault.calls[before:]] == ["/v1/sys/wrapping/lookup"]
    service.put("w-2")  # a fresh one mends it, without a restart
    await service.process()(connection)


@pytest.mark.parametrize(
    "origin", ["", "cubbyhole/x", "auth/approle/login", "auth/other/role/gw/secret-id"]
)
async def test_token_of_other_making_is_not_opened(
    service: Service, connection: VaultConnection, origin: str
) -> None:
    """What was wrapped elsewhere is somebody's attempt, and an alarm."""
    service.give_once(origin)
    with pytest.raises(WrappingTokenRefused):
        await service.process()(connection)
    assert service.alarms == 1
    assert service.vault.asked("sys/wrapping/unwrap") == []


@pytest.mark.parametrize("answer", [(400, {}), (200, {"data": {}}), (200, {})])
async def test_token_that_goes_between_looking_and_opening(
    service: Service, connection: VaultConnection, answer: Reply
) -> None:
    """A token that was good a moment ago and opens no more is an alarm too."""
    service.vault.reply("sys/wrapping/unwrap", answer)
    with pytest.raises(WrappingTokenRefused):
        await service.process()(connection)
    assert service.alarms == 1


async def test_our_own_use_is_no_alarm(service: Service, connection: VaultConnection) -> None:
    """A secret id that Vault refuses later needs a fresh wrapping token, and nobody is alarmed."""
    login = service.process()
    await login(connection)
    service.good.clear()
    service.vault.reply(LOGIN, (400, {}))
    for each in (login, login, service.process()):
        with pytest.raises(KeyServiceUnavailable) as caught:
            await each(connection)
        assert type(caught.value) is KeyServiceUnavailable
    assert "fresh wrapping token" in caught.value.detail
    assert service.alarms == 0


async def test_slow_login_loses_no_secret_id(service: Service, vault: FakeVault) -> None:
    """One that is good for a single login is used up at Vault, so its answer is waited for."""
    connection = vault.connection(timeout_seconds=0.2)

    def let_in_late(_call: Call) -> Reply:
        vault.delay_seconds = 0.3
        return 200, {"auth": {"client_token": "t-late", "lease_duration": 600}}

    vault.reply(LOGIN, let_in_late)
    assert (await service.process()(connection)).token.reveal() == "t-late"
    await connection.close()


async def test_sealed_vault_uses_up_nothing(service: Service, connection: VaultConnection) -> None:
    """While Vault cannot answer the wrapping token stays good."""
    service.vault.reply("sys/wrapping/lookup", (503, {}))
    with pytest.raises(KeyServiceUnavailable, match="sealed"):
        await service.process()(connection)
    assert service.alarms == 0

"""A session renews at two thirds, logs in anew when it must, and tells how Vault is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from gateway.backends.metrics import KeyServiceMeter
from gateway.backends.vault.connection import VaultConnection
from gateway.backends.vault.logins import Lease
from gateway.backends.vault.session import VaultSession
from gateway.core.errors import KeyServiceUnavailable, WrappingTokenRefused
from gateway.core.events import Event
from tests.fakes.control import FakeClock
from tests.fakes.vault import Call, FakeVault, FixedLogin, Reply

RENEW, LOOK, REVOKE = (f"auth/token/{verb}-self" for verb in ("renew", "lookup", "revoke"))


class Rig:
    """A session on a clock that the test moves."""

    def __init__(self, vault: FakeVault) -> None:
        self.vault, self.clock, self.registry = vault, FakeClock(), CollectorRegistry()
        self.login = FixedLogin(600)
        self.good: set[str | None] = {"t-1", "t-2", "t-3"}
        self.session = VaultSession(
            vault.connection(),
            self.login,
            meter=KeyServiceMeter(self.registry),
            monotonic=self.clock.monotonic,
        )
        vault.reply("x", self._if_good({}))
        vault.reply(LOOK, self._if_good({}))
        vault.reply(REVOKE, (204, {}))
        self.renewal(600)

    def renewal(self, seconds: int) -> None:
        """Let a renewal give so many seconds."""
        auth = {"client_token": "same", "lease_duration": seconds, "renewable": True}
        self.vault.reply(RENEW, self._if_good({"auth": auth}))

    def metric(self, name: str) -> float | None:
        """Return a metric."""
        return self.registry.get_sample_value(f"sealgate_{name}")

    def tokens(self, path: str) -> list[str | None]:
        """Return the tokens with which *path* was called."""
        return [call.token for call in self.vault.asked(path)]

    def _if_good(self, body: dict[str, object]):
        def reply(call: Call) -> Reply:
            return (200, body) if call.token in self.good else (403, {})

        return reply


@pytest.fixture
async def rig(vault: FakeVault) -> AsyncIterator[Rig]:
    """Give a session with a token of ten minutes."""
    rig = Rig(vault)
    yield rig
    await rig.session.close()


async def test_one_login_for_all(rig: Rig) -> None:
    """Calls that begin together share one login and one token."""
    await asyncio.gather(*(rig.session.call("GET", "x") for _ in range(10)))
    assert rig.tokens("x") == ["t-1"] * 10
    assert rig.login.count == 1


async def test_renewed_at_two_thirds_of_its_life(rig: Rig) -> None:
    """Not before, and each renewal counts from its own moment."""
    await rig.session.call("GET", "x")
    for _ in range(5):
        rig.clock.advance(seconds=399)
        await rig.session.keep()
        renewals = len(rig.tokens(RENEW))
        rig.clock.advance(seconds=2)
        await rig.session.keep()
        assert rig.tokens(RENEW) == ["t-1"] * (renewals + 1)
    assert rig.login.count == 1


async def test_worn_out_token_is_replaced(rig: Rig) -> None:
    """Near to the longest life that Vault allows, renewals give less and less: log in anew."""
    await rig.session.call("GET", "x")
    rig.renewal(299)
    rig.clock.advance(seconds=401)
    await rig.session.keep()
    await rig.session.call("GET", "x")
    assert rig.tokens("x") == ["t-1", "t-2"]


@pytest.mark.parametrize("case", ["refused", "not renewable"])
async def test_token_that_cannot_be_renewed_is_replaced(rig: Rig, case: str) -> None:
    """When renewal fails, the next login comes in time, before the token ends."""
    rig.login.renewable = case == "refused"
    await rig.session.call("GET", "x")
    rig.vault.reply(RENEW, (400, {}))
    rig.clock.advance(seconds=401)
    await rig.session.keep()
    await rig.session.call("GET", "x")
    assert rig.tokens("x") == ["t-1", "t-2"]


async def test_ended_token_is_not_sent(rig: Rig) -> None:
    """After its life a token is not even tried."""
    await rig.session.call("GET", "x")
    rig.clock.advance(seconds=601)
    await rig.session.keep()
    await rig.session.call("GET", "x")
    assert rig.tokens("x") == ["t-1", "t-2"]
    assert rig.tokens(RENEW) == []


async def test_token_without_an_end_is_not_renewed(rig: Rig) -> None:
    """It lasts until it is revoked."""
    rig.login.seconds = None
    await rig.session.call("GET", "x")
    rig.clock.advance(days=400)
    await rig.session.keep()
    assert rig.tokens(RENEW) == []
    assert rig.login.count == 1


async def test_revoked_token_is_replaced_within_the_call(rig: Rig) -> None:
    """Whoever asks does not notice that the token was revoked."""
    await rig.session.call("GET", "x")
    rig.good.remove("t-1")
    assert (await rig.session.call("GET", "x")).status == 200
    assert rig.tokens("x") == ["t-1", "t-1", "t-2"]


async def test_quiet_gateway_notices(rig: Rig) -> None:
    """Within ten seconds it is seen, without any work, that the token is gone or Vault is."""
    await rig.session.call("GET", "x")
    rig.good.remove("t-1")
    rig.clock.advance(seconds=9)
    await rig.session.keep()
    assert rig.login.count == 1
    rig.clock.advance(seconds=2)
    await rig.session.keep()
    assert rig.login.count == 2
    rig.vault.reply(LOOK, (503, {}))
    rig.clock.advance(seconds=11)
    await rig.session.keep()
    assert rig.metric("key_service_up") == 0


async def test_policy_that_refuses_is_no_reason_to_log_in(rig: Rig) -> None:
    """A good token without the right stays; Vault is up, and there is no storm of logins."""
    rig.vault.reply("x", (403, {}))
    for _ in range(3):
        with pytest.raises(KeyServiceUnavailable, match="policy"):
            await rig.session.call("GET", "x")
    assert rig.login.count == 1
    assert rig.metric("key_service_up") == 1


async def test_new_token_that_is_refused_too(rig: Rig) -> None:
    """Two refusals are enough for one call."""
    rig.good.clear()
    with pytest.raises(KeyServiceUnavailable, match="policy"):
        await rig.session.call("GET", "x")
    assert rig.login.count == 2


async def test_down_and_up_are_told(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Each change is one line of the log; the metrics say how it is and how often it failed."""
    caplog.set_level(logging.WARNING, "sealgate")
    rig.login.fault = KeyServiceUnavailable("Vault is sealed or cannot serve.")
    for _ in range(3):
        await rig.session.keep()
    assert rig.metric("key_service_up") == 0
    assert rig.metric("key_service_failures_total") == 3
    rig.login.fault = None
    await rig.session.keep()
    await rig.session.keep()
    assert rig.metric("key_service_up") == 1
    away, back = caplog.records
    assert (away.msg, away.detail) == (
        Event.KEY_SERVICE_AWAY,
        "Vault is sealed or cannot serve.",
    )
    assert back.msg is Event.KEY_SERVICE_BACK


async def test_alarm_goes_on(rig: Rig) -> None:
    """That a wrapping token was used is told to whoever calls, as what it is."""
    rig.login.fault = WrappingTokenRefused()
    with pytest.raises(WrappingTokenRefused):
        await rig.session.call("GET", "x")
    await rig.session.keep()


async def test_call_with_all_that_goes_wrong_ends_in_a_second(rig: Rig) -> None:
    """Login and call together have one limit."""
    go_on = asyncio.Event()

    async def slow(connection: VaultConnection) -> Lease:
        await go_on.wait()
        return await rig.login(connection)

    session = VaultSession(rig.vault.connection(), slow, meter=KeyServiceMeter())
    with pytest.raises(KeyServiceUnavailable, match="in time"):
        await asyncio.wait_for(session.call("GET", "x"), 10)  # 0.9, and a busy machine
    go_on.set()  # the login went on meanwhile, so what was given out once is not lost
    await session.call("GET", "x")
    assert rig.login.count == 1
    await session.close()


async def test_token_is_given_back(rig: Rig) -> None:
    """At the end the gateway's own token is revoked; a foreign one, or none, is not."""
    await rig.session.call("GET", "x")
    await rig.session.close()
    await rig.session.close()
    assert rig.tokens(REVOKE) == ["t-1"]


async def test_vault_that_is_away_does_not_keep_us(rig: Rig) -> None:
    """The gateway stops, too, when Vault does not take the token back."""
    await rig.session.call("GET", "x")
    rig.vault.reply(REVOKE, (503, {}))
    await rig.session.close()

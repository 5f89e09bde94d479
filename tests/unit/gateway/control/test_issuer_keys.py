"""The keys of other issuers: fresh in the background, and never trusted for too long."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.control.issuer_keys import EARLY_SECONDS, IssuerFeed, IssuerKeyHolder
from gateway.core.errors import StoreUnavailable
from gateway.core.external_tokens import ExternalIssuer
from gateway.core.identity import Role
from gateway.core.jwk import SigningAlgorithm, VerificationKey, to_jwk
from tests.fakes.control import FakeClock

ISSUER = ExternalIssuer(
    issuer="https://idp.example",
    audience="sealgate",
    algorithms=frozenset({SigningAlgorithm.EDDSA}),
    role_claim="role",
    clients={"their-app": "c-1"},
    roles={"app": Role.APPLICATION},
)


def key_set(*kids: str) -> bytes:
    """Return a JWK set with keys of these names."""
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    keys = [VerificationKey(kid, SigningAlgorithm.EDDSA, private.public_key()) for kid in kids]
    return json.dumps({"keys": [to_jwk(key) for key in keys]}).encode()


class FakeServer:
    """Serves what a test wants and counts how often it was asked."""

    def __init__(self, *kids: str) -> None:
        self.data: bytes | None = key_set(*kids)
        self.calls = 0

    async def __call__(self) -> bytes:
        """Return the data, or fail."""
        self.calls += 1
        if self.data is None:
            raise StoreUnavailable
        return self.data


class World:
    """A holder, its server and its clock."""

    def __init__(self, *kids: str) -> None:
        self.clock = FakeClock()
        self.server = FakeServer(*kids)
        self.holder = IssuerKeyHolder(
            [IssuerFeed(ISSUER, self.server)], monotonic=self.clock.monotonic
        )

    async def after(self, seconds: float) -> set[str] | None:
        """Return the trusted keys *seconds* later, once the background task ran; or None."""
        self.clock.advance(seconds=seconds)
        await self.holder.refresh_due()
        return self.now()

    def now(self) -> set[str] | None:
        """Return the names of the keys that are trusted, or None when the issuer is not."""
        known = self.holder.current()
        return set(known[0].keys) if known else None


async def test_nothing_is_trusted_before_the_first_fetch():
    """Until keys were fetched no token of the issuer is good."""
    world = World("a")
    assert world.now() is None
    assert await world.after(0) == {"a"}


async def test_keys_are_fetched_again_on_time_and_not_before():
    """A new key counts after the next fetch, a withdrawn one is gone with it."""
    world = World("a")
    await world.after(0)
    world.server.data = key_set("b")
    assert await world.after(299) == {"a"}
    assert world.server.calls == 1
    assert await world.after(1) == {"b"}
    world.server.data = key_set()
    assert await world.after(300) == set()


@pytest.mark.parametrize("data", [None, b"", b"{}", b'{"keys":[{"kty":"oct","k":"AA"}]}'])
async def test_failures_keep_the_last_keys_for_a_day(data: bytes | None):
    """While the server is away or sends rubbish the last keys are good, for a day and no longer."""
    world = World("a")
    await world.after(0)
    world.server.data = data
    assert await world.after(300) == {"a"}
    assert await world.after(86_100) == {"a"}
    assert await world.after(1) is None
    world.server.data = key_set("c")
    assert await world.after(300) == {"c"}


async def test_a_failure_is_tried_again_with_growing_pauses():
    """After a failure the next tries come after 5, 10, 20 … seconds, never later than usual."""
    world = World("a")
    world.server.data = None
    tries = []
    for second in range(1000):
        before = world.server.calls
        await world.after(0 if second == 0 else 1)
        if world.server.calls > before:
            tries.append(second)
    assert tries == [0, 5, 15, 35, 75, 155, 315, 615, 915]


async def test_an_unknown_key_brings_the_next_fetch_forward():
    """At most once in half a minute, and never by itself."""
    world = World("a")
    await world.after(0)
    world.server.data = key_set("a", "b")
    for _ in range(100):
        world.holder.note_unknown_key()
        await world.after(0.1)
    assert world.server.calls == 1
    world.clock.advance(seconds=EARLY_SECONDS)
    for _ in range(100):
        world.holder.note_unknown_key()
    assert world.server.calls == 1
    assert await world.after(0) == {"a", "b"}
    for _ in range(100):
        world.holder.note_unknown_key()
        await world.after(0.1)
    assert world.server.calls == 2


async def test_issuers_fail_apart():
    """One server that is away does not touch the keys of another issuer."""
    clock, good, bad = FakeClock(), FakeServer("a"), FakeServer("b")
    bad.data = None
    holder = IssuerKeyHolder(
        [IssuerFeed(ISSUER, bad), IssuerFeed(ISSUER, good)], monotonic=clock.monotonic
    )
    await holder.refresh_due()
    assert [set(known.keys) for known in holder.current()] == [{"a"}]

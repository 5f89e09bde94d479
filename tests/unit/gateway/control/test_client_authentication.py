"""Client authentication: three methods, one answer to everything that is wrong."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509

from gateway.control.client_authentication import (
    AssertionProof,
    CertificateProof,
    ClientProof,
    SecretProof,
)
from gateway.control.clients import IssuedCredential
from gateway.control.room import ControlRoom
from gateway.core.errors import AddressNotAllowed, InvalidClient, RateLimited
from gateway.core.lockout import LockoutRules
from gateway.core.registry import CredentialKind
from gateway.core.secret import Secret
from tests.fakes.control import GRANTS, ISSUER, LOCAL, LOOPBACK, FakeClock, add_secret, proof
from tests.fakes.oauth import KeyPair, add_credential, add_key, certificate

CERTIFICATE = certificate("CN=client", x509.DNSName("app.example"))


@pytest.fixture
async def issued(room: ControlRoom) -> IssuedCredential:
    """Return a registered client."""
    return await room.clients.create(LOCAL, GRANTS)


def asserting(assertion: str, client_id: str | None = None) -> ClientProof:
    """Return what a client with an assertion sends."""
    return ClientProof(AssertionProof(Secret(assertion), client_id), LOOPBACK)


def showing(client_id: str, der: bytes | None = CERTIFICATE) -> ClientProof:
    """Return what a client with a certificate sends."""
    return ClientProof(CertificateProof(client_id), LOOPBACK, der)


async def refused(room: ControlRoom, attempt: ClientProof) -> str:
    """Return the text of the refusal of *attempt*, which has to be InvalidClient."""
    with pytest.raises(InvalidClient) as caught:
        await room.tokens.authentication.authenticate(attempt)
    return caught.value.detail


async def credential_of(room: ControlRoom, attempt: ClientProof) -> str:
    """Return the credential by which *attempt* passes."""
    return (await room.tokens.authentication.authenticate(attempt)).credential_id


async def test_secret(room: ControlRoom, issued: IssuedCredential) -> None:
    """A secret proves its client, by its own credential."""
    assert await credential_of(room, proof(issued)) == issued.credential_id


async def test_bad_secrets_look_the_same(room: ControlRoom, issued: IssuedCredential) -> None:
    """Wrong, foreign, withdrawn or endless: one error with one text."""
    other = await room.clients.create(LOCAL, GRANTS)
    withdrawn = await add_secret(room, LOCAL, issued.client_id)
    await room.credentials.revoke(LOCAL, issued.client_id, withdrawn.credential_id)
    key = await add_credential(room, issued.client_id, CredentialKind.PUBLIC_KEY, "{}")
    details = {
        await refused(room, ClientProof(SecretProof(client_id, Secret(secret)), LOOPBACK))
        for client_id, secret in (
            (issued.client_id, f"{issued.credential_id}-wrong"),
            (issued.client_id, other.secret.reveal()),
            (issued.client_id, withdrawn.secret.reveal()),
            ("c-unknown", issued.secret.reveal()),
            ("c" * 129, issued.secret.reveal()),
            (issued.client_id, f"{key}-x"),
            (issued.client_id, "x" * 129),
            (issued.client_id, ""),
        )
        if not await forgive(room)
    }
    assert len(details) == 1


async def forgive(room: ControlRoom) -> bool:
    """Let the window pass after which bad credentials are forgotten."""
    assert isinstance(room.clock, FakeClock)
    room.clock.advance(days=1)
    await room.snapshots.check()
    return False


async def test_disabled_client_is_unknown(room: ControlRoom, issued: IssuedCredential) -> None:
    """A disabled client is refused like a wrong secret, by each method."""
    pair, _ = await add_key(room, issued.client_id)
    await add_credential(room, issued.client_id, CredentialKind.CERTIFICATE, "dns:app.example")
    await room.clients.disable(LOCAL, issued.client_id)
    await refused(room, proof(issued))
    await refused(room, asserting(pair.assertion(issued.client_id, room.clock())))
    await refused(room, showing(issued.client_id))


async def test_address_is_asked_after_the_proof(
    room: ControlRoom, issued: IssuedCredential
) -> None:
    """Only who has a good credential learns that its address is not allowed."""
    far = ip_address("192.0.2.1")
    with pytest.raises(AddressNotAllowed):
        await room.tokens.authentication.authenticate(proof(issued, str(far)))
    await refused(room, ClientProof(SecretProof(issued.client_id, Secret("x")), far))


async def test_assertion_is_good_once(room: ControlRoom, issued: IssuedCredential) -> None:
    """A client with a key needs no secret; the same assertion does not pass twice."""
    pair, credential_id = await add_key(room, issued.client_id)
    attempt = asserting(pair.assertion(issued.client_id, room.clock()))
    assert await credential_of(room, attempt) == credential_id
    await refused(room, attempt)


async def test_assertion_may_come_with_its_client(
    room: ControlRoom, issued: IssuedCredential
) -> None:
    """A client_id beside the assertion has to be the one inside (RFC 7521 §4.2)."""
    pair, _ = await add_key(room, issued.client_id)
    one, other = (pair.assertion(issued.client_id, room.clock()) for _ in range(2))
    assert await credential_of(room, asserting(one, issued.client_id))
    await refused(room, asserting(other, "c-other"))


async def test_each_key_is_its_own_credential(room: ControlRoom, issued: IssuedCredential) -> None:
    """The token names the key it was fetched with; a withdrawn or broken one counts no more."""
    await add_credential(room, issued.client_id, CredentialKind.PUBLIC_KEY, "no key")
    first, first_id = await add_key(room, issued.client_id)
    second, second_id = await add_key(room, issued.client_id)
    client_id, now = issued.client_id, room.clock()
    assert await credential_of(room, asserting(first.assertion(client_id, now))) == first_id
    assert await credential_of(room, asserting(second.assertion(client_id, now))) == second_id
    await room.credentials.revoke(LOCAL, client_id, first_id)
    await refused(room, asserting(first.assertion(client_id, now)))
    assert await credential_of(room, asserting(second.assertion(client_id, now))) == second_id


@pytest.mark.parametrize(
    "changes", [{"aud": "https://other.example"}, {"aud": [ISSUER]}, {"exp": 1}, {"sub": "c-other"}]
)
async def test_bad_assertions(
    room: ControlRoom, issued: IssuedCredential, changes: dict[str, Any]
) -> None:
    """What the assertion says is checked, not only who signed it."""
    pair, _ = await add_key(room, issued.client_id)
    await refused(room, asserting(pair.assertion(issued.client_id, room.clock(), **changes)))


async def test_assertions_of_nobody(room: ControlRoom, issued: IssuedCredential) -> None:
    """An unknown client, a foreign key, and what is no assertion at all."""
    pair, _ = await add_key(room, issued.client_id)
    assert await refused(room, asserting(pair.assertion("c-unknown", room.clock())))
    await refused(room, asserting(KeyPair().assertion(issued.client_id, room.clock())))
    await refused(room, asserting("nonsense"))


async def test_certificate(room: ControlRoom, issued: IssuedCredential) -> None:
    """A client is proven by a certificate that carries the name registered for it."""
    kind = CredentialKind.CERTIFICATE
    await add_credential(room, issued.client_id, kind, "dns:other.example")
    await add_credential(room, issued.client_id, kind, "not a subject")
    credential_id = await add_credential(room, issued.client_id, kind, "dns:app.example")
    assert await credential_of(room, showing(issued.client_id)) == credential_id
    await refused(room, showing(issued.client_id, certificate("CN=app.example")))
    await refused(room, showing(issued.client_id, None))
    await refused(room, showing("c-unknown"))


async def test_certificate_needs_a_registration(
    room: ControlRoom, issued: IssuedCredential
) -> None:
    """That TLS vouches for a certificate does not make it that of a client."""
    await refused(room, showing(issued.client_id))


async def test_kinds_are_apart(room: ControlRoom, issued: IssuedCredential) -> None:
    """What is registered as one kind of credential proves nothing as another."""
    pair = KeyPair()
    kind = CredentialKind.CERTIFICATE
    await add_credential(room, issued.client_id, kind, json.dumps(pair.jwk))
    await refused(room, asserting(pair.assertion(issued.client_id, room.clock())))
    await add_credential(room, issued.client_id, CredentialKind.PUBLIC_KEY, "dns:app.example")
    await refused(room, showing(issued.client_id))


@pytest.mark.parametrize("exists", [True, False])
async def test_lock_out(room: ControlRoom, issued: IssuedCredential, exists: bool) -> None:
    """After five bad credentials even the good one is refused there, and only there."""
    assert isinstance(room.clock, FakeClock)
    client_id = issued.client_id if exists else "c-unknown"
    bad = ClientProof(SecretProof(client_id, Secret("x-y")), LOOPBACK)
    for _ in range(LockoutRules().failures):
        await refused(room, bad)
    good = replace(bad, evidence=SecretProof(client_id, issued.secret))
    for attempt in (bad, good, showing(client_id)):
        with pytest.raises(RateLimited) as caught:
            await room.tokens.authentication.authenticate(attempt)
        assert caught.value.retry_after_seconds == 10
    elsewhere = replace(good, address=ip_address("127.0.0.2"))
    if exists:
        assert await credential_of(room, elsewhere) == issued.credential_id
        room.clock.now += timedelta(seconds=10)
        assert await credential_of(room, good) == issued.credential_id
        await refused(room, bad)
        assert await credential_of(room, good) == issued.credential_id


async def test_lock_out_counts_while_others_wait(
    room: ControlRoom, issued: IssuedCredential
) -> None:
    """Bad secrets sent all at once are not all checked: who waited is looked at again."""
    bad = ClientProof(SecretProof(issued.client_id, Secret("x-y")), LOOPBACK)
    results = await asyncio.gather(
        *(room.tokens.authentication.authenticate(bad) for _ in range(20)), return_exceptions=True
    )
    checked = [result for result in results if isinstance(result, InvalidClient)]
    assert len(checked) <= LockoutRules().failures + 2
    assert len(checked) + sum(isinstance(r, RateLimited) for r in results) == 20

"""Tokens: who gets one, how long it lives, and who may revoke it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import jwt
import pytest

from gateway.backends.memory import MemoryStore
from gateway.control.room import ControlRoom
from gateway.control.tokens import ClientProof, TokenRules
from gateway.core.errors import AddressNotAllowed, InvalidClient, InvalidToken, StoreUnavailable
from gateway.core.ports import ControlChange
from gateway.core.registry import RevocationKind
from gateway.core.secret import Secret
from gateway.core.tokens import verify_access_token
from tests.fakes.control import AUDIENCE, GRANTS, ISSUER, LOCAL, FakeClock, make_room, proof


async def test_token_says_what_it_must(room: ControlRoom, clock: FakeClock) -> None:
    """A token holds the claims of RFC 9068, and an independent library verifies it."""
    issued = await room.clients.create(LOCAL, GRANTS)
    token = (await room.tokens.issue(proof(issued))).token.reveal()
    key = room.snapshots.signing_key()
    claims = jwt.decode(
        token,
        key.private.public_key(),
        algorithms=["EdDSA"],
        audience=AUDIENCE,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["iss"], claims["sub"], claims["client_id"]) == (ISSUER, *[issued.client_id] * 2)
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["iat"] == int(clock.now.timestamp())
    assert len(claims["jti"]) == 32
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": key.kid}


@pytest.mark.parametrize("seconds", [0, 3601])
def test_lifetime_rule_is_capped(seconds: int) -> None:
    """No configuration makes tokens that live above an hour, or not at all."""
    with pytest.raises(ValueError, match="one hour"):
        TokenRules(ISSUER, AUDIENCE, timedelta(seconds=seconds))


async def test_wrong_secret_and_unknown_client_look_the_same(room: ControlRoom) -> None:
    """Both are InvalidClient with one text."""
    issued = await room.clients.create(LOCAL, GRANTS)
    unknown = ClientProof("c-0", Secret("nobody-x"), ip_address("127.0.0.1"))
    wrong = proof(issued)._replace(secret=Secret(f"{issued.credential_id}-wrong"))
    details = set()
    for attempt in (unknown, wrong):
        with pytest.raises(InvalidClient) as caught:
            await room.tokens.issue(attempt)
        details.add(caught.value.detail)
    assert len(details) == 1


async def test_address_outside_is_refused(room: ControlRoom) -> None:
    """A good secret from an address outside the client's networks gets no token."""
    issued = await room.clients.create(LOCAL, GRANTS)
    with pytest.raises(AddressNotAllowed):
        await room.tokens.issue(proof(issued, "192.0.2.1"))


async def test_revoked_token_is_refused_at_once(room: ControlRoom) -> None:
    """revoke() counts before it returns; a second revocation is no error."""
    issued = await room.clients.create(LOCAL, GRANTS)
    token = (await room.tokens.issue(proof(issued))).token
    for _ in range(2):
        await room.tokens.revoke(proof(issued), token)
    with pytest.raises(InvalidToken):
        verify_access_token(
            token.reveal(),
            snapshot=room.snapshots.current(),
            expectations=room.tokens.rules.expectations,
            now=room.clock(),
        )
    (entry,) = await room.revocations.list_page(LOCAL)
    assert entry.kind is RevocationKind.JTI
    assert entry.expires_at is not None
    assert entry.expires_at > room.clock() + timedelta(hours=1)


async def test_token_of_another_client_is_left_alone(room: ControlRoom) -> None:
    """A client cannot revoke another's token, and is not told so."""
    one = await room.clients.create(LOCAL, GRANTS)
    two = await room.clients.create(LOCAL, GRANTS)
    token = (await room.tokens.issue(proof(one))).token
    await room.tokens.revoke(proof(two), token)
    await room.tokens.revoke(proof(two), Secret("nonsense"))
    assert await room.revocations.list_page(LOCAL) == ()


class FailingCommit(MemoryStore):
    """A store whose changes fail at their very end, once told so."""

    failing = False

    @asynccontextmanager
    async def change(self) -> AsyncIterator[ControlChange]:
        """Fail instead of committing."""
        async with super().change() as change:
            yield change
            if self.failing:
                raise StoreUnavailable


async def test_revocation_is_persisted_before_the_answer(tmp_path: Path, clock: FakeClock) -> None:
    """When the commit fails the caller hears it, and nothing pretends to be revoked."""
    store = FailingCommit()
    room = make_room(tmp_path, clock, store=store)
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS)
    token = (await room.tokens.issue(proof(issued))).token
    store.failing = True
    with pytest.raises(StoreUnavailable):
        await room.tokens.revoke(proof(issued), token)
    assert room.snapshots.current().revocations.jtis == frozenset()
    assert (await store.load()).revocations == ()

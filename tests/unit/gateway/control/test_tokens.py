"""Tokens: who gets one, how long it lives, and who may revoke it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import jwt
import pytest

from gateway.backends.memory import MemoryStore
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.control.client_authentication import AuthenticationPorts
from gateway.control.clients import IssuedCredential
from gateway.control.room import ControlRoom
from gateway.control.tokens import TOKEN_PATH, DpopProof, TokenRules, Tokens
from gateway.core.client_certificates import certificate_thumbprint
from gateway.core.errors import (
    AddressNotAllowed,
    CommitUnconfirmed,
    InvalidToken,
    MalformedRequest,
    ProofRequired,
    StoreUnavailable,
)
from gateway.core.grants import TokenBinding
from gateway.core.identity import Confirmation, Role
from gateway.core.ports import ControlChange
from gateway.core.registry import RevocationKind
from gateway.core.secret import Secret
from gateway.core.tokens import verify_access_token
from tests.fakes.control import (
    AUDIENCE,
    GRANTS,
    ISSUER,
    LOCAL,
    FakeClock,
    LosableStore,
    make_room,
    proof,
)
from tests.fakes.oauth import TOKEN_URL, KeyPair, bind, certificate


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


async def test_address_outside_is_refused(room: ControlRoom) -> None:
    """A good secret from an address outside the client's networks gets no token."""
    issued = await room.clients.create(LOCAL, GRANTS)
    with pytest.raises(AddressNotAllowed):
        await room.tokens.issue(proof(issued, "192.0.2.1"))


class LostAfterRevocation(LosableStore):
    """A store that is lost as soon as a revocation is durable, and may not say that it is."""

    confirms = True

    @asynccontextmanager
    async def change(self) -> AsyncIterator[ControlChange]:
        """Change, and be lost if that revoked something."""
        before = len(self._contents.revocations)
        async with super().change() as change:
            yield change
        self.lost = len(self._contents.revocations) > before
        if self.lost and not self.confirms:
            raise CommitUnconfirmed


async def test_revocation_is_never_unheeded(tmp_path: Path, clock: FakeClock) -> None:
    """If the store is lost right after, the revocation is answered and nothing is trusted."""
    store = LostAfterRevocation()
    room = make_room(tmp_path, clock, store=store)
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS)
    token = (await room.tokens.issue(proof(issued))).token
    await room.tokens.revoke(proof(issued), token)
    with pytest.raises(StoreUnavailable):
        room.snapshots.current()


@pytest.mark.parametrize("by_operator", [False, True])
async def test_revocation_that_nobody_confirmed_is_heeded(
    tmp_path: Path, clock: FakeClock, *, by_operator: bool
) -> None:
    """It may be durable, so nothing is trusted until the store has been read again."""
    store = LostAfterRevocation()
    store.confirms = False
    room = make_room(tmp_path, clock, store=store)
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS)
    token = (await room.tokens.issue(proof(issued))).token
    kind, subject = RevocationKind.CLIENT_ID, issued.client_id
    by_others = partial(room.revocations.revoke, LOCAL, kind, subject=subject)
    revoke = by_others if by_operator else partial(room.tokens.revoke, proof(issued), token)
    with pytest.raises(CommitUnconfirmed):
        await revoke()
    with pytest.raises(StoreUnavailable):
        room.snapshots.current()


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
    assert list(await room.revocations.list_page(LOCAL)) == []


CERTIFICATE = certificate()
OTHER_URL = f"https://other.example{TOKEN_PATH}"


@pytest.fixture
async def issued(room: ControlRoom) -> IssuedCredential:
    """Return a registered client."""
    return await room.clients.create(LOCAL, GRANTS)


def dpop(room: ControlRoom, pair: KeyPair, **changes: object) -> DpopProof:
    """Return a proof with a nonce that is good now."""
    now = room.clock()
    nonce = room.snapshots.dpop_nonces().issue(now)
    return DpopProof(pair.dpop(now, **{"nonce": nonce, **changes}), [TOKEN_URL])


async def confirmation_of(
    room: ControlRoom, issued: IssuedCredential, key: DpopProof | None, shown: bytes | None
) -> Confirmation:
    """Return what a token is bound to that is fetched with *key* and *shown*."""
    token = await room.tokens.issue(replace(proof(issued), certificate=shown), key)
    assert token.token_type == ("Bearer" if key is None else "DPoP")
    found = await room.tokens.introspect(proof(issued), token.token)
    assert found is not None
    assert found.credential_id == issued.credential_id
    return found.confirmation


async def test_token_is_bound_to_what_the_call_has(
    room: ControlRoom, issued: IssuedCredential
) -> None:
    """To the DPoP key if there is one, else to the certificate, else to nothing."""
    pair = KeyPair()
    x5t = certificate_thumbprint(CERTIFICATE)
    assert await confirmation_of(room, issued, None, None) == Confirmation()
    assert await confirmation_of(room, issued, None, CERTIFICATE) == Confirmation(x5t_s256=x5t)
    for shown in (None, CERTIFICATE):
        key = dpop(room, pair)
        assert await confirmation_of(room, issued, key, shown) == Confirmation(jkt=pair.jkt)


async def test_certificate_binding_goes_with_a_key(
    room: ControlRoom, issued: IssuedCredential
) -> None:
    """A client whose tokens must be bound to its certificate may have them bound to a key too."""
    await bind(room, issued.client_id, TokenBinding.CERTIFICATE)
    pair = KeyPair()
    expected = Confirmation(pair.jkt, certificate_thumbprint(CERTIFICATE))
    assert await confirmation_of(room, issued, dpop(room, pair), CERTIFICATE) == expected
    with pytest.raises(MalformedRequest, match="certificate"):
        await room.tokens.issue(proof(issued), dpop(room, pair))


@pytest.mark.parametrize("binding", [TokenBinding.DPOP, TokenBinding.EITHER])
async def test_client_that_must_be_bound_brings_its_proof(
    room: ControlRoom, issued: IssuedCredential, binding: TokenBinding
) -> None:
    """Without one it gets no token, and is told what to send."""
    await bind(room, issued.client_id, binding)
    with pytest.raises(ProofRequired, match="DPoP") as caught:
        await room.tokens.issue(proof(issued))
    assert caught.value.nonce is None
    assert (await room.tokens.issue(proof(issued), dpop(room, KeyPair()))).token_type == "DPoP"
    shown = replace(proof(issued), certificate=CERTIFICATE)
    if binding is TokenBinding.EITHER:
        assert (await room.tokens.issue(shown)).token_type == "Bearer"
    else:
        with pytest.raises(ProofRequired):
            await room.tokens.issue(shown)


async def test_proof_is_good_once(room: ControlRoom, issued: IssuedCredential) -> None:
    """The second use of a proof is refused without a nonce, which was not the reason."""
    key = dpop(room, KeyPair())
    await room.tokens.issue(proof(issued), key)
    with pytest.raises(ProofRequired) as caught:
        await room.tokens.issue(proof(issued), key)
    assert caught.value.nonce is None


async def test_nonce_is_asked_for_before_the_secret(
    room: ControlRoom, issued: IssuedCredential
) -> None:
    """A proof without a nonce costs neither an assertion nor a failure; the next one passes."""
    pair = KeyPair()
    wrong = replace(proof(issued), evidence=proof(issued).evidence._replace(secret=Secret("x")))
    for _ in range(10):
        with pytest.raises(ProofRequired) as caught:
            await room.tokens.issue(wrong, dpop(room, pair, nonce=None))
    nonce = caught.value.nonce
    assert (await room.tokens.issue(proof(issued), dpop(room, pair, nonce=nonce))).token


async def test_proof_may_be_for_any_address_of_ours(
    room: ControlRoom, issued: IssuedCredential
) -> None:
    """The address by which the call came counts like the issuer's; no other does."""
    pair = KeyPair()
    uris = [TOKEN_URL, OTHER_URL]
    for uri in uris:
        key = dpop(room, pair, htu=uri)
        assert (await room.tokens.issue(proof(issued), key._replace(uris=uris))).token
    with pytest.raises(ProofRequired) as caught:
        await room.tokens.issue(proof(issued), dpop(room, pair, htu=OTHER_URL))
    assert caught.value.nonce is None
    key = dpop(room, pair, htu=OTHER_URL, nonce="x")._replace(uris=uris)
    with pytest.raises(ProofRequired) as caught:
        await room.tokens.issue(proof(issued), key)
    assert caught.value.nonce is not None


async def test_nonces_can_be_left_out(tmp_path: Path, clock: FakeClock) -> None:
    """Where they are not required a proof without one is taken."""
    room = make_room(tmp_path, clock, dpop_nonce_required=False)
    await room.keys.ensure_first()
    issued = await room.clients.create(LOCAL, GRANTS)
    key = dpop(room, KeyPair(), nonce=None)
    assert (await room.tokens.issue(proof(issued), key)).token_type == "DPoP"


async def test_introspection_is_for_the_client_and_operators(room: ControlRoom) -> None:
    """Nobody else learns of a token, not even that it exists; nor is a dead one told of."""
    own, stranger = [await room.clients.create(LOCAL, GRANTS) for _ in range(2)]
    operator = await room.clients.create(LOCAL, GRANTS, role=Role.OPERATOR)
    owner = await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)
    token = (await room.tokens.issue(proof(own))).token
    for asking, knows in ((own, True), (operator, True), (stranger, False), (owner, False)):
        found = await room.tokens.introspect(proof(asking), token)
        assert (found is not None) is knows
    assert await room.tokens.introspect(proof(own), Secret("nonsense")) is None
    await room.tokens.revoke(proof(own), token)
    assert await room.tokens.introspect(proof(own), token) is None


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


class WatchedReplayStore(MemoryReplayStore):
    """A replay store during whose claim something else happens: the client is proved by then."""

    def __init__(self, clock: FakeClock, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__(clock)
        self._meanwhile = meanwhile

    async def claim(self, tag: bytes, *, until: datetime) -> None:
        """Let the other thing happen, then claim."""
        await self._meanwhile()
        await super().claim(tag, until=until)


@pytest.mark.parametrize("end", ["revoke_credential", "assign_role", "disable"])
async def test_token_does_not_outlive_what_ended_while_it_was_made(
    room: ControlRoom, clock: FakeClock, issued: IssuedCredential, end: str
) -> None:
    """What proved the client is withdrawn before its token is signed: the token is dead."""

    async def meanwhile() -> None:
        if end == "revoke_credential":
            await room.credentials.revoke(LOCAL, issued.client_id, issued.credential_id)
        elif end == "assign_role":
            await room.clients.assign_role(LOCAL, issued.client_id, Role.OWNER)
        else:
            await room.clients.disable(LOCAL, issued.client_id)
            await room.clients.enable(LOCAL, issued.client_id)
        clock.advance(seconds=1)  # from here on a token can name a moment after the revocation

    ports = AuthenticationPorts(room.store, WatchedReplayStore(clock, meanwhile), clock)
    tokens = Tokens(
        ports, room.snapshots, authentication=room.tokens.authentication, rules=room.tokens.rules
    )
    token = (await tokens.issue(proof(issued), dpop(room, KeyPair()))).token
    clock.advance(seconds=2)
    with pytest.raises(InvalidToken):
        verify_access_token(
            token.reveal(),
            snapshot=room.snapshots.current(),
            expectations=tokens.rules.expectations,
            now=clock(),
        )

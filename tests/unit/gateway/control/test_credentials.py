"""Credentials: secrets, public keys and certificates, added and withdrawn one by one."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.control.credentials import (
    MAX_CREDENTIALS,
    SECRET,
    Proof,
    parse_public_key,
    parse_subject,
)
from gateway.control.room import ControlRoom
from gateway.core.errors import (
    Conflict,
    InvalidClient,
    MalformedRequest,
    NotFound,
    PermissionDenied,
)
from gateway.core.identity import Role
from gateway.core.jwk import SigningAlgorithm, name_key, to_jwk
from gateway.core.registry import CredentialKind
from tests.fakes.control import GRANTS, LOCAL, add_secret, principal, proof

OPERATOR = principal(Role.OPERATOR)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
JWK = to_jwk(name_key(KEY.public_key(), SigningAlgorithm.EDDSA))


async def test_rotation_overlaps(room: ControlRoom) -> None:
    """Both secrets work until the old one is revoked; then only the new one does."""
    old = await room.clients.create(OPERATOR, GRANTS)
    new = await add_secret(room, OPERATOR, old.client_id)
    await room.tokens.issue(proof(old))
    await room.tokens.issue(proof(new))
    for _ in range(2):
        revoked = await room.credentials.revoke(OPERATOR, old.client_id, old.credential_id)
    assert revoked.credential.revoked_at == room.clock()
    with pytest.raises(InvalidClient):
        await room.tokens.issue(proof(old))
    await room.tokens.issue(proof(new))


async def test_each_change_is_a_version_of_the_client(room: ControlRoom) -> None:
    """Adding and revoking a credential count as changes; revoking it again does not."""
    issued = await room.clients.create(LOCAL, GRANTS)
    added = await room.credentials.add(LOCAL, issued.client_id, SECRET)
    assert added.stored.version == 2
    for _ in range(2):
        revoked = await room.credentials.revoke(LOCAL, issued.client_id, issued.credential_id)
        assert revoked.stored.version == 3


async def test_credentials_are_few(room: ControlRoom) -> None:
    """Above the limit of good credentials, one must be revoked first."""
    issued = await room.clients.create(LOCAL, GRANTS)
    for _ in range(MAX_CREDENTIALS - 1):
        await room.credentials.add(LOCAL, issued.client_id, SECRET)
    with pytest.raises(Conflict):
        await room.credentials.add(LOCAL, issued.client_id, SECRET)
    await room.credentials.revoke(LOCAL, issued.client_id, issued.credential_id)
    await room.credentials.add(LOCAL, issued.client_id, SECRET)


async def test_public_proofs_are_stored_as_they_are_verified(room: ControlRoom) -> None:
    """A key is kept in its one spelling and a subject in its normal form; neither has a secret."""
    name = (await room.clients.create(LOCAL, GRANTS)).client_id
    spelled = parse_public_key({**reversed_members(JWK), "ext": True})
    key = await room.credentials.add(OPERATOR, name, spelled)
    subject = await room.credentials.add(OPERATOR, name, parse_subject("dns:App.Example"))
    assert (key.made.secret, subject.made.secret) == (None, None)
    listed = await room.credentials.list_page(LOCAL, name)
    verifiers = {credential.kind: credential.verifier for credential in listed}
    assert json.loads(verifiers[CredentialKind.PUBLIC_KEY]) == JWK
    assert verifiers[CredentialKind.CERTIFICATE] == "dns:app.example"


def reversed_members(members: dict[str, str]) -> dict[str, str]:
    """Return the same members in another order."""
    return dict(reversed(members.items()))


async def test_same_proof_twice_is_a_conflict(room: ControlRoom) -> None:
    """A key that a client has is not added again; once it was revoked it may be."""
    name = (await room.clients.create(LOCAL, GRANTS)).client_id
    made = (await room.credentials.add(LOCAL, name, parse_public_key(JWK))).made
    with pytest.raises(Conflict):
        await room.credentials.add(LOCAL, name, parse_public_key(reversed_members(JWK)))
    await room.credentials.revoke(LOCAL, name, made.credential.credential_id)
    await room.credentials.add(LOCAL, name, parse_public_key(JWK))


def test_key_is_public_sound_and_for_signatures() -> None:
    """Private members, weak keys, other uses and an RSA key without an algorithm are refused."""
    small = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    unsaid = to_jwk(name_key(small, SigningAlgorithm.PS256))
    good = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert parse_public_key(to_jwk(name_key(good, SigningAlgorithm.ES256))).verifier
    assert parse_public_key(unsaid).kind is CredentialKind.PUBLIC_KEY
    del unsaid["alg"]
    for members in ({**JWK, "d": "AA"}, {**JWK, "x": "AA"}, {**JWK, "use": "enc"}, {}, unsaid):
        with pytest.raises(MalformedRequest) as refused:
            parse_public_key(members)
        assert "AA" not in refused.value.detail


@pytest.mark.parametrize(
    "subject", ["", "app.example", "dns:", "dns:*.example", "ip:1.2.3", "dn:", "san:x", "uri:a b"]
)
def test_subject_is_of_a_known_kind(subject: str) -> None:
    """What is no name of its kind, a wildcard included, is refused."""
    with pytest.raises(MalformedRequest):
        parse_subject(subject)
    assert parse_subject("ip:::1") == Proof(CredentialKind.CERTIFICATE, "ip:::1")


async def test_list_is_paged_and_for_readers(room: ControlRoom) -> None:
    """Pages are in the order of creation, revoked ones included; an auditor sees none."""
    issued = await room.clients.create(LOCAL, GRANTS)
    for _ in range(2):
        await add_secret(room, LOCAL, issued.client_id)
    await room.credentials.revoke(LOCAL, issued.client_id, issued.credential_id)
    whole = await room.credentials.list_page(LOCAL, issued.client_id)
    pages = [
        await room.credentials.list_page(OPERATOR, issued.client_id, skip=skip, limit=2)
        for skip in (0, 2, 4)
    ]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert [*pages[0], *pages[1]] == list(whole)
    for name in (issued.client_id, "c-0"):
        with pytest.raises(PermissionDenied):
            await room.credentials.list_page(principal(Role.AUDITOR), name)


async def test_unknown_is_not_found(room: ControlRoom) -> None:
    """Neither an unknown client nor another client's credential is found."""
    mine, other = [await room.clients.create(LOCAL, GRANTS) for _ in range(2)]
    with pytest.raises(NotFound):
        await room.credentials.list_page(LOCAL, "c-0")
    with pytest.raises(NotFound):
        await room.credentials.add(LOCAL, "c-0", SECRET)
    for credential_id in ("0", other.credential_id):
        with pytest.raises(NotFound):
            await room.credentials.revoke(LOCAL, mine.client_id, credential_id)

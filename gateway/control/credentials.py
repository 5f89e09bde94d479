"""Credentials of clients: what each may prove itself with, registered, listed and withdrawn.

A client has a few at a time, of any kind: a secret that is made here and shown once, a public key
whose private half never leaves the client, or the name in a client certificate. With the last two
there is nothing here that a thief could use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from gateway.control.actors import Actor
from gateway.control.acts import Act, Action, Acts
from gateway.control.client_records import get_writable, save_client
from gateway.control.revocation_entries import cut_revocation
from gateway.control.secrets import SecretHasher, new_credential_id, new_secret
from gateway.core.client_certificates import parse_certificate_subject
from gateway.core.errors import Conflict, MalformedRequest, NotFound
from gateway.core.jwk import parse_jwk, to_jwk
from gateway.core.jws import Unreadable
from gateway.core.policy import Permission
from gateway.core.ports import ControlChange
from gateway.core.registry import Credential, CredentialKind, RevocationKind, StoredClient
from gateway.core.secret import Secret

MAX_CREDENTIALS: Final = 4
"""Credentials of one client that are good at a time: enough to rotate, too few to lose sight of."""


class Proof(NamedTuple):
    """How a client is to prove itself. *verifier* is empty for a secret, which is made here."""

    kind: CredentialKind
    verifier: str = ""


SECRET: Final = Proof(CredentialKind.SECRET)


def parse_public_key(members: Mapping[str, Any]) -> Proof:
    """Return the proof by the private half of a public JWK, in its one spelling.

    Raises ``MalformedRequest`` for a key that is weak, private, contradicts itself or is not for
    signatures; an RSA key must name its algorithm.
    """
    try:
        key = parse_jwk(members)
    except Unreadable:
        raise MalformedRequest(
            "The key is not a sound public key for EdDSA, ES256, RS256 or PS256."
        ) from None
    verifier = json.dumps(to_jwk(key), sort_keys=True, separators=(",", ":"))
    return Proof(CredentialKind.PUBLIC_KEY, verifier)


def parse_subject(text: str) -> Proof:
    """Return the proof by a certificate with that subject: ``dn:``, ``dns:``, ``uri:`` ….

    Raises ``MalformedRequest``.
    """
    return Proof(CredentialKind.CERTIFICATE, str(parse_certificate_subject(text)))


class MadeCredential(NamedTuple):
    """A credential, and its secret if it has one: it can be seen only now."""

    credential: Credential
    secret: Secret[str] | None


class AddedCredential(NamedTuple):
    """A fresh credential and its client, as it is with it."""

    stored: StoredClient
    made: MadeCredential


class RevokedCredential(NamedTuple):
    """A credential that is withdrawn and its client, as it is without it."""

    stored: StoredClient
    credential: Credential


class Credentials:
    """The use cases around credentials.

    Every method raises ``PermissionDenied`` for an actor without the right and ``StoreUnavailable``
    when the store does not answer. With *expected_version* a change raises ``VersionMismatch``
    when the client is no more what the caller has seen.
    """

    def __init__(self, acts: Acts, *, hasher: SecretHasher) -> None:
        self._store = acts.store
        self._acts = acts
        self._hasher = hasher
        self._clock = acts.clock

    async def make(self, client_id: str, proof: Proof) -> MadeCredential:
        """Return a fresh credential of *client_id*, not stored yet. For other use cases."""
        credential_id = new_credential_id()
        secret, verifier = None, proof.verifier
        if proof.kind is CredentialKind.SECRET:
            secret = new_secret(credential_id)
            verifier = await self._hasher.hash(secret)
        credential = Credential(
            credential_id, client_id, verifier, created_at=self._clock(), kind=proof.kind
        )
        return MadeCredential(credential, secret)

    async def list_page(
        self, actor: Actor, client_id: str, *, skip: int = 0, limit: int = 50
    ) -> Sequence[Credential]:
        """Return up to *limit* credentials of a client after the first *skip*, oldest first.

        Raises ``NotFound``.
        """
        self._acts.verify(actor, Permission.READ_CLIENTS)
        if await self._store.find_client(client_id) is None:
            raise NotFound
        return (await self._store.list_credentials(client_id))[skip : skip + limit]

    async def add(
        self, actor: Actor, client_id: str, proof: Proof, *, expected_version: int | None = None
    ) -> AddedCredential:
        """Give a client one more credential; the others stay good until they are revoked.

        Raises ``NotFound``, and ``Conflict`` above :data:`MAX_CREDENTIALS` and for a key or a
        subject that it has already.
        """
        made = await self.make(client_id, proof)
        act = Act(Action.ADD_CREDENTIAL, client_id, f"{made.credential.credential_id} {proof.kind}")
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            stored = await get_writable(change, actor, client_id, expected_version=expected_version)
            good = [c for c in await change.list_credentials(client_id) if c.revoked_at is None]
            if len(good) >= MAX_CREDENTIALS:
                raise Conflict("The client has too many credentials; revoke one first.")
            if any(Proof(c.kind, c.verifier) == proof for c in good):
                raise Conflict("The client has this credential already.")
            await change.add_credential(made.credential)
            saved = await save_client(change, stored, stored.client, at=self._clock())
        return AddedCredential(saved, made)

    async def revoke(
        self,
        actor: Actor,
        client_id: str,
        credential_id: str,
        *,
        expected_version: int | None = None,
    ) -> RevokedCredential:
        """Withdraw one credential, and every token that was fetched with it.

        Raises ``NotFound``. Withdrawing twice changes nothing.
        """
        act = Act(Action.REVOKE_CREDENTIAL, client_id, credential_id)
        async with self._acts.change(actor, Permission.WRITE_CLIENTS, act) as change:
            stored = await get_writable(change, actor, client_id, expected_version=expected_version)
            found = {c.credential_id: c for c in await change.list_credentials(client_id)}
            credential = found.get(credential_id)
            if credential is None:
                raise NotFound
            if credential.revoked_at is None:
                now = self._clock()
                credential = replace(credential, revoked_at=now)
                await change.save_credential(credential)
                cut = cut_revocation(RevocationKind.CREDENTIAL_ID, credential_id, at=now)
                await change.add_revocation(cut)
                stored = await save_client(change, stored, stored.client, at=now)
        return RevokedCredential(stored, credential)


async def revoke_all(change: ControlChange, client_id: str, *, at: datetime) -> None:
    """Withdraw every credential of a client; its tokens are the caller's business."""
    for credential in await change.list_credentials(client_id):
        if credential.revoked_at is None:
            await change.save_credential(replace(credential, revoked_at=at))

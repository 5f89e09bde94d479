"""Access tokens: the client credentials grant (RFC 6749 §4.4) and revocation (RFC 7009).

A token is issued to a client that proves its secret, is not disabled and calls from one of its own
networks. Nothing about an issued token is stored.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from gateway.control.revocation_entries import issue_time, token_revocation
from gateway.control.secrets import MAX_SECRET_CHARS, SecretHasher, credential_id_of
from gateway.control.snapshot import SnapshotHolder
from gateway.core.errors import InvalidClient, InvalidToken
from gateway.core.identity import Address, Client
from gateway.core.policy import verify_address
from gateway.core.ports import Clock, ControlStore
from gateway.core.secret import Secret
from gateway.core.tokens import (
    MAX_LIFETIME,
    AccessClaims,
    Expectations,
    sign_access_token,
    verify_access_token,
)

_JTI_BYTES = 16  # in hexadecimal, so that it can be typed after a command without a leading dash


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What goes into every token. ``ValueError`` for a lifetime that is not within an hour."""

    issuer: str
    audience: str
    lifetime: timedelta = MAX_LIFETIME

    def __post_init__(self) -> None:
        if not timedelta(seconds=1) <= self.lifetime <= MAX_LIFETIME:
            raise ValueError("an access token lives between one second and one hour")

    @property
    def expectations(self) -> Expectations:
        """What a token must name to be one of ours."""
        return Expectations(issuer=self.issuer, audience=self.audience)


class ClientProof(NamedTuple):
    """What a caller of the token endpoint says of itself, and where it calls from."""

    client_id: str
    secret: Secret[str]
    address: Address


class IssuedToken(NamedTuple):
    """A fresh access token."""

    token: Secret[str]
    expires_in_seconds: int


class Tokens:
    """The use cases around access tokens. The caller is the client itself; there is no actor."""

    def __init__(
        self,
        store: ControlStore,
        snapshots: SnapshotHolder,
        *,
        hasher: SecretHasher,
        clock: Clock,
        rules: TokenRules,
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._hasher = hasher
        self._clock = clock
        self.rules = rules

    async def issue(self, proof: ClientProof) -> IssuedToken:
        """Return a token for the client that *proof* is of.

        Raises ``InvalidClient`` for a wrong secret, an unknown or a disabled client,
        ``AddressNotAllowed`` for a call from outside the client's networks, ``RateLimited`` when
        too many secrets are being checked, ``StoreUnavailable``.
        """
        client = await self._authenticate(proof)
        signing_key = self._snapshots.signing_key()
        cut = self._snapshots.current().revocations.find_cut(client, "")
        issued_at = issue_time(self._clock(), cut=cut)
        claims = AccessClaims(
            issuer=self.rules.issuer,
            audience=self.rules.audience,
            client_id=client.client_id,
            jti=secrets.token_hex(_JTI_BYTES),
            issued_at=issued_at,
            expires_at=issued_at + self.rules.lifetime,
        )
        token = sign_access_token(claims, signing_key.private, signing_key.kid)
        return IssuedToken(Secret(token), int(self.rules.lifetime.total_seconds()))

    async def revoke(self, proof: ClientProof, token: Secret[str]) -> None:
        """Withdraw *token* for the client it was issued to (RFC 7009 §2.1).

        A token that is not valid, or of another client, is left alone without a word: either way
        this client cannot use it (RFC 7009 §2.2). Raises what :meth:`issue` raises.
        """
        client = await self._authenticate(proof)
        now = self._clock()
        try:
            principal = verify_access_token(
                token.reveal(),
                snapshot=self._snapshots.current(),
                expectations=self.rules.expectations,
                now=now,
            )
        except InvalidToken:
            return
        if principal.client.client_id != client.client_id:
            return
        entry = token_revocation(principal.jti, at=now, expires_at=principal.expires_at)
        async with self._store.change() as change:
            await change.add_revocation(entry)
        await self._snapshots.refresh()

    async def _authenticate(self, proof: ClientProof) -> Client:
        """Return the client. The same work is done whether or not it exists.

        The store is asked, not the snapshot, since the hashes of secrets stay out of memory.
        """
        if len(proof.secret.reveal()) > MAX_SECRET_CHARS:
            raise InvalidClient
        stored = await self._store.find_client(proof.client_id)
        credential = await self._store.find_credential(credential_id_of(proof.secret))
        good = (
            credential is not None
            and credential.revoked_at is None
            and credential.client_id == proof.client_id
        )
        secret_hash = credential.verifier if credential is not None and good else None
        await self._hasher.verify(proof.secret, secret_hash=secret_hash)
        if stored is None or stored.client.disabled:
            raise InvalidClient
        verify_address(proof.address, stored.client.networks)
        return stored.client

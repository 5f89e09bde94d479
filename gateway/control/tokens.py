"""Access tokens: issued (RFC 6749 §4.4), revoked (RFC 7009), looked into (RFC 7662).

A token is issued to a client that proves itself, is not disabled and calls from one of its own
networks. It is bound to the key of a DPoP proof (RFC 9449) or to a client certificate (RFC 8705 §3)
when the call has one. Nothing about an issued token is stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from gateway.control.client_authentication import (
    AuthenticatedClient,
    AuthenticationPorts,
    ClientAuthentication,
    ClientProof,
)
from gateway.control.revocation_entries import issue_time, token_revocation
from gateway.control.snapshot import SnapshotHolder
from gateway.core.client_certificates import certificate_thumbprint
from gateway.core.dpop import DpopNonces, ProvenCall, ProvenKey, verify_proof
from gateway.core.errors import (
    CommitUnconfirmed,
    InvalidToken,
    MalformedRequest,
    ProofRequired,
    Replayed,
)
from gateway.core.grants import TokenBinding
from gateway.core.identity import Client, Confirmation, Principal, Role
from gateway.core.policy import verify_binding
from gateway.core.secret import Secret
from gateway.core.tokens import (
    MAX_LIFETIME,
    AccessClaims,
    Expectations,
    sign_access_token,
    verify_access_token,
)

TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105  # a path
_JTI_BYTES = 16  # in hexadecimal, so that it can be typed after a command without a leading dash


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What goes into every token. ``ValueError`` for a lifetime that is not within an hour.

    *dpop_nonce_required* has every DPoP proof carry a nonce of ours.
    """

    issuer: str
    audience: str
    lifetime: timedelta = MAX_LIFETIME
    dpop_nonce_required: bool = True

    def __post_init__(self) -> None:
        if not timedelta(seconds=1) <= self.lifetime <= MAX_LIFETIME:
            raise ValueError("an access token lives between one second and one hour")

    @property
    def expectations(self) -> Expectations:
        """What a token must name to be one of ours."""
        return Expectations(issuer=self.issuer, audience=self.audience)

    @property
    def assertion_audiences(self) -> frozenset[str]:
        """What a client assertion may name to be meant for us (RFC 7523 §3)."""
        return frozenset({self.issuer, f"{self.issuer}{TOKEN_PATH}"})


class DpopProof(NamedTuple):
    """The ``DPoP`` header of a token request, and the URIs by which that may have reached us."""

    proof: str
    uris: Sequence[str]


class IssuedToken(NamedTuple):
    """A fresh access token; *token_type* is ``Bearer`` or ``DPoP`` (RFC 9449 §5)."""

    token: Secret[str]
    expires_in_seconds: int
    token_type: str


class Tokens:
    """The use cases around access tokens. The caller is the client itself; there is no actor.

    Every method raises what :meth:`ClientAuthentication.authenticate` raises.
    """

    def __init__(
        self,
        ports: AuthenticationPorts,
        snapshots: SnapshotHolder,
        *,
        authentication: ClientAuthentication,
        rules: TokenRules,
    ) -> None:
        self._store = ports.store
        self._replay_store = ports.replay_store
        self._clock = ports.clock
        self._snapshots = snapshots
        self.authentication = authentication
        self.rules = rules

    async def issue(self, proof: ClientProof, dpop: DpopProof | None = None) -> IssuedToken:
        """Return a token for the client that *proof* is of, bound to the key of *dpop*.

        The DPoP proof is looked at first: who only lacks a nonce has lost neither an assertion nor
        the time of a hash. Raises ``ProofRequired`` for a bad DPoP proof, or for none from a client
        whose tokens must be bound, ``MalformedRequest`` when such a client lacks its certificate.
        """
        proven = None if dpop is None else self._verify_dpop(dpop)
        # A token is as old as the check that it rests on: what is withdrawn meanwhile ends it too.
        asked_at, revocations = self._clock(), self._snapshots.current().revocations
        authenticated = await self.authentication.authenticate(proof)
        confirmation = _confirmation(authenticated.client, proof, proven)
        _verify_bound(authenticated.client, confirmation)
        if proven is not None:
            await self._claim(proven)
        cut = revocations.find_cut(authenticated.client, authenticated.credential_id)
        issued_at = issue_time(asked_at, cut=cut)
        token = self._sign(authenticated, confirmation, issued_at=issued_at)
        token_type = "Bearer" if confirmation.jkt is None else "DPoP"
        return IssuedToken(token, int(self.rules.lifetime.total_seconds()), token_type)

    async def revoke(self, proof: ClientProof, token: Secret[str]) -> None:
        """Withdraw *token* for the client it was issued to (RFC 7009 §2.1).

        A token that is not valid, or of another client, is left alone without a word: either way
        this client cannot use it (RFC 7009 §2.2).
        """
        client = (await self.authentication.authenticate(proof)).client
        principal = self._find_principal(token)
        if principal is None or principal.client.client_id != client.client_id:
            return
        entry = token_revocation(principal.jti, at=self._clock(), expires_at=principal.expires_at)
        try:
            async with self._store.change() as change:
                await change.add_revocation(entry)
        except CommitUnconfirmed:
            await self._snapshots.catch_up()  # it counts here too if it was made
            raise
        await self._snapshots.catch_up()

    async def introspect(self, proof: ClientProof, token: Secret[str]) -> Principal | None:
        """Return what *token* says if it is valid now and the client may know (RFC 7662 §2.2).

        A client may ask about its own tokens, one with the role ``operator`` about all of ours.
        ``None`` is the same for a token that is not valid and one that is none of its business.
        """
        client = (await self.authentication.authenticate(proof)).client
        principal = self._find_principal(token)
        if principal is None:
            return None
        is_own = principal.client.client_id == client.client_id
        return principal if is_own or client.role is Role.OPERATOR else None

    def _find_principal(self, token: Secret[str]) -> Principal | None:
        try:
            return verify_access_token(
                token.reveal(),
                snapshot=self._snapshots.current(),
                expectations=self.rules.expectations,
                now=self._clock(),
            )
        except InvalidToken:
            return None

    def _verify_dpop(self, dpop: DpopProof) -> ProvenKey:
        """Return the key of the proof if that is good for one of the URIs."""
        required = self.rules.dpop_nonce_required
        nonces = self._snapshots.dpop_nonces() if required else None
        first, *others = (ProvenCall("POST", uri) for uri in dpop.uris)
        for call in others:
            proven = self._find_proven(dpop.proof, call, nonces)
            if proven is not None:
                return proven
        return verify_proof(dpop.proof, first, nonces=nonces, now=self._clock())

    def _find_proven(
        self, proof: str, call: ProvenCall, nonces: DpopNonces | None
    ) -> ProvenKey | None:
        """Return the key, or None for a proof that is bad in other ways than lacking a nonce."""
        try:
            return verify_proof(proof, call, nonces=nonces, now=self._clock())
        except ProofRequired as refusal:
            if refusal.nonce is not None:
                raise
            return None

    async def _claim(self, proven: ProvenKey) -> None:
        try:
            await self._replay_store.claim(proven.jti_tag, until=proven.expires_at)
        except Replayed:
            raise ProofRequired("This DPoP proof was used before.") from None

    def _sign(
        self, authenticated: AuthenticatedClient, confirmation: Confirmation, *, issued_at: datetime
    ) -> Secret[str]:
        client, credential_id = authenticated
        signing_key = self._snapshots.signing_key()
        claims = AccessClaims(
            issuer=self.rules.issuer,
            audience=self.rules.audience,
            client_id=client.client_id,
            jti=secrets.token_hex(_JTI_BYTES),
            issued_at=issued_at,
            expires_at=issued_at + self.rules.lifetime,
            credential_id=credential_id,
            confirmation=confirmation,
        )
        return Secret(sign_access_token(claims, signing_key.private, signing_key.kid))


def _confirmation(client: Client, proof: ClientProof, proven: ProvenKey | None) -> Confirmation:
    """Return what the token is bound to.

    To the DPoP key if there is one, else to the certificate that the client showed. To both for a
    client whose tokens must be bound to a certificate; for others both would rule out calls through
    a proxy that ends TLS, which DPoP is for.
    """
    jkt = None if proven is None else proven.jkt
    wanted = jkt is None or client.token_binding is TokenBinding.CERTIFICATE
    if proof.certificate is None or not wanted:
        return Confirmation(jkt=jkt)
    return Confirmation(jkt=jkt, x5t_s256=certificate_thumbprint(proof.certificate))


def _verify_bound(client: Client, confirmation: Confirmation) -> None:
    try:
        verify_binding(client, confirmation)
    except InvalidToken:
        if client.token_binding is TokenBinding.CERTIFICATE:
            raise MalformedRequest(
                "Tokens of this client are bound to a certificate: show it in the TLS handshake."
            ) from None
        raise ProofRequired(
            "Tokens of this client are bound to a key: send a DPoP proof (RFC 9449)."
        ) from None

"""Client authentication at the token, revocation and introspection endpoints (RFC 6749 §2.3).

Three methods: a secret (``client_secret_basic``), an assertion signed with the client's own key
(``private_key_jwt``, RFC 7523) and a client certificate (``tls_client_auth``, RFC 8705 §2.1). The
same questions are asked of the store and the same work is done whether the client exists or not:
the client itself is looked up once its credential was found to be good. Every failure is
``InvalidClient`` with one text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.control.lockout import Lockout
from gateway.control.secrets import MAX_SECRET_CHARS, SecretHasher, credential_id_of
from gateway.core.client_assertion import (
    MAX_CLIENT_ID_CHARS,
    UnverifiedAssertion,
    parse_client_assertion,
    verify_client_assertion,
)
from gateway.core.client_certificates import parse_certificate_subject, verify_certificate_subject
from gateway.core.errors import InvalidClient, MalformedRequest, Replayed
from gateway.core.identity import Address, Client
from gateway.core.jwk import VerificationKey, parse_jwk
from gateway.core.jws import Unreadable, parse_object
from gateway.core.policy import verify_address
from gateway.core.ports import Clock, ControlStore, ReplayStore
from gateway.core.registry import Credential, CredentialKind
from gateway.core.secret import Secret

_NO_CERTIFICATE: Final = b""
_KEYS_REMEMBERED: Final = 1024


class SecretProof(NamedTuple):
    """A client's identifier and its secret."""

    client_id: str
    secret: Secret[str]


class AssertionProof(NamedTuple):
    """A signed assertion, and the ``client_id`` beside it if there was one."""

    assertion: Secret[str]
    client_id: str | None = None


class CertificateProof(NamedTuple):
    """A client's identifier; the certificate that it showed is in the :class:`ClientProof`."""

    client_id: str


@dataclass(frozen=True, slots=True)
class ClientProof:
    """What a caller says of itself, and where it calls from.

    *certificate* (DER) was verified by TLS; it proves the client only by :class:`CertificateProof`.
    """

    evidence: SecretProof | AssertionProof | CertificateProof
    address: Address
    certificate: bytes | None = field(default=None, repr=False)


class AuthenticatedClient(NamedTuple):
    """A client that proved itself, and the credential by which it did."""

    client: Client
    credential_id: str


class AuthenticationPorts(NamedTuple):
    """What the use cases around tokens need from outside."""

    store: ControlStore
    replay_store: ReplayStore
    clock: Clock


class _Claim(NamedTuple):
    """Whom a call says to be from, before anything was verified."""

    client_id: str
    assertion: UnverifiedAssertion | None = None


class ClientAuthentication:
    """Verifies what clients say of themselves.

    *audiences* are the names of this server that an assertion may be made for.
    """

    def __init__(
        self,
        ports: AuthenticationPorts,
        *,
        hasher: SecretHasher,
        lockout: Lockout,
        audiences: frozenset[str],
    ) -> None:
        self._store = ports.store
        self._replay_store = ports.replay_store
        self._clock = ports.clock
        self._hasher = hasher
        self._lockout = lockout
        self._audiences = audiences

    async def authenticate(self, proof: ClientProof) -> AuthenticatedClient:
        """Return the client that *proof* is of.

        Raises ``InvalidClient`` for a bad proof, an unknown or a disabled client,
        ``AddressNotAllowed`` for a call from outside the client's networks, ``RateLimited`` after
        too many bad proofs or when too many secrets are being checked, ``StoreUnavailable``.
        """
        claim = _read_claim(proof.evidence)
        pair = (proof.address, claim.client_id)
        has_failed = await self._lockout.verify(*pair, now=self._clock())
        try:
            authenticated = await self._verify(proof, claim)
        except InvalidClient:
            await self._lockout.count_failure(*pair, now=self._clock())
            raise
        if has_failed:
            await self._lockout.forget(*pair)
        verify_address(proof.address, authenticated.client.networks)
        return authenticated

    async def _verify(self, proof: ClientProof, claim: _Claim) -> AuthenticatedClient:
        """Ask the store, not the snapshot: what proves a client stays out of memory."""
        if claim.assertion is not None:
            credential = await self._verify_assertion(claim.assertion)
        elif isinstance(proof.evidence, SecretProof):
            credential = await self._verify_secret(proof.evidence, proof.address)
        else:
            credential = await self._verify_certificate(claim.client_id, proof.certificate)
        stored = await self._store.find_client(claim.client_id)
        if stored is None or stored.client.disabled:
            raise InvalidClient
        return AuthenticatedClient(stored.client, credential.credential_id)

    async def _verify_secret(self, evidence: SecretProof, address: Address) -> Credential:
        client_id, secret = evidence
        if len(secret.reveal()) > MAX_SECRET_CHARS:
            raise InvalidClient
        credential = await self._store.find_credential(credential_id_of(secret))
        good = (
            credential is not None
            and credential.revoked_at is None
            and credential.kind is CredentialKind.SECRET
            and credential.client_id == client_id
        )
        secret_hash = credential.verifier if credential is not None and good else None

        async def verify_not_locked() -> None:
            await self._lockout.verify(address, client_id, now=self._clock())

        await self._hasher.verify(secret, secret_hash=secret_hash, before=verify_not_locked)
        assert credential is not None
        return credential

    async def _verify_assertion(self, unverified_assertion: UnverifiedAssertion) -> Credential:
        client_id = unverified_assertion.unverified_client_id
        credentials = await self._good(client_id, CredentialKind.PUBLIC_KEY)
        found = [(_find_key(credential.verifier), credential) for credential in credentials]
        keys = [(key, credential) for key, credential in found if key is not None]
        try:
            proven = verify_client_assertion(
                unverified_assertion,
                [key for key, _ in keys],
                audiences=self._audiences,
                now=self._clock(),
            )
            await self._replay_store.claim(proven.jti_tag, until=proven.expires_at)
        except (Unreadable, Replayed):
            raise InvalidClient from None
        return next(credential for key, credential in keys if key == proven.key)

    async def _verify_certificate(self, client_id: str, certificate: bytes | None) -> Credential:
        subjects = {}
        for credential in await self._good(client_id, CredentialKind.CERTIFICATE):
            try:
                subjects[parse_certificate_subject(credential.verifier)] = credential
            except MalformedRequest:
                continue
        return subjects[verify_certificate_subject(certificate or _NO_CERTIFICATE, list(subjects))]

    async def _good(self, client_id: str, kind: CredentialKind) -> list[Credential]:
        credentials = await self._store.list_credentials(client_id)
        return [c for c in credentials if c.kind is kind and c.revoked_at is None]


def _read_claim(evidence: SecretProof | AssertionProof | CertificateProof) -> _Claim:
    """Return whom the call is from by its own account. Raises ``InvalidClient``."""
    if not isinstance(evidence, AssertionProof):
        if not 0 < len(evidence.client_id) <= MAX_CLIENT_ID_CHARS:
            raise InvalidClient
        return _Claim(evidence.client_id)
    try:
        assertion = parse_client_assertion(evidence.assertion.reveal())
    except Unreadable:
        raise InvalidClient from None
    if evidence.client_id not in {None, assertion.unverified_client_id}:
        raise InvalidClient  # RFC 7521 §4.2
    return _Claim(assertion.unverified_client_id, assertion)


@lru_cache(maxsize=_KEYS_REMEMBERED)
def _find_key(verifier: str) -> VerificationKey | None:
    """Return the public key of a credential; parsed once, since that would tell who exists."""
    try:
        return parse_jwk(parse_object(verifier.encode()))
    except Unreadable:
        return None

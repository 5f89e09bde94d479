"""Access tokens: JWTs of RFC 9068, signed with Ed25519 or ES256 by a key of the snapshot.

Every failure is :class:`InvalidToken` with one text, so a refusal tells nothing about its reason.
The strict parser in front and the reader of the claims behind are those of ``compact_jws``.

Verification, numbered as in :func:`verify_signed_token` (1 to 8) and :func:`accept_token`:

1. three non-empty parts of canonical base64url, within a size limit (RFC 7515 §3.1);
2. a header of exactly ``alg``, ``typ`` and ``kid``: so no ``crit``, ``jwk``, ``jku``, ``x5u`` …;
3. ``typ`` is ``at+jwt`` (RFC 9068 §4) and ``alg`` the one algorithm of the key;
4. ``kid`` names a key of the snapshot: no other place is ever asked;
5. the signature (RFC 8037 §3.1, RFC 7518 §3.4);
6. claims present, typed, without a duplicate member; ``cnf`` holds nothing that is not checked;
7. issuer and audience are ours; ``sub`` is the client itself (RFC 9068 §2.2);
8. lifetime at most an hour;
9. ``iat`` and ``exp`` against the clock;
10. the client exists, is not disabled, and may use a token that is bound like this one;
11. neither token, client, role, credential nor key has been revoked.

Steps 9 to 11 depend on the moment and are done on every call; what the others found may be kept
(``token_verifier``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWS

from gateway.core.compact_jws import Claims, CompactForm, parse_compact_jws, verify_compact_jws
from gateway.core.errors import InvalidToken
from gateway.core.identity import UNBOUND, Confirmation, Principal, Role
from gateway.core.jwk import SigningAlgorithm, VerificationKey
from gateway.core.jws import Unreadable, parse_base64url
from gateway.core.policy import Snapshot, verify_principal

MAX_LIFETIME = timedelta(seconds=3600)
"""The longest that an access token may live."""

MAX_LEEWAY = timedelta(seconds=30)
"""The most that the clocks of two machines may differ."""

TOKEN_TYPE: Final = "at+jwt"  # noqa: S105  # the name of a type
SigningPrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
_FORM: Final = CompactForm(types=frozenset({TOKEN_TYPE}))
_JWS: Final = PyJWS(algorithms=[SigningAlgorithm.EDDSA.value, SigningAlgorithm.ES256.value])
_THUMBPRINT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says. Times are cut to whole seconds when it is signed.

    *credential_id* is the credential it was fetched with, *confirmation* the key it is bound to.
    """

    issuer: str
    audience: str
    client_id: str
    jti: str
    issued_at: datetime
    expires_at: datetime
    credential_id: str = ""
    confirmation: Confirmation = UNBOUND


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a token must name to be meant for us."""

    issuer: str
    audience: str


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token whose signature and claims were found to be good, whatever the time and the policy.

    *kid* is the name under which its key can be revoked. *role* is what a token of another issuer
    says that the client is, and None in a token of ours.
    """

    kid: str
    key: VerificationKey
    claims: AccessClaims
    role: Role | None = None


def sign_access_token(claims: AccessClaims, key: SigningPrivateKey, kid: str) -> str:
    """Return the compact serialisation of an access token with *claims*.

    Raises ``ValueError`` when the lifetime is above :data:`MAX_LIFETIME`: that is our bug.
    """
    issued, expires = int(claims.issued_at.timestamp()), int(claims.expires_at.timestamp())
    if not 0 < expires - issued <= MAX_LIFETIME.total_seconds():
        raise ValueError("an access token lives for at most an hour")
    payload: dict[str, Any] = {
        "iss": claims.issuer,
        "aud": claims.audience,
        "sub": claims.client_id,
        "client_id": claims.client_id,
        "jti": claims.jti,
        "iat": issued,
        "exp": expires,
    }
    if claims.credential_id:
        payload["credential_id"] = claims.credential_id
    if claims.confirmation != UNBOUND:
        payload["cnf"] = _confirmation_members(claims.confirmation)
    body = json.dumps(payload, separators=(",", ":")).encode()
    is_ed25519 = isinstance(key, Ed25519PrivateKey)
    algorithm = SigningAlgorithm.EDDSA if is_ed25519 else SigningAlgorithm.ES256
    return _JWS.encode(body, key, algorithm.value, {"typ": TOKEN_TYPE, "kid": kid})


def verify_access_token(
    token: str,
    *,
    snapshot: Snapshot,
    expectations: Expectations,
    now: datetime,
    leeway: timedelta = MAX_LEEWAY,
) -> Principal:
    """Return who calls with *token*. Raises :class:`InvalidToken`, whatever the reason.

    Does no I/O: a key or a client that *snapshot* does not hold does not exist. *leeway* is cut to
    :data:`MAX_LEEWAY`.
    """
    signed = verify_signed_token(token, keys=snapshot.verification_keys, expectations=expectations)
    return accept_token(signed, snapshot=snapshot, now=now, leeway=leeway)


def verify_signed_token(
    token: str, *, keys: Mapping[str, VerificationKey], expectations: Expectations
) -> SignedToken:
    """Return what *token* says if one of *keys* signed it and it is meant for us.

    Raises :class:`InvalidToken`.
    """
    try:
        unverified = parse_compact_jws(token, _FORM)  # 1-3
        kid = unverified.unverified_kid
        key = keys.get(kid)
        if key is None:  # 4
            raise InvalidToken
        claims = _read_claims(verify_compact_jws(unverified, key))  # 3, 5, 6
    except Unreadable:
        # The cause stays out of the chain: it would carry the token into a traceback.
        raise InvalidToken from None
    if claims.issuer != expectations.issuer or claims.audience != expectations.audience:  # 7
        raise InvalidToken
    if not timedelta(0) < claims.expires_at - claims.issued_at <= MAX_LIFETIME:  # 8
        raise InvalidToken
    return SignedToken(kid, key, claims)


def accept_token(
    signed: SignedToken, *, snapshot: Snapshot, now: datetime, leeway: timedelta = MAX_LEEWAY
) -> Principal:
    """Return who calls with *signed*, if that is good at this moment and by *snapshot*.

    Raises :class:`InvalidToken`.
    """
    claims, leeway = signed.claims, min(leeway, MAX_LEEWAY)
    # Compared without arithmetic on the claims: a date at the end of time would overflow.
    if claims.issued_at > now + leeway or claims.expires_at <= now - leeway:  # 9
        raise InvalidToken
    client = snapshot.clients.get(claims.client_id)
    if client is None or signed.role not in {None, client.role}:  # 10
        raise InvalidToken
    principal = Principal(
        client=client,
        jti=claims.jti,
        kid=signed.kid,
        issued_at=claims.issued_at,
        expires_at=claims.expires_at,
        credential_id=claims.credential_id,
        confirmation=claims.confirmation,
    )
    verify_principal(principal, snapshot)  # 10, 11
    return principal


def read_confirmation(claims: Claims) -> Confirmation:
    """Return what the token is bound to (RFC 7800 §3.1). Raises ``Unreadable``.

    A member that is not known here is refused, since nobody would check it.
    """
    cnf = claims.find_object("cnf")
    if cnf is None:
        return UNBOUND
    if not cnf.members or not cnf.members.keys() <= {"jkt", "x5t#S256"}:
        raise Unreadable
    confirmation = Confirmation(cnf.find_text("jkt"), cnf.find_text("x5t#S256"))
    for thumbprint in confirmation:
        if thumbprint is not None and len(parse_base64url(thumbprint)) != _THUMBPRINT_BYTES:
            raise Unreadable
    return confirmation


def _confirmation_members(confirmation: Confirmation) -> dict[str, str]:
    members = {"jkt": confirmation.jkt, "x5t#S256": confirmation.x5t_s256}
    return {name: value for name, value in members.items() if value is not None}


def _read_claims(claims: Claims) -> AccessClaims:
    client_id = claims.text("client_id")
    if claims.text("sub") != client_id:  # 7
        raise Unreadable
    return AccessClaims(
        issuer=claims.text("iss"),
        audience=claims.text("aud"),
        client_id=client_id,
        jti=claims.text("jti"),
        issued_at=claims.moment("iat"),
        expires_at=claims.moment("exp"),
        credential_id=claims.find_text("credential_id") or "",
        confirmation=read_confirmation(claims),
    )

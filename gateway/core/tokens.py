"""Access tokens: JWTs of RFC 9068, signed with Ed25519 and nothing else.

PyJWT checks the signature; a strict parser of ours stands in front of it and a strict reader of the
claims behind it, because JOSE and JSON libraries accept more than the standards do. Every failure
is :class:`InvalidToken` with one text, so a refusal tells nothing about its reason.

Verification, numbered as in :func:`verify_access_token`:

1. three non-empty parts of canonical base64url, within a size limit (RFC 7515 §3.1);
2. a header of exactly ``alg``, ``typ`` and ``kid``: so no ``crit``, ``jwk``, ``jku``, ``x5u`` …;
3. ``alg`` is ``EdDSA`` and ``typ`` is ``at+jwt`` (RFC 9068 §4);
4. ``kid`` names a key of the snapshot: no other place is ever asked;
5. the signature (RFC 8037 §3.1);
6. claims present, typed, without a duplicate member;
7. issuer and audience are ours; ``sub`` is the client itself (RFC 9068 §2.2);
8. lifetime at most an hour; ``iat`` and ``exp`` against the clock;
9. the client exists and is not disabled;
10. neither token, client nor key has been revoked.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt import InvalidTokenError, PyJWS

from gateway.core.errors import InvalidToken
from gateway.core.identity import Principal
from gateway.core.policy import Snapshot, verify_principal

MAX_LIFETIME = timedelta(seconds=3600)
"""The longest that an access token may live."""

MAX_LEEWAY = timedelta(seconds=30)
"""The most that the clocks of two machines may differ."""

_MAX_TOKEN_CHARS = 4096  # ours are below 600; parsing stays cheap whatever is sent
_ALGORITHM = "EdDSA"
_TYPE = "at+jwt"
_HEADER_MEMBERS = {"alg", "typ", "kid"}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_JWS = PyJWS(algorithms=[_ALGORITHM])


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says. Times are cut to whole seconds when it is signed."""

    issuer: str
    audience: str
    client_id: str
    jti: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a token must name to be meant for us."""

    issuer: str
    audience: str


class _UnverifiedToken(NamedTuple):
    kid: str
    payload: bytes


def sign_access_token(claims: AccessClaims, key: Ed25519PrivateKey, kid: str) -> str:
    """Return the compact serialisation of an access token with *claims*.

    Raises ``ValueError`` when the lifetime is above :data:`MAX_LIFETIME`: that is our bug.
    """
    issued, expires = int(claims.issued_at.timestamp()), int(claims.expires_at.timestamp())
    if not 0 < expires - issued <= MAX_LIFETIME.total_seconds():
        raise ValueError("an access token lives for at most an hour")
    payload = {
        "iss": claims.issuer,
        "aud": claims.audience,
        "sub": claims.client_id,
        "client_id": claims.client_id,
        "jti": claims.jti,
        "iat": issued,
        "exp": expires,
    }
    body = json.dumps(payload, separators=(",", ":")).encode()
    return _JWS.encode(body, key, _ALGORITHM, {"typ": _TYPE, "kid": kid})


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
    unverified = _parse_token(token)  # 1–3
    key = snapshot.verification_keys.get(unverified.kid)
    if key is None:  # 4
        raise InvalidToken
    _verify_signature(token, key)  # 5
    claims = _parse_claims(unverified.payload)  # 6
    if claims.issuer != expectations.issuer or claims.audience != expectations.audience:  # 7
        raise InvalidToken
    _verify_times(claims, now=now, leeway=min(leeway, MAX_LEEWAY))  # 8
    client = snapshot.clients.get(claims.client_id)
    if client is None:  # 9
        raise InvalidToken
    principal = Principal(
        client=client,
        jti=claims.jti,
        kid=unverified.kid,
        issued_at=claims.issued_at,
        expires_at=claims.expires_at,
    )
    verify_principal(principal, snapshot)  # 9, 10
    return principal


def _parse_token(token: str) -> _UnverifiedToken:
    parts = token.split(".") if len(token) <= _MAX_TOKEN_CHARS else []
    if len(parts) != 3:
        raise InvalidToken
    header_bytes, payload, _signature = (_decode_part(part) for part in parts)
    header = _parse_object(header_bytes)
    if set(header) != _HEADER_MEMBERS:
        raise InvalidToken
    if header["alg"] != _ALGORITHM or header["typ"] != _TYPE:
        raise InvalidToken
    return _UnverifiedToken(_text(header["kid"]), payload)


def _decode_part(part: str) -> bytes:
    """Decode one part, refusing what a lenient decoder drops: foreign characters, unused bits."""
    if not _BASE64URL.fullmatch(part) or len(part) % 4 == 1:
        raise InvalidToken
    decoded = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise InvalidToken
    return decoded


def _parse_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique_members, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        # The cause stays out of the chain: it would carry the token into a traceback.
        raise InvalidToken from None
    if not isinstance(value, dict):
        raise InvalidToken
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse duplicate members: two parsers would pick different ones (RFC 7519 §4)."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _verify_signature(token: str, key: Ed25519PublicKey) -> None:
    try:
        _JWS.decode(token, key, algorithms=[_ALGORITHM])
    except InvalidTokenError:
        raise InvalidToken from None


def _parse_claims(payload: bytes) -> AccessClaims:
    members = _parse_object(payload)
    try:
        claims = AccessClaims(
            issuer=_text(members["iss"]),
            audience=_text(members["aud"]),
            client_id=_text(members["client_id"]),
            jti=_text(members["jti"]),
            issued_at=_moment(members["iat"]),
            expires_at=_moment(members["exp"]),
        )
        subject = _text(members["sub"])
    except KeyError:
        raise InvalidToken from None
    if subject != claims.client_id:  # 7
        raise InvalidToken
    return claims


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidToken
    return value


def _moment(value: object) -> datetime:
    # bool is an int in Python; a fraction is legal in RFC 7519, but we never issue one.
    if type(value) is not int:
        raise InvalidToken
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidToken from None


def _verify_times(claims: AccessClaims, *, now: datetime, leeway: timedelta) -> None:
    lifetime = claims.expires_at - claims.issued_at
    if not timedelta(0) < lifetime <= MAX_LIFETIME:
        raise InvalidToken
    # Compared without arithmetic on the claims: a date at the end of time would overflow.
    if claims.issued_at > now + leeway or claims.expires_at <= now - leeway:
        raise InvalidToken

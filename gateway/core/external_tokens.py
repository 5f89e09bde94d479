"""Access tokens of other issuers, such as the identity provider of a company (RFC 9068, RFC 8725).

Such a token is verified as strictly as one of ours. It names nobody by itself: a table of the
operator says which registered client of ours stands behind a value of its claims, and which role
that client must have. So rights, networks and revocation are those of the registered client, and a
provider that is taken over can pretend to be those clients and no others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from gateway.core.compact_jws import (
    Claims,
    CompactForm,
    UnverifiedJws,
    parse_compact_jws,
    verify_compact_jws,
)
from gateway.core.errors import InvalidToken
from gateway.core.identity import Role
from gateway.core.jwk import RSA_ALGORITHMS, SigningAlgorithm, VerificationKey
from gateway.core.jws import Unreadable, encode_base64url
from gateway.core.tokens import (
    MAX_LEEWAY,
    MAX_LIFETIME,
    AccessClaims,
    SignedToken,
    read_confirmation,
)

KID_SEPARATOR: Final = "#"
"""Between issuer and ``kid`` in the name under which a key of another issuer is revoked."""

_MAX_ROLES: Final = 64
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class ExternalIssuer:
    """What the operator said of another issuer.

    *clients* maps values of *client_claim* to clients of ours, *roles* maps values of *role_claim*
    to the role that the client must have. *types* are the values of ``typ`` that its access tokens
    have.
    """

    issuer: str
    audience: str
    algorithms: frozenset[SigningAlgorithm]
    role_claim: str
    clients: Mapping[str, str]
    roles: Mapping[str, Role]
    client_claim: str = "client_id"
    types: frozenset[str] = frozenset({"at+jwt"})
    form: CompactForm = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Some providers name certificates too; nothing of that is read.
        optional = frozenset({"x5t", "x5t#S256", "x5c"})
        form = CompactForm(self.types, optional=optional, ed25519_named=True)
        object.__setattr__(self, "form", form)

    @property
    def rsa_algorithm(self) -> SigningAlgorithm | None:
        """What an RSA key that does not say it is used with, if only one comes into question."""
        fitting = self.algorithms & RSA_ALGORITHMS
        return next(iter(fitting)) if len(fitting) == 1 else None


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """An issuer and the keys that it was last seen to publish, by ``kid``."""

    issuer: ExternalIssuer
    keys: Mapping[str, VerificationKey]


def verify_jwks_url(url: str) -> str:
    """Return *url* if keys may be fetched from it: over HTTPS, or from this very machine.

    Raises ``ValueError``.
    """
    parts = urlsplit(url)
    if not url.isascii() or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise ValueError("not a URL that keys can be fetched from")
    if any(character.isspace() for character in url) or parts.port == 0:
        raise ValueError("not a URL that keys can be fetched from")
    is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not is_local:
        raise ValueError("keys are fetched over https, or over http from this machine")
    return url


class UnknownSigner(Exception):
    """A token in good form names a key that no issuer is known to have. Refuse it."""


def verify_external_token(token: str, issuers: Sequence[IssuerKeys]) -> SignedToken:
    """Return what *token* says if one of *issuers* signed it for us.

    Does no I/O, and reads no claim before the signature is verified: the issuer is found by the
    key. Two issuers may use one ``kid``, then both are tried. Raises ``InvalidToken``, or
    :class:`UnknownSigner` for a key that might be new.

    1. the form, as of our own tokens; ``typ`` as configured
    2. ``kid`` names a key of the issuer, of an algorithm that is configured; the signature
    3. issuer and audience are exactly those configured (RFC 8725 §3.8, §3.9)
    4. times typed; the token counts for an hour after its issue at most, whatever ``exp`` says
    5. a client of ours and one role stand in the tables
    """
    well_formed = False
    known = False
    for candidate in issuers:
        try:
            unverified = parse_compact_jws(token, candidate.issuer.form)  # 1
            kid = unverified.unverified_kid
        except Unreadable:
            continue
        well_formed = True
        key = candidate.keys.get(kid)
        if key is None or key.algorithm not in candidate.issuer.algorithms:  # 2
            continue
        known = True
        try:
            return _verify(unverified, key, candidate.issuer)
        except Unreadable:
            continue
    if well_formed and not known:
        raise UnknownSigner
    raise InvalidToken


def _verify(unverified: UnverifiedJws, key: VerificationKey, issuer: ExternalIssuer) -> SignedToken:
    claims = verify_compact_jws(unverified, key)  # 2
    if claims.text("iss") != issuer.issuer or issuer.audience not in claims.audiences():  # 3
        raise Unreadable
    claims.text("sub")
    issued_at, expires_at = _read_times(claims)  # 4
    client_id = issuer.clients.get(claims.text(issuer.client_claim))  # 5
    if client_id is None:
        raise Unreadable
    digest = hashlib.sha256(unverified.compact.encode("ascii")).digest()
    return SignedToken(
        kid=f"{issuer.issuer}{KID_SEPARATOR}{key.kid}",
        key=key,
        claims=AccessClaims(
            issuer=issuer.issuer,
            audience=issuer.audience,
            client_id=client_id,
            # A token without a name can still be revoked by one.
            jti=claims.find_text("jti", max_chars=128) or encode_base64url(digest),
            issued_at=issued_at,
            expires_at=expires_at,
            confirmation=read_confirmation(claims),
        ),
        role=_read_role(claims, issuer),
    )


def _read_times(claims: Claims) -> tuple[datetime, datetime]:
    issued_at, expires_at = claims.moment("iat"), claims.moment("exp")
    not_before = claims.find_moment("nbf")
    if expires_at <= issued_at:
        raise Unreadable
    if not_before is not None and not_before > issued_at + MAX_LEEWAY:
        raise Unreadable  # made for later: nobody is asked to wait for it here
    if expires_at - issued_at > MAX_LIFETIME:
        expires_at = issued_at + MAX_LIFETIME
    return issued_at, expires_at


def _read_role(claims: Claims, issuer: ExternalIssuer) -> Role:
    """Return the one role that the claim names, as a text or in a list of texts."""
    value = claims.members.get(issuer.role_claim)
    values = value if isinstance(value, list) else [value]
    if len(values) > _MAX_ROLES:
        raise Unreadable
    named = {Claims({"role": each}).text("role") for each in values}
    roles = {issuer.roles[name] for name in named & issuer.roles.keys()}
    if len(roles) != 1:  # one principal, one role
        raise Unreadable
    return roles.pop()

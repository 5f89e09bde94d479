"""DPoP (RFC 9449): proof that the caller holds the key that a token is bound to.

A proof is a small JWT for one request, signed with a key that it carries itself. It says for which
method, which URI and which access token it was made, and when; a nonce of ours keeps it from being
made ahead. Nonces need no memory: they are a keyed hash of the time, with keys that every process
derives for itself.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from gateway.core.compact_jws import (
    Claims,
    CompactForm,
    UnverifiedJws,
    parse_compact_jws,
    verify_compact_jws,
)
from gateway.core.errors import ProofRequired
from gateway.core.jwk import (
    RSA_ALGORITHMS,
    SigningAlgorithm,
    find_algorithm,
    jwk_thumbprint,
    parse_jwk,
)
from gateway.core.jws import Unreadable, encode_base64url, parse_base64url

PROOF_TYPE: Final = "dpop+jwt"
PROOF_AGE: Final = timedelta(seconds=60)
"""How old a proof may be."""

PROOF_LEEWAY: Final = timedelta(seconds=30)
"""How far the clock of who makes proofs may be ahead of ours."""

MAX_JTI_CHARS: Final = 128
NONCE_KEY_LABEL: Final = b"sealgate dpop nonce"
"""What tells the keys of nonces from everything else that is derived from the same secret."""

_NONCE_SECONDS: Final = 60  # a new nonce every minute, the last five are good
_NONCES_GOOD: Final = 5
_NONCE_TAG_BYTES: Final = 16
_TAG_BYTES: Final = 16
_CLOCKS_DIFFER: Final = timedelta(seconds=30)
_FORM: Final = CompactForm(
    types=frozenset({PROOF_TYPE}),
    required=frozenset({"alg", "typ", "jwk"}),
    max_chars=8192,
    ed25519_named=True,
)
_DEFAULT_PORTS: Final[Mapping[str, int]] = MappingProxyType({"https": 443, "http": 80})
_URI: Final = re.compile(r"[\x21-\x7e]{1,2048}", re.ASCII)


class ProvenCall(NamedTuple):
    """The request that a proof must have been made for.

    *uri* is that of the request as it reached us; *access_token* is None at the token endpoint.
    """

    method: str
    uri: str
    access_token: str | None = None

    def __repr__(self) -> str:
        return "ProvenCall(…)"


class ProvenKey(NamedTuple):
    """The key that a good proof was made with.

    *jkt* is its thumbprint in base64url; *jti_tag* must be claimed once until *expires_at*.
    """

    jkt: str
    jti_tag: bytes
    expires_at: datetime


class DpopNonces:
    """Hands out nonces and knows them again, for about five minutes.

    *keys* are secret, the newest first: that one issues, all of them verify. ``ValueError``
    without any.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("a nonce needs a key")
        self._keys = tuple(keys)

    def issue(self, now: datetime) -> str:
        """Return the nonce of this minute; it is the same for everybody."""
        return _nonce(self._keys[0], _bucket(now))

    def verify(self, nonce: str, now: datetime) -> None:
        """Raise ``Unreadable`` unless *nonce* is one of ours from the last minutes."""
        raw = parse_base64url(nonce) if len(nonce) <= 64 else b""
        bucket = int.from_bytes(raw[:-_NONCE_TAG_BYTES])
        # One ahead: the clock of the process that issued it may be before ours.
        if not -1 <= _bucket(now) - bucket < _NONCES_GOOD:
            raise Unreadable
        good = [hmac.compare_digest(_nonce(key, bucket), nonce) for key in self._keys]
        if not any(good):
            raise Unreadable


def verify_proof(
    proof: str, call: ProvenCall, *, nonces: DpopNonces | None, now: datetime
) -> ProvenKey:
    """Return the key that *proof* was made with for *call* (RFC 9449 §4.3).

    With *nonces* the proof must carry one of them. Whether the proof was here before is for the
    caller to find out. Raises ``ProofRequired``, with a fresh nonce when that alone was missing.

    1. one signed message of the right type, without a private key in it
    2. the signature, by the key in the header
    3. method and URI are those of the call
    4. it was made within the last minute
    5. ``ath`` is the hash of the access token
    6. the nonce is one of ours
    """
    try:
        unverified = parse_compact_jws(proof, _FORM)  # 1
        key = parse_jwk(_unverified_jwk(unverified), rsa_algorithm=_rsa_algorithm(unverified))
        claims = verify_compact_jws(unverified, key)  # 2
        jti = claims.text("jti", max_chars=MAX_JTI_CHARS)
        _verify_target(claims, call)  # 3
        issued_at = _verify_age(claims, now)  # 4
        _verify_token_hash(claims, call.access_token)  # 5
        nonce = claims.find_text("nonce", max_chars=64)
    except Unreadable:
        raise ProofRequired from None
    if nonces is not None:  # 6
        _verify_nonce(nonce or "", nonces, now)
    jkt = jwk_thumbprint(key)
    return ProvenKey(jkt, _jti_tag(jkt, jti), issued_at + PROOF_AGE + _CLOCKS_DIFFER)


def access_token_hash(access_token: str) -> str:
    """Return the ``ath`` of *access_token* (RFC 9449 §4.2)."""
    return encode_base64url(hashlib.sha256(access_token.encode("ascii")).digest())


def _unverified_jwk(unverified: UnverifiedJws) -> Mapping[str, Any]:
    return Claims(unverified.header).object("jwk").members


def _rsa_algorithm(unverified: UnverifiedJws) -> SigningAlgorithm | None:
    """Return what an RSA key without ``alg`` is used with: here the key has this one use only."""
    algorithm = find_algorithm(unverified.header["alg"])
    return algorithm if algorithm in RSA_ALGORITHMS else None


def _verify_target(claims: Claims, call: ProvenCall) -> None:
    htm, htu = claims.text("htm", max_chars=32), claims.text("htu", max_chars=2048)
    if htm != call.method or _normal_uri(htu) != _normal_uri(call.uri):
        raise Unreadable


def _verify_age(claims: Claims, now: datetime) -> datetime:
    issued_at = claims.moment("iat")
    # Compared without arithmetic on the claim: a date at the end of time would overflow.
    if not now - PROOF_AGE <= issued_at <= now + PROOF_LEEWAY:
        raise Unreadable
    return issued_at


def _normal_uri(uri: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path; query and fragment do not count (RFC 9449 §4.3)."""
    if _URI.fullmatch(uri) is None or "\\" in uri:
        raise Unreadable
    try:
        parts = urlsplit(uri)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise Unreadable from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise Unreadable
    return scheme, host, _DEFAULT_PORTS[scheme] if port is None else port, parts.path or "/"


def _verify_token_hash(claims: Claims, access_token: str | None) -> None:
    if access_token is None:
        return
    expected = access_token_hash(access_token)
    # Of the claim only text of ASCII can be compared in constant time.
    if not hmac.compare_digest(claims.text("ath", max_chars=64).encode(), expected.encode()):
        raise Unreadable


def _verify_nonce(nonce: str, nonces: DpopNonces, now: datetime) -> None:
    try:
        nonces.verify(nonce, now)
    except Unreadable:
        raise ProofRequired(nonce=nonces.issue(now)) from None


def _jti_tag(jkt: str, jti: str) -> bytes:
    """Return what a store remembers of a proof; no other key can take the tag of this one."""
    return hashlib.sha256(f"sealgate dpop jti\0{jkt}\0{jti}".encode()).digest()[:_TAG_BYTES]


def _bucket(now: datetime) -> int:
    return int(now.timestamp()) // _NONCE_SECONDS


def _nonce(key: bytes, bucket: int) -> str:
    begun = bucket.to_bytes(8)
    tag = hmac.digest(key, NONCE_KEY_LABEL + begun, "sha256")[:_NONCE_TAG_BYTES]
    return encode_base64url(begun + tag)
